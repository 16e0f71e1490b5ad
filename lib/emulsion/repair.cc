#include "emulsion/repair.h"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>

namespace emulsion {
namespace {

// Relative to the stream: small enough to be invisible, large enough to beat the rounding of d = 1000.
constexpr double kSmallestJitter = 1e-12;
constexpr double kLargestJitter = 1e-3;
constexpr double kEigenvalueFloor = 1e-9;

}  // namespace

bool cholesky(const Eigen::MatrixXd& covariance, Eigen::MatrixXd& factor) {
  factor = covariance;
  const Eigen::LLT<Eigen::Ref<Eigen::MatrixXd>> llt(factor);  // in its place
  if (llt.info() != Eigen::Success) return false;
  factor.triangularView<Eigen::StrictlyUpper>().setZero();
  // A number that is not finite leaves none on the diagonal of its row.
  return factor.diagonal().allFinite() && (factor.diagonal().array() > 0).all();
}

Repair repair_covariance(Eigen::MatrixXd& covariance, const Eigen::VectorXd& variances, Eigen::MatrixXd& factor) {
  if (!covariance.allFinite()) return Repair::kept_previous;
  if (cholesky(covariance, factor)) return Repair::none;

  const Eigen::VectorXd diagonal = covariance.diagonal();
  for (double jitter = kSmallestJitter; jitter <= kLargestJitter; jitter *= 10) {
    covariance.diagonal() = diagonal + jitter * variances;
    if (cholesky(covariance, factor)) return Repair::jitter;
  }

  // In units of the stream's standard deviations, so that coordinates of different units are treated alike.
  covariance.diagonal() = diagonal;
  const Eigen::VectorXd deviations = variances.cwiseSqrt();
  const Eigen::MatrixXd unit = deviations.cwiseInverse().asDiagonal() * covariance * deviations.cwiseInverse().asDiagonal();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(unit);
  if (solver.info() != Eigen::Success) return Repair::kept_previous;
  const Eigen::VectorXd floored = solver.eigenvalues().cwiseMax(kEigenvalueFloor);
  covariance = deviations.asDiagonal() * solver.eigenvectors() * floored.asDiagonal() * solver.eigenvectors().transpose() *
               deviations.asDiagonal();
  covariance = 0.5 * (covariance + covariance.transpose()).eval();
  return cholesky(covariance, factor) ? Repair::eigenvalue_floor : Repair::kept_previous;
}

}  // namespace emulsion
