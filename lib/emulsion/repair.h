// The repair ladder of a covariance matrix.
#pragma once

#include <Eigen/Core>

#include "emulsion/family.h"
#include "emulsion/scatter.h"

namespace emulsion {

// Makes a symmetric matrix usable as a covariance, changing it as little as it can:
//   1. as it is, if it is positive definite by more than rounding;
//   2. with a jitter of 1e-12 of the stream's variances on the diagonal, growing tenfold up to 1e-3;
//   3. with every eigenvalue, in units of the stream's variances, at least 1e-9;
//   4. not at all: the caller keeps what it had.
//   covariance  its lower triangle, row by row, mended in its place
//   variances   d, each > 0: the stream's own scale
// Returns what had to be done; with `kept_previous` the matrix means nothing.
Repair repair_covariance(Column covariance, const Eigen::VectorXd& variances);

}  // namespace emulsion
