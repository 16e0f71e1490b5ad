// Multivariate normal components whose coordinates are independent: one variance for each coordinate (diagonal), or one
// for all coordinates of a component (spherical). `normal` is the diagonal one under the name that it has on the line.
//
// Statistics of a component: weight, mean, sum of squares about the mean of each coordinate, as moments of 2d rows: the
// mean, then the sums of squares. Parameters are packed as the mean and then d variances, or one if spherical.
// Merging: Chan, Golub & LeVeque (1979), Updating formulae and a pairwise algorithm for computing sample variances.
#pragma once

#include "emulsion/family.h"

namespace emulsion {

const Family& diagonal_gaussian();
const Family& spherical_gaussian();
const Family& normal_family();

}  // namespace emulsion
