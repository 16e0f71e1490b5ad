#include "emulsion/dense_shape.h"

#include <Eigen/Cholesky>
#include <vector>

#include "emulsion/repair.h"

namespace emulsion {
namespace {

std::vector<Index> coordinates(const Tile& tile, Index row, bool missing) {
  std::vector<Index> chosen;
  for (Index j = 0; j < tile.dimension(); ++j)
    if (tile.is_missing(row, j) == missing) chosen.push_back(j);
  return chosen;
}

Eigen::VectorXd observed_residual(const ConstColumn& mean, const Tile& tile, Index row, const std::vector<Index>& observed) {
  const Eigen::VectorXd point = tile.points().row(row);
  return point(observed) - mean(observed);
}

}  // namespace

std::shared_ptr<const DenseShape> make_shape(Eigen::MatrixXd covariance, const Eigen::MatrixXd& factor) {
  return std::make_shared<const DenseShape>(DenseShape{std::move(covariance), factor, factor.diagonal().array().log().sum()});
}

std::shared_ptr<const DenseShape> estimate_shape(const Eigen::MatrixXd& scatter, double weight, const Prior& prior,
                                                 const std::shared_ptr<const DenseShape>& previous, Repair& repair) {
  const double strength = prior.options.covariance_points;
  Eigen::MatrixXd covariance = scatter / (weight + strength);
  covariance.diagonal() += (strength * prior.options.covariance_fraction / (weight + strength)) * prior.variances;
  RepairedCovariance repaired = repair_covariance(covariance, prior.variances);
  repair = repaired.repair;
  if (repaired.covariance.size() == 0) return previous;
  return make_shape(std::move(repaired.covariance), repaired.factor);
}

Eigen::Array<double, kLanes, 1> squared_distances(const DenseShape& shape, const ConstColumn& mean, const Tile& tile, Index row,
                                                  LaneScratch& scratch) {
  using Lane = Eigen::Array<double, kLanes, 1>;
  Lane distance = Lane::Zero();
  for (Index i = 0; i < mean.size(); ++i) {
    Lane value = tile.points().block<kLanes, 1>(row, i) - mean[i];
    for (Index j = 0; j < i; ++j) value -= shape.factor(i, j) * scratch.col(j);
    value /= shape.factor(i, i);
    scratch.col(i) = value;
    distance += value * value;
  }
  return distance;
}

ObservedDistance observed_distance(const DenseShape& shape, const ConstColumn& mean, const Tile& tile, Index row) {
  const auto observed = coordinates(tile, row, false);
  const Eigen::LLT<Eigen::MatrixXd> llt(shape.covariance(observed, observed));
  const Eigen::MatrixXd factor = llt.matrixL();
  const Eigen::VectorXd whitened = llt.matrixL().solve(observed_residual(mean, tile, row, observed));
  return {static_cast<double>(observed.size()), whitened.squaredNorm(), factor.diagonal().array().log().sum()};
}

Completed complete(const DenseShape& shape, const ConstColumn& mean, const Tile& tile, Index row) {
  const auto observed = coordinates(tile, row, false);
  const auto missing = coordinates(tile, row, true);
  const Eigen::LLT<Eigen::MatrixXd> llt(shape.covariance(observed, observed));
  const Eigen::MatrixXd regression = llt.solve(shape.covariance(observed, missing)).transpose();  // missing on observed
  const Index d = tile.dimension();
  Completed completed{tile.points().row(row).transpose(), Eigen::MatrixXd::Zero(d, d)};
  completed.point(missing) = mean(missing) + regression * observed_residual(mean, tile, row, observed);
  completed.covariance(missing, missing) = shape.covariance(missing, missing) - regression * shape.covariance(observed, missing);
  return completed;
}

}  // namespace emulsion
