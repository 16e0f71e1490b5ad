// The repair ladder of a covariance matrix.
#pragma once

#include <Eigen/Core>

#include "emulsion/family.h"

namespace emulsion {

struct RepairedCovariance {
  Eigen::MatrixXd covariance;  // d x d, positive definite; empty if the ladder has failed
  Eigen::MatrixXd factor;      // d x d, lower triangular, covariance = factor * factor^T
  Repair repair = Repair::none;
};

// Makes a symmetric matrix usable as a covariance, changing it as little as it can:
//   1. Cholesky as it is;
//   2. with a jitter of 1e-12 of the stream's variances on the diagonal, growing tenfold up to 1e-3;
//   3. with every eigenvalue, in units of the stream's variances, at least 1e-9;
//   4. not at all: `covariance` is empty and the caller keeps what it had.
//   variances  d, each > 0: the stream's own scale
RepairedCovariance repair_covariance(const Eigen::MatrixXd& covariance, const Eigen::VectorXd& variances);

}  // namespace emulsion
