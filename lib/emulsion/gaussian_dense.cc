#include "emulsion/gaussian_dense.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>

#include "emulsion/dense_shape.h"
#include "emulsion/screen.h"

namespace emulsion {
namespace {

class DenseFamily;

class DenseGaussian final : public Bank {
 public:
  DenseGaussian(const DenseFamily& family, Eigen::MatrixXd means, std::vector<std::shared_ptr<const DenseShape>> shapes)
      : family_(family), means_(std::move(means)), shapes_(std::move(shapes)), distances_(means_, shapes_), log_normalisers_(size()) {
    for (Index k = 0; k < size(); ++k)
      log_normalisers_[k] = -log_constant(static_cast<double>(dimension())) - shape_of(k)->half_log_determinant;
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
  const std::shared_ptr<const DenseShape>& shape_of(Index k) const { return shapes_[static_cast<std::size_t>(k)]; }

  void log_densities(const Tile& tile, LaneRange lanes, LaneMatrix& out, Index first_column) const override {
    distances_.compute(tile, lanes, -0.5, log_normalisers_, out, first_column);
    set_incomplete(tile, lanes, out, first_column);
  }

  void set_incomplete(const Tile& tile, LaneRange lanes, LaneMatrix& out, Index first_column) const override {
    for (const Index row : tile.incomplete_rows()) {
      if (row < lanes.begin || row >= lanes.end) continue;
      for (Index k = 0; k < size(); ++k) {
        const ObservedDistance observed = observed_distance(*shape_of(k), means_.col(k), tile, row);
        out(row, first_column + k) = -0.5 * observed.squared - log_constant(observed.coordinates) - observed.half_log_determinant;
      }
    }
  }

  std::shared_ptr<const Screen> screen() const override {
    // Below this, all densities together cost little more than their bounds.
    constexpr Index kFewComponents = 8, kFewProducts = 4096;
    if (size() < kFewComponents || size() * triangle(dimension()) < kFewProducts) return nullptr;
    return Screen::make(means_, [this](Index k) { return shape_of(k)->covariance; }, log_normalisers_);
  }

  void log_densities_of(const Tile& tile, Index component, RowNumbers rows, double* out) const override {
    distances_.compute_rows(tile, component, rows, -0.5, log_normalisers_[component], out);
  }

  void accumulate(const Tile& tile, const LaneMatrix& responsibilities, Index first_column,
                  BankStatistics& statistics) const override {
    scatters_of(tile, responsibilities.middleCols(first_column, size()), means_, statistics.weight, statistics.moments);
    for (const Index row : tile.incomplete_rows()) family().merge(statistics, one_point(tile, row, responsibilities, first_column));
  }

  Eigen::MatrixXd pack() const override {
    Eigen::MatrixXd packed(dimension() + triangle(dimension()), size());
    for (Index k = 0; k < size(); ++k) packed.col(k) << means_.col(k), pack_triangle(shape_of(k)->covariance);
    return packed;
  }

 private:
  // log (2 pi)^(n/2)
  static double log_constant(double coordinates) { return 0.5 * coordinates * std::log(2 * std::numbers::pi); }

  BankStatistics one_point(const Tile& tile, Index row, const LaneMatrix& responsibilities, Index first_column) const {
    BankStatistics statistics = family().empty(dimension(), size());
    for (Index k = 0; k < size(); ++k) {
      const double share = responsibilities(row, first_column + k);
      if (!(share > 0)) continue;
      const Completed completed = complete(*shape_of(k), means_.col(k), tile, row);
      statistics.weight[k] = share;
      statistics.moments.col(k) << completed.point, share * pack_triangle(completed.covariance);
    }
    return statistics;
  }

  const DenseFamily& family_;
  Eigen::MatrixXd means_;                                  // d x K
  std::vector<std::shared_ptr<const DenseShape>> shapes_;  // K; all the same one if tied
  DenseDistances distances_;
  Eigen::VectorXd log_normalisers_;                        // K: log density at the mean
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
    for (Index k = 0; k < into.weight.size(); ++k)
      into.weight[k] = merge_scatter(into.moments.col(k), into.weight[k], from.moments.col(k), from.weight[k]);
  }

  void scale(BankStatistics& statistics, double factor) const override {
    const Index d = dimension_of_scatter(statistics.moments.rows());
    statistics.weight *= factor;
    statistics.moments.bottomRows(triangle(d)) *= factor;
  }

  MaximisedBank maximise(const BankStatistics& statistics, const Prior& prior, const Bank& previous,
                         const std::vector<bool>& keep) const override {
    const auto& before = dynamic_cast<const DenseGaussian&>(previous);
    const Index d = before.dimension();
    const Index components = before.size();
    Eigen::MatrixXd means = before.means();
    std::vector<std::shared_ptr<const DenseShape>> shapes;
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
        shapes.back() = estimate_shape(scatter, statistics.weight[k], prior, before.shape_of(k), repair);
      if (repair != Repair::kept_previous) means.col(k) = mean;
    }
    if (tied_) {
      Repair repair = Repair::none;
      const auto shared = estimate_shape(pooled, statistics.weight.sum(), prior, before.shape_of(0), repair);
      if (repair == Repair::kept_previous) means = before.means();
      repairs[0] = std::max(repairs[0], repair);
      shapes.assign(static_cast<std::size_t>(components), shared);
    }
    return {std::make_shared<DenseGaussian>(*this, std::move(means), std::move(shapes)), std::move(repairs)};
  }

  std::shared_ptr<const Bank> place(const Eigen::MatrixXd& centres, const Eigen::VectorXd& variances) const override {
    const auto shape = make_shape(variances.asDiagonal(), variances.cwiseSqrt().asDiagonal());
    return std::make_shared<DenseGaussian>(
        *this, centres, std::vector<std::shared_ptr<const DenseShape>>(static_cast<std::size_t>(centres.cols()), shape));
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
    std::vector<std::shared_ptr<const DenseShape>> shapes;
    for (Index k = 0; k < parameters.cols(); ++k) {
      const Eigen::MatrixXd covariance = unpack_triangle(parameters.col(k).tail(triangle(d)), d);
      const Eigen::LLT<Eigen::MatrixXd> llt(covariance);
      if (!parameters.col(k).allFinite()) return fail("component " + std::to_string(k + 1) + ": a parameter is not a finite number");
      if (llt.info() != Eigen::Success)
        return fail("component " + std::to_string(k + 1) + ": covariance is not positive definite");
      if (tied_ && k > 0 && parameters.col(k).tail(triangle(d)) != parameters.col(0).tail(triangle(d)))
        return fail("component " + std::to_string(k + 1) + ": covariance differs from that of component 1, expected one for all");
      shapes.push_back(tied_ && k > 0 ? shapes.front() : make_shape(covariance, llt.matrixL()));
    }
    return std::make_shared<const DenseGaussian>(*this, parameters.topRows(d), std::move(shapes));
  }

 private:
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
