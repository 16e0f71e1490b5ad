#include "emulsion/gaussian_dense.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>

#include "emulsion/repair.h"

namespace emulsion {
namespace {

using Lane = Eigen::Array<double, kLanes, 1>;
using LaneScratch = Eigen::Array<double, kLanes, Eigen::Dynamic>;

Index triangle(Index d) { return d * (d + 1) / 2; }

// The lower triangle row by row, and back.
Eigen::VectorXd pack_triangle(const Eigen::MatrixXd& matrix) {
  Eigen::VectorXd packed(triangle(matrix.rows()));
  for (Index i = 0, at = 0; i < matrix.rows(); ++i)
    for (Index j = 0; j <= i; ++j) packed[at++] = matrix(i, j);
  return packed;
}

template <typename Packed>
Eigen::MatrixXd unpack_triangle(const Packed& packed, Index d) {
  Eigen::MatrixXd matrix(d, d);
  for (Index i = 0, at = 0; i < d; ++i)
    for (Index j = 0; j <= i; ++j) matrix(i, j) = matrix(j, i) = packed[at++];
  return matrix;
}

class DenseFamily;

// A point of which some coordinates are missing, as one component sees it.
struct Completed {
  Eigen::VectorXd point;       // d, the missing coordinates at their conditional expectation
  Eigen::MatrixXd covariance;  // d x d, of the missing coordinates given the others; 0 elsewhere
};

class DenseGaussian final : public Bank {
 public:
  // One component's covariance with its Cholesky factor.
  struct Shape {
    Eigen::MatrixXd covariance;
    Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> factor;
    double log_normaliser;  // log density at the mean
  };

  DenseGaussian(const DenseFamily& family, Eigen::MatrixXd means, std::vector<std::shared_ptr<const Shape>> shapes)
      : family_(family), means_(std::move(means)), shapes_(std::move(shapes)) {}

  static std::shared_ptr<const Shape> shape(Eigen::MatrixXd covariance, const Eigen::MatrixXd& factor) {
    const double half_log_determinant = factor.diagonal().array().log().sum();
    const double constant = 0.5 * static_cast<double>(covariance.rows()) * std::log(2 * std::numbers::pi);
    return std::make_shared<const Shape>(Shape{std::move(covariance), factor, -constant - half_log_determinant});
  }

  const Family& family() const override;
  Index size() const override { return means_.cols(); }
  Index dimension() const override { return means_.rows(); }
  Eigen::MatrixXd means() const override { return means_; }
  Eigen::MatrixXd variances() const override {
    Eigen::MatrixXd variances(dimension(), size());
    for (Index k = 0; k < size(); ++k) variances.col(k) = shape_of(k)->covariance.diagonal();
    return variances;
  }
  const std::shared_ptr<const Shape>& shape_of(Index k) const { return shapes_[static_cast<std::size_t>(k)]; }

  void log_densities(const Tile& tile, LaneRange lanes, LaneMatrix& out, Index first_column) const override {
    const Index d = dimension();
    LaneScratch whitened(kLanes, d);
    for (Index row = lanes.begin; row < lanes.end; row += kLanes) {
      for (Index k = 0; k < size(); ++k) {
        const Shape& shape = *shape_of(k);
        Lane distance = Lane::Zero();
        for (Index i = 0; i < d; ++i) {
          Lane value = tile.points().block<kLanes, 1>(row, i) - means_(i, k);
          for (Index j = 0; j < i; ++j) value -= shape.factor(i, j) * whitened.col(j);
          value /= shape.factor(i, i);
          whitened.col(i) = value;
          distance += value * value;
        }
        out.block<kLanes, 1>(row, first_column + k) = shape.log_normaliser - 0.5 * distance;
      }
    }
    for (const Index row : tile.incomplete_rows()) {
      if (row < lanes.begin || row >= lanes.end) continue;
      for (Index k = 0; k < size(); ++k) out(row, first_column + k) = observed_log_density(tile, row, k);
    }
  }

  // Two passes, so that the scatter is about the tile's own mean and keeps its digits wherever the data lie.
  BankStatistics accumulate(const Tile& tile, const LaneMatrix& responsibilities, Index first_column) const override {
    const Index d = dimension();
    BankStatistics statistics = family().empty(d, size());
    LaneMatrix centred(kTilePoints, d);
    Eigen::Array<double, kTilePoints, 1> shares;
    Eigen::Array<double, kTilePoints, 1> weighted;
    for (Index k = 0; k < size(); ++k) {
      shares = responsibilities.col(first_column + k);
      for (const Index row : tile.incomplete_rows()) shares[row] = 0;
      const double weight = shares.sum();
      if (weight > 0) {
        statistics.weight[k] = weight;
        for (Index i = 0; i < d; ++i) {
          centred.col(i) = tile.points().col(i) - means_(i, k);
          const double shift = (shares * centred.col(i)).sum() / weight;
          centred.col(i) -= shift;
          statistics.moments(i, k) = means_(i, k) + shift;
        }
        for (Index i = 0, at = d; i < d; ++i) {
          weighted = shares * centred.col(i);
          for (Index j = 0; j <= i; ++j) statistics.moments(at++, k) = (weighted * centred.col(j)).sum();
        }
      }
    }
    for (const Index row : tile.incomplete_rows()) family().merge(statistics, one_point(tile, row, responsibilities, first_column));
    return statistics;
  }

  Eigen::MatrixXd pack() const override {
    Eigen::MatrixXd packed(dimension() + triangle(dimension()), size());
    for (Index k = 0; k < size(); ++k) packed.col(k) << means_.col(k), pack_triangle(shape_of(k)->covariance);
    return packed;
  }

 private:
  static std::vector<Index> coordinates(const Tile& tile, Index row, bool missing) {
    std::vector<Index> chosen;
    for (Index j = 0; j < tile.dimension(); ++j)
      if (tile.is_missing(row, j) == missing) chosen.push_back(j);
    return chosen;
  }

  Eigen::VectorXd observed_residual(const Tile& tile, Index row, Index k, const std::vector<Index>& observed) const {
    const Eigen::VectorXd point = tile.points().row(row);
    return point(observed) - means_.col(k)(observed);
  }

  // The marginal of the observed coordinates.
  double observed_log_density(const Tile& tile, Index row, Index k) const {
    const auto observed = coordinates(tile, row, false);
    const Eigen::LLT<Eigen::MatrixXd> llt(shape_of(k)->covariance(observed, observed));
    const Eigen::MatrixXd factor = llt.matrixL();
    const Eigen::VectorXd whitened = llt.matrixL().solve(observed_residual(tile, row, k, observed));
    return -0.5 * (static_cast<double>(observed.size()) * std::log(2 * std::numbers::pi) + whitened.squaredNorm()) -
           factor.diagonal().array().log().sum();
  }

  // Source: Ghahramani & Jordan (1994), Supervised learning from incomplete data via an EM approach, section 3.
  Completed complete(const Tile& tile, Index row, Index k) const {
    const auto observed = coordinates(tile, row, false);
    const auto missing = coordinates(tile, row, true);
    const Eigen::MatrixXd& covariance = shape_of(k)->covariance;
    const Eigen::LLT<Eigen::MatrixXd> llt(covariance(observed, observed));
    const Eigen::MatrixXd regression = llt.solve(covariance(observed, missing)).transpose();  // missing on observed
    Completed completed{tile.points().row(row).transpose(), Eigen::MatrixXd::Zero(dimension(), dimension())};
    completed.point(missing) = means_.col(k)(missing) + regression * observed_residual(tile, row, k, observed);
    completed.covariance(missing, missing) = covariance(missing, missing) - regression * covariance(observed, missing);
    return completed;
  }

  BankStatistics one_point(const Tile& tile, Index row, const LaneMatrix& responsibilities, Index first_column) const {
    BankStatistics statistics = family().empty(dimension(), size());
    for (Index k = 0; k < size(); ++k) {
      const double share = responsibilities(row, first_column + k);
      if (!(share > 0)) continue;
      const Completed completed = complete(tile, row, k);
      statistics.weight[k] = share;
      statistics.moments.col(k) << completed.point, share * pack_triangle(completed.covariance);
    }
    return statistics;
  }

  const DenseFamily& family_;
  Eigen::MatrixXd means_;                             // d x K
  std::vector<std::shared_ptr<const Shape>> shapes_;  // K; all the same one if tied
};

class DenseFamily final : public Family {
 public:
  explicit DenseFamily(bool tied) : tied_(tied) {}

  std::string name() const override { return tied_ ? "gaussian(tied)" : "gaussian(full)"; }

  std::vector<ParameterPart> layout(Index d) const override {
    return {{"mean", PartShape::vector, d, 0}, {"covariance", PartShape::symmetric, triangle(d), d}};
  }

  bool refuses_points() const override { return false; }

  Index free_parameters(Index d, Index components) const override {
    return components * d + (tied_ ? 1 : components) * triangle(d);
  }

  BankStatistics empty(Index d, Index components) const override {
    return {this, Eigen::VectorXd::Zero(components), Eigen::MatrixXd::Zero(d + triangle(d), components)};
  }

  void merge(BankStatistics& into, const BankStatistics& from) const override {
    assert(into.moments.rows() == from.moments.rows() && into.moments.cols() == from.moments.cols());
    const Index d = dimension_of(into.moments.rows());
    for (Index k = 0; k < into.weight.size(); ++k) {
      const double added = from.weight[k];
      if (added == 0) continue;
      if (into.weight[k] == 0) {
        into.weight[k] = added;
        into.moments.col(k) = from.moments.col(k);
        continue;
      }
      const double total = into.weight[k] + added;
      const double cross = into.weight[k] * (added / total);
      const Eigen::VectorXd shift = from.moments.col(k).head(d) - into.moments.col(k).head(d);
      into.moments.col(k).head(d) += (added / total) * shift;
      for (Index i = 0, at = d; i < d; ++i)
        for (Index j = 0; j <= i; ++j, ++at) into.moments(at, k) += from.moments(at, k) + cross * shift[i] * shift[j];
      into.weight[k] = total;
    }
  }

  void scale(BankStatistics& statistics, double factor) const override {
    const Index d = dimension_of(statistics.moments.rows());
    statistics.weight *= factor;
    statistics.moments.bottomRows(triangle(d)) *= factor;
  }

  MaximisedBank maximise(const BankStatistics& statistics, const Prior& prior, const Bank& previous,
                         const std::vector<bool>& keep) const override {
    const auto& before = dynamic_cast<const DenseGaussian&>(previous);
    const Index d = before.dimension();
    const Index components = before.size();
    Eigen::MatrixXd means = before.means();
    std::vector<std::shared_ptr<const DenseGaussian::Shape>> shapes;
    std::vector<Repair> repairs(static_cast<std::size_t>(components), Repair::none);
    Eigen::MatrixXd pooled = Eigen::MatrixXd::Zero(d, d);
    for (Index k = 0; k < components; ++k) {
      const Eigen::MatrixXd scatter = unpack_triangle(statistics.moments.col(k).tail(triangle(d)), d);
      pooled += scatter;
      shapes.push_back(before.shape_of(k));
      if (keep[static_cast<std::size_t>(k)]) continue;
      const Eigen::VectorXd mean = statistics.moments.col(k).head(d);
      Repair& repair = repairs[static_cast<std::size_t>(k)];
      if (!mean.allFinite())
        repair = Repair::kept_previous;
      else if (!tied_)
        shapes.back() = estimate(scatter, statistics.weight[k], prior, before.shape_of(k), repair);
      if (repair != Repair::kept_previous) means.col(k) = mean;
    }
    if (tied_) {
      Repair repair = Repair::none;
      const auto shared = estimate(pooled, statistics.weight.sum(), prior, before.shape_of(0), repair);
      if (repair == Repair::kept_previous) means = before.means();
      repairs[0] = std::max(repairs[0], repair);
      shapes.assign(static_cast<std::size_t>(components), shared);
    }
    return {std::make_shared<DenseGaussian>(*this, std::move(means), std::move(shapes)), std::move(repairs)};
  }

  std::shared_ptr<const Bank> place(const Eigen::MatrixXd& centres, const Eigen::VectorXd& variances) const override {
    const auto shape = DenseGaussian::shape(variances.asDiagonal(), variances.cwiseSqrt().asDiagonal());
    return std::make_shared<DenseGaussian>(
        *this, centres, std::vector<std::shared_ptr<const DenseGaussian::Shape>>(static_cast<std::size_t>(centres.cols()), shape));
  }

  BankStatistics expected(const Bank& bank, const Eigen::VectorXd& points) const override {
    const Index d = bank.dimension();
    BankStatistics statistics{this, points, bank.pack()};
    for (Index k = 0; k < bank.size(); ++k) statistics.moments.col(k).tail(triangle(d)) *= points[k];
    return statistics;
  }

  Result<std::shared_ptr<const Bank>> unpack(const Eigen::MatrixXd& parameters, Index d) const override {
    if (parameters.rows() != d + triangle(d))
      return fail(name() + ": " + std::to_string(parameters.rows()) + " parameters, expected " +
                  std::to_string(d + triangle(d)) + " in " + std::to_string(d) + " dimensions");
    std::vector<std::shared_ptr<const DenseGaussian::Shape>> shapes;
    for (Index k = 0; k < parameters.cols(); ++k) {
      const Eigen::MatrixXd covariance = unpack_triangle(parameters.col(k).tail(triangle(d)), d);
      const Eigen::LLT<Eigen::MatrixXd> llt(covariance);
      if (!parameters.col(k).allFinite()) return fail("component " + std::to_string(k + 1) + ": a parameter is not a finite number");
      if (llt.info() != Eigen::Success)
        return fail("component " + std::to_string(k + 1) + ": covariance is not positive definite");
      if (tied_ && k > 0 && parameters.col(k).tail(triangle(d)) != parameters.col(0).tail(triangle(d)))
        return fail("component " + std::to_string(k + 1) + ": covariance differs from that of component 1, expected one for all");
      shapes.push_back(tied_ && k > 0 ? shapes.front() : DenseGaussian::shape(covariance, llt.matrixL()));
    }
    return std::make_shared<const DenseGaussian>(*this, parameters.topRows(d), std::move(shapes));
  }

 private:
  // d of d + d(d+1)/2 moments.
  static Index dimension_of(Index moments) {
    return static_cast<Index>(std::lround((std::sqrt(9.0 + 8.0 * static_cast<double>(moments)) - 3.0) / 2.0));
  }

  // The mode of the posterior under an inverse-Wishart prior worth `covariance_points` points.
  static std::shared_ptr<const DenseGaussian::Shape> estimate(const Eigen::MatrixXd& scatter, double weight, const Prior& prior,
                                                              const std::shared_ptr<const DenseGaussian::Shape>& previous,
                                                              Repair& repair) {
    const double strength = prior.options.covariance_points;
    Eigen::MatrixXd covariance = scatter / (weight + strength);
    covariance.diagonal() += (strength * prior.options.covariance_fraction / (weight + strength)) * prior.variances;
    RepairedCovariance repaired = repair_covariance(covariance, prior.variances);
    repair = repaired.repair;
    if (repaired.covariance.size() == 0) return previous;
    return DenseGaussian::shape(std::move(repaired.covariance), repaired.factor);
  }

  bool tied_;
};

const Family& DenseGaussian::family() const { return family_; }

}  // namespace

const Family& full_gaussian() {
  static const DenseFamily family(false);
  return family;
}

const Family& tied_gaussian() {
  static const DenseFamily family(true);
  return family;
}

}  // namespace emulsion
