#include "emulsion/gaussian_dense.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>

#include "emulsion/ellipsoids.h"
#include "emulsion/marginals.h"
#include "emulsion/prefetch.h"
#include "emulsion/screen.h"

namespace emulsion {
namespace {

class DenseFamily;

class DenseGaussian final : public Bank {
 public:
  //   shapes  that the ellipsoids were made from
  DenseGaussian(const DenseFamily& family, Ellipsoids ellipsoids, const Shapes& shapes)
      : family_(family), ellipsoids_(std::move(ellipsoids)), log_normalisers_(size()) {
    for (Index k = 0; k < size(); ++k)
      log_normalisers_[k] = -log_constant(static_cast<double>(dimension())) - shapes.half_log_determinant(shapes.size() == 1 ? 0 : k);
  }

  const Family& family() const override;
  Index size() const override { return ellipsoids_.size(); }
  Index dimension() const override { return ellipsoids_.dimension(); }
  Eigen::MatrixXd means() const override { return ellipsoids_.places(); }
  Eigen::MatrixXd variances() const override {
    Eigen::MatrixXd variances(dimension(), size());
    for (Index k = 0; k < size(); ++k) variances.col(k) = ellipsoids_.variances(k);
    return variances;
  }
  const Ellipsoids& ellipsoids() const { return ellipsoids_; }

  void log_densities(const Tile& tile, LaneRange lanes, LaneMatrix& out, Index first_column) const override {
    ellipsoids_.distances(tile, lanes, -0.5, log_normalisers_, out, first_column);
    set_incomplete(tile, lanes, out, first_column);
  }

  void set_incomplete(const Tile& tile, LaneRange lanes, LaneMatrix& out, Index first_column) const override {
    for (const MissingPattern& pattern : missing_patterns(tile, lanes)) {
      Marginals marginals(ellipsoids_, pattern);
      const double constant = -log_constant(static_cast<double>(pattern.observed.size()));
      const auto all = [](Index) { return true; };
      marginals.for_each(all, [&](Index k) {
        const double* const densities = marginals.distances(tile, k, -0.5, constant - marginals.half_log_determinant());
        for (std::size_t i = 0; i < pattern.rows.size(); ++i) out(pattern.rows[i], first_column + k) = densities[i];
      });
    }
  }

  std::shared_ptr<const Screen> screen() const override {
    // Below this, all densities together cost little more than their bounds.
    constexpr Index kFewComponents = 8, kFewProducts = 4096;
    if (size() < kFewComponents || size() * triangle(dimension()) < kFewProducts) return nullptr;
    return Screen::make(ellipsoids_.places(), [this](Index k) { return ellipsoids_.covariance(k); }, log_normalisers_);
  }

  void log_densities_of(const Tile& tile, Index component, RowNumbers rows, double* out) const override {
    ellipsoids_.distances_of(tile, component, rows, -0.5, log_normalisers_[component], out);
  }

  void accumulate(const Tile& tile, const LaneMatrix& responsibilities, Index first_column,
                  BankStatistics& statistics) const override {
    scatters_of(tile, responsibilities.middleCols(first_column, size()), ellipsoids_.places(), statistics.weight, statistics.moments);
    if (!tile.incomplete_rows().empty()) accumulate_incomplete(tile, responsibilities, first_column, statistics);
  }

  void prefetch(int step) const override {
    if (step == 0) return prefetch_object(*this);
    prefetch_numbers(log_normalisers_);
    ellipsoids_.prefetch(step);
  }

  Eigen::MatrixXd pack() const override {
    Eigen::MatrixXd packed(dimension() + triangle(dimension()), size());
    for (Index k = 0; k < size(); ++k) packed.col(k) << ellipsoids_.places().col(k), ellipsoids_.triangle_of(k);
    return packed;
  }

 private:
  // log (2 pi)^(n/2)
  static double log_constant(double coordinates) { return 0.5 * coordinates * std::log(2 * std::numbers::pi); }

  void accumulate_incomplete(const Tile& tile, const LaneMatrix& responsibilities, Index first_column, BankStatistics& statistics) const {
    Eigen::Array<double, kTilePoints, 1> shares;
    Eigen::VectorXd scatter(statistics.moments.rows());
    for (const MissingPattern& pattern : missing_patterns(tile, covering_lanes(0, tile.size()))) {
      Marginals marginals(ellipsoids_, pattern);
      const auto has_share = [&](Index k) { return pattern.gather(responsibilities.col(first_column + k), shares) > 0; };
      marginals.for_each(has_share, [&](Index k) {
        const double total = pattern.gather(responsibilities.col(first_column + k), shares);
        const double weight = marginals.scatter(tile, k, shares.data(), total, scatter);
        statistics.weight[k] = merge_scatter(statistics.moments.col(k), statistics.weight[k], scatter, weight);
      });
    }
  }

  const DenseFamily& family_;
  Ellipsoids ellipsoids_;
  Eigen::VectorXd log_normalisers_;  // K: log density at the mean
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
                         const std::vector<bool>& keep, Workers& workers) const override {
    const Ellipsoids& before = dynamic_cast<const DenseGaussian&>(previous).ellipsoids();
    return tied_ ? maximise_tied(statistics, prior, before, keep) : maximise_full(statistics, prior, before, keep, workers);
  }

  std::shared_ptr<const Bank> place(const Eigen::MatrixXd& centres, const Eigen::VectorXd& variances) const override {
    Shapes shapes(centres.rows(), tied_ ? 1 : centres.cols());
    for (Index s = 0; s < shapes.size(); ++s) shapes.set(s, pack_triangle(variances.asDiagonal()));
    shapes.factor();
    return std::make_shared<DenseGaussian>(*this, Ellipsoids(centres, shapes), shapes);
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
    Shapes shapes(d, tied_ ? 1 : parameters.cols());
    for (Index s = 0; s < shapes.size(); ++s) shapes.set(s, parameters.col(s).tail(triangle(d)));
    shapes.factor();
    for (Index k = 0; k < parameters.cols(); ++k) {
      if (!parameters.col(k).allFinite()) return fail("component " + std::to_string(k + 1) + ": a parameter is not a finite number");
      if (!shapes.is_positive_definite(tied_ ? 0 : k))
        return fail("component " + std::to_string(k + 1) + ": covariance is not positive definite");
      if (tied_ && parameters.col(k).tail(triangle(d)) != parameters.col(0).tail(triangle(d)))
        return fail("component " + std::to_string(k + 1) + ": covariance differs from that of component 1, expected one for all");
    }
    return std::make_shared<const DenseGaussian>(*this, Ellipsoids(parameters.topRows(d), shapes), shapes);
  }

 private:
  MaximisedBank maximise_full(const BankStatistics& statistics, const Prior& prior, const Ellipsoids& before, const std::vector<bool>& keep,
                              Workers& workers) const {
    const Index d = before.dimension();
    Shapes shapes(d, before.size());
    const auto estimate = [&](Index k) {
      const auto moments = statistics.moments.col(k);
      if (!moments.head(d).allFinite()) return false;
      shapes.set_mode(k, moments.tail(triangle(d)), statistics.weight[k], prior);
      return true;
    };
    std::vector<Repair> repairs = shapes.maximise(estimate, keep, before.triangles(), prior, workers);
    Eigen::MatrixXd means = before.places();
    for (std::size_t k = 0; k < keep.size(); ++k)
      if (!keep[k] && repairs[k] != Repair::kept_previous) means.col(static_cast<Index>(k)) = statistics.moments.col(static_cast<Index>(k)).head(d);
    return {std::make_shared<DenseGaussian>(*this, Ellipsoids(std::move(means), shapes), shapes), std::move(repairs)};
  }

  MaximisedBank maximise_tied(const BankStatistics& statistics, const Prior& prior, const Ellipsoids& before,
                              const std::vector<bool>& keep) const {
    const Index d = before.dimension();
    Eigen::MatrixXd means = before.places();
    Shapes shapes(d, 1);
    std::vector<Repair> repairs(keep.size(), Repair::none);
    for (Index k = 0; k < before.size(); ++k) {
      if (keep[static_cast<std::size_t>(k)]) continue;
      const auto mean = statistics.moments.col(k).head(d);
      if (mean.allFinite())
        means.col(k) = mean;
      else
        repairs[static_cast<std::size_t>(k)] = Repair::kept_previous;
    }
    const Eigen::VectorXd pooled = statistics.moments.bottomRows(triangle(d)).rowwise().sum();
    const auto estimate = [&](Index s) {
      shapes.set_mode(s, pooled, statistics.weight.sum(), prior);
      return true;
    };
    const Repair repair = shapes.maximise(estimate, {false}, before.triangles(), prior, Workers::alone()).front();
    if (repair == Repair::kept_previous) means = before.places();
    repairs[0] = std::max(repairs[0], repair);
    return {std::make_shared<DenseGaussian>(*this, Ellipsoids(std::move(means), shapes), shapes), std::move(repairs)};
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
