// Directions: points on the unit sphere around a mean direction, in two or more dimensions.
//
//   density(x) = kappa^(d/2-1) / ((2 pi)^(d/2) I_{d/2-1}(kappa)) exp(kappa mu.x), per unit area of the sphere
//
// A point may be off the sphere by the rounding of its text or of single precision: it counts as the direction that it points
// in. A point of any other length, or without all of its coordinates, is outside the support.
//
// Statistics of a component: weight, mean vector, sum of squared distances to the mean vector, as moments of d + 1 rows. By
// themselves the mean vector m would do, but where points lie close together 1 - |m|^2, the sum of squares per point, has
// digits that m has lost. Parameters are packed as the direction and then the concentration kappa.
// Source: Banerjee, Dhillon, Ghosh & Sra (2005), Clustering on the unit hypersphere using von Mises-Fisher distributions.
#pragma once

#include "emulsion/family.h"

namespace emulsion {

const Family& von_mises_fisher();

}  // namespace emulsion
