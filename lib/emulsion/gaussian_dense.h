// Multivariate normal components whose coordinates may be correlated: one covariance each (full), or one for all (tied).
//
// Statistics of a component: weight, mean, scatter about the mean, as moments of d + d(d+1)/2 rows: the mean, then the
// lower triangle of the scatter row by row. Parameters are packed in the same layout, with the covariance for the scatter.
// Merging: Chan, Golub & LeVeque (1979), Updating formulae and a pairwise algorithm for computing sample variances.
#pragma once

#include "emulsion/family.h"

namespace emulsion {

const Family& full_gaussian();
const Family& tied_gaussian();

}  // namespace emulsion
