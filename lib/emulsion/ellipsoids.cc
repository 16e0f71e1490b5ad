#include "emulsion/dense_shape.h"

#include <Eigen/Cholesky>
#include <vector>

#include "emulsion/kernels/kernels.h"
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
  const Index d = covariance.rows();
  Eigen::MatrixXd inverse = Eigen::MatrixXd::Identity(d, d);
  factor.triangularView<Eigen::Lower>().solveInPlace(inverse);
  return std::make_shared<const DenseShape>(
      DenseShape{std::move(covariance), std::move(inverse), factor.diagonal().array().log().sum()});
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

DenseDistances::DenseDistances(const Eigen::MatrixXd& places, const std::vector<std::shared_ptr<const DenseShape>>& shapes)
    : places_(places), frame_(places) {
  for (Index k = 0; k < places.cols(); ++k) {
    const Eigen::MatrixXd& inverse = shapes[static_cast<std::size_t>(k)]->inverse_factor;
    const Eigen::VectorXd from_centre = places.col(k) - frame_.centre();
    const double loss = (inverse.cwiseAbs() * from_centre.cwiseAbs()).maxCoeff();
    const Eigen::VectorXd offset = frame_.admit(loss) ? Eigen::VectorXd(-inverse * from_centre) : Eigen::VectorXd::Zero(places.rows());
    packed_.push_back(kernels::pack_affine(inverse.data(), places.rows(), offset.data()));
  }
}

void DenseDistances::compute(const Tile& tile, LaneRange lanes, double factor, const Eigen::VectorXd& constants, LaneMatrix& out,
                             Index first_column) const {
  const Index d = tile.dimension();
  frame_.for_each_run(tile, lanes, places_, [&](const double* blocks, Index first, Index count) {
    for (Index k = first; k < first + count; ++k)
      kernels::affine_distances(blocks, d, packed_[static_cast<std::size_t>(k)].data(), factor, constants[k], lanes,
                                out.col(first_column + k).data());
  });
}

void DenseDistances::compute_rows(const Tile& tile, Index k, RowNumbers rows, double factor, double constant, double* out) const {
  kernels::affine_distances(frame_.gather(tile, rows, places_, k), tile.dimension(), packed_[static_cast<std::size_t>(k)].data(), factor,
                            constant, {0, static_cast<Index>(rows.size())}, out);
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
