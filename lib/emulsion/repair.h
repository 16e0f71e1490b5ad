// The repair ladder of a covariance matrix.
#pragma once

#include <Eigen/Core>

#include "emulsion/family.h"

namespace emulsion {

// The Cholesky factor of a symmetric matrix: covariance = factor * factor^T.
//   factor  becomes lower triangular, 0 above the diagonal
// Returns false if the matrix is not positive definite; then the factor means nothing.
bool cholesky(const Eigen::MatrixXd& covariance, Eigen::MatrixXd& factor);

// Makes a symmetric matrix usable as a covariance, changing it as little as it can:
//   1. Cholesky as it is;
//   2. with a jitter of 1e-12 of the stream's variances on the diagonal, growing tenfold up to 1e-3;
//   3. with every eigenvalue, in units of the stream's variances, at least 1e-9;
//   4. not at all: the caller keeps what it had.
//   covariance  d x d, mended in its place
//   variances   d, each > 0: the stream's own scale
//   factor      becomes its Cholesky factor
// Returns what had to be done; with `kept_previous` neither matrix means anything.
Repair repair_covariance(Eigen::MatrixXd& covariance, const Eigen::VectorXd& variances, Eigen::MatrixXd& factor);

}  // namespace emulsion
