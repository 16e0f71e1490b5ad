#include "emulsion/repair.h"

#include <Eigen/Eigenvalues>

#include "emulsion/inverse_factors.h"

namespace emulsion {
namespace {

// Relative to the stream: small enough to be invisible, large enough to beat the rounding of d = 1000.
constexpr double kSmallestJitter = 1e-12;
constexpr double kLargestJitter = 1e-3;
constexpr double kEigenvalueFloor = 1e-9;

}  // namespace

Repair repair_covariance(Column covariance, const Eigen::VectorXd& variances) {
  if (!covariance.allFinite()) return Repair::kept_previous;
  if (is_regular(covariance)) return Repair::none;

  const Eigen::VectorXd broken = covariance;
  for (double jitter = kSmallestJitter; jitter <= kLargestJitter; jitter *= 10) {
    for (Index i = 0; i < variances.size(); ++i) covariance[triangle(i) + i] = broken[triangle(i) + i] + jitter * variances[i];
    if (is_regular(covariance)) return Repair::jitter;
  }

  // In units of the stream's standard deviations, so that coordinates of different units are treated alike.
  const Eigen::VectorXd deviations = variances.cwiseSqrt();
  const Eigen::MatrixXd unit =
      deviations.cwiseInverse().asDiagonal() * unpack_triangle(broken, variances.size()) * deviations.cwiseInverse().asDiagonal();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(unit);
  if (solver.info() != Eigen::Success) return Repair::kept_previous;
  const Eigen::VectorXd floored = solver.eigenvalues().cwiseMax(kEigenvalueFloor);
  const Eigen::MatrixXd mended = deviations.asDiagonal() * solver.eigenvectors() * floored.asDiagonal() * solver.eigenvectors().transpose() *
                                 deviations.asDiagonal();
  covariance = pack_triangle(0.5 * (mended + mended.transpose()));
  return is_regular(covariance) ? Repair::eigenvalue_floor : Repair::kept_previous;
}

}  // namespace emulsion
