#include "emulsion/repair.h"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <optional>

namespace emulsion {
namespace {

// Relative to the stream: small enough to be invisible, large enough to beat the rounding of d = 1000.
constexpr double kSmallestJitter = 1e-12;
constexpr double kLargestJitter = 1e-3;
constexpr double kEigenvalueFloor = 1e-9;

std::optional<Eigen::MatrixXd> cholesky(const Eigen::MatrixXd& covariance) {
  Eigen::MatrixXd factor = covariance;
  const Eigen::LLT<Eigen::Ref<Eigen::MatrixXd>> llt(factor);  // in its place
  if (llt.info() != Eigen::Success) return std::nullopt;
  factor.triangularView<Eigen::StrictlyUpper>().setZero();
  if (!factor.allFinite() || !(factor.diagonal().array() > 0).all()) return std::nullopt;
  return factor;
}

}  // namespace

RepairedCovariance repair_covariance(const Eigen::MatrixXd& covariance, const Eigen::VectorXd& variances) {
  if (!covariance.allFinite()) return {{}, {}, Repair::kept_previous};
  if (auto factor = cholesky(covariance)) return {covariance, *std::move(factor), Repair::none};

  for (double jitter = kSmallestJitter; jitter <= kLargestJitter; jitter *= 10) {
    Eigen::MatrixXd jittered = covariance;
    jittered.diagonal() += jitter * variances;
    if (auto factor = cholesky(jittered)) return {jittered, *std::move(factor), Repair::jitter};
  }

  // In units of the stream's standard deviations, so that coordinates of different units are treated alike.
  const Eigen::VectorXd deviations = variances.cwiseSqrt();
  const Eigen::MatrixXd unit = deviations.cwiseInverse().asDiagonal() * covariance * deviations.cwiseInverse().asDiagonal();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(unit);
  if (solver.info() == Eigen::Success) {
    const Eigen::VectorXd floored = solver.eigenvalues().cwiseMax(kEigenvalueFloor);
    Eigen::MatrixXd rebuilt = deviations.asDiagonal() * solver.eigenvectors() * floored.asDiagonal() *
                              solver.eigenvectors().transpose() * deviations.asDiagonal();
    rebuilt = 0.5 * (rebuilt + rebuilt.transpose()).eval();
    if (auto factor = cholesky(rebuilt)) return {rebuilt, *std::move(factor), Repair::eigenvalue_floor};
  }
  return {{}, {}, Repair::kept_previous};
}

}  // namespace emulsion
