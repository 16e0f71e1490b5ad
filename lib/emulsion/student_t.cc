#include "emulsion/student_t.h"

#include <algorithm>
#include <boost/math/special_functions/gamma.hpp>
#include <cassert>
#include <cmath>
#include <numbers>

#include "emulsion/deviance.h"
#include "emulsion/ellipsoids.h"
#include "emulsion/marginals.h"
#include "emulsion/support.h"

namespace emulsion {
namespace {

// Tails heavier than the lowest are those of no measurement (one point in a hundred lies 10^20 scales away), and from the
// highest on a t differs from a Gaussian by less than any data can tell.
constexpr double kLowestFreedom = 0.1;
constexpr double kHighestFreedom = 1000;

// Where nothing is known yet: outliers count little, and there is a variance.
constexpr double kFirstFreedom = 4;

// Moments: row 0, then a located scatter, then the last row.
Index moment_rows(Index d) { return 2 + d + triangle(d); }
auto located(Eigen::MatrixXd& moments, Index k) { return moments.col(k).segment(1, moments.rows() - 2); }
auto located(const Eigen::MatrixXd& moments, Index k) { return moments.col(k).segment(1, moments.rows() - 2); }

// The log density at the location of n coordinates, but for the determinant of their scale. For many degrees of freedom it
// nears that of a Gaussian, which is told apart from the rest: log[ Gamma(nu/2 + n/2) / Gamma(nu/2) (nu/2)^(-n/2) ] is small.
double log_normaliser(double freedom, Index coordinates) {
  const double half = 0.5 * freedom;
  double log_ratio = 0;
  double at = half;
  for (Index i = 0; i < coordinates / 2; ++i, ++at) log_ratio += std::log(at / half);
  if (coordinates % 2 == 1) log_ratio -= std::log(boost::math::tgamma_delta_ratio(at, 0.5) * std::sqrt(half));
  return log_ratio - 0.5 * static_cast<double>(coordinates) * std::log(2 * std::numbers::pi);
}

// E[u] of a point that has so many coordinates at this squared distance.
template <typename Number>
auto expected_factor(double freedom, double coordinates, const Number& squared_distance) {
  return (freedom + coordinates) / (freedom + squared_distance);
}

// E[log u] - log E[u], the same for all points with so many coordinates.
double log_factor_shift(double freedom, double coordinates) { return -mean_gamma_deviance(0.5 * (freedom + coordinates)); }

class StudentFamily;

class StudentBank final : public Bank {
 public:
  //   scales  that the ellipsoids were made from
  StudentBank(const StudentFamily& family, Ellipsoids ellipsoids, const Shapes& scales, Eigen::VectorXd freedoms)
      : family_(family), ellipsoids_(std::move(ellipsoids)), freedoms_(std::move(freedoms)), log_normalisers_(freedoms_.size()) {
    for (Index k = 0; k < size(); ++k) log_normalisers_[k] = log_normaliser(freedoms_[k], dimension()) - scales.half_log_determinant(k);
  }

  const Family& family() const override;
  Index size() const override { return ellipsoids_.size(); }
  Index dimension() const override { return ellipsoids_.dimension(); }
  const Ellipsoids& ellipsoids() const { return ellipsoids_; }
  const Eigen::VectorXd& freedoms() const { return freedoms_; }

  void log_densities(const Tile& tile, LaneRange lanes, LaneMatrix& out, Index first_column) const override {
    const double d = static_cast<double>(dimension());
    ellipsoids_.distances(tile, lanes, 1, Eigen::VectorXd::Zero(size()), out, first_column);
    for (Index k = 0; k < size(); ++k) {
      auto rows = out.col(first_column + k).segment(lanes.begin, lanes.end - lanes.begin);
      rows = log_normalisers_[k] - 0.5 * (freedoms_[k] + d) * (rows / freedoms_[k]).log1p();
    }
    for (const MissingPattern& pattern : missing_patterns(tile, lanes)) {
      Marginals marginals(ellipsoids_, pattern);
      const auto observed = static_cast<Index>(pattern.observed.size());
      const auto all = [](Index) { return true; };
      marginals.for_each(all, [&](Index k) {
        const double* const squares = marginals.distances(tile, k, 1, 0);
        const double constant = log_normaliser(freedoms_[k], observed) - marginals.half_log_determinant();
        const double power = 0.5 * (freedoms_[k] + static_cast<double>(observed));
        for (std::size_t i = 0; i < pattern.rows.size(); ++i)
          out(pattern.rows[i], first_column + k) = constant - power * std::log1p(squares[i] / freedoms_[k]);
      });
    }
  }

  // Given the point, u is Gamma((nu + d)/2, (nu + distance)/2). Source: Peel & McLachlan (2000).
  void accumulate(const Tile& tile, const LaneMatrix& responsibilities, Index first_column,
                  BankStatistics& statistics) const override {
    const Index d = dimension();
    LaneMatrix factors(kTilePoints, size());
    ellipsoids_.distances(tile, {0, kTilePoints}, 1, Eigen::VectorXd::Zero(size()), factors, 0);
    LaneMatrix shares = responsibilities.middleCols(first_column, size());
    for (const Index row : tile.incomplete_rows()) shares.row(row).setZero();
    for (Index k = 0; k < size(); ++k) {
      factors.col(k) = expected_factor(freedoms_[k], static_cast<double>(d), factors.col(k)).eval();
      statistics.weight[k] = std::max(shares.col(k).sum(), 0.0);
      if (statistics.weight[k] > 0)
        statistics.moments.col(k).tail<1>()[0] = (shares.col(k) > 0).select(shares.col(k) * factors.col(k).log(), 0.0).sum() +
                                                 statistics.weight[k] * log_factor_shift(freedoms_[k], static_cast<double>(d));
      shares.col(k) = (shares.col(k) > 0).select(shares.col(k) * factors.col(k), 0.0);
    }
    Eigen::VectorXd weights(size());
    scatters_of(tile, shares, ellipsoids_.places(), weights, statistics.moments.middleRows(1, d + triangle(d)));
    statistics.moments.row(0) = weights.transpose();
    if (!tile.incomplete_rows().empty()) accumulate_incomplete(tile, responsibilities, first_column, statistics);
  }

  Eigen::MatrixXd means() const override { return ellipsoids_.places(); }

  Eigen::MatrixXd variances() const override {
    Eigen::MatrixXd variances(dimension(), size());
    for (Index k = 0; k < size(); ++k) {
      const double freedom = freedoms_[k];
      variances.col(k) = ellipsoids_.variances(k) * (freedom > 2 ? freedom / (freedom - 2) : 1);
    }
    return variances;
  }

  Eigen::MatrixXd pack() const override {
    Eigen::MatrixXd packed(dimension() + triangle(dimension()) + 1, size());
    for (Index k = 0; k < size(); ++k) packed.col(k) << ellipsoids_.places().col(k), ellipsoids_.triangle_of(k), freedoms_[k];
    return packed;
  }

 private:
  // A missing coordinate is normal given u and the others: u times its variance does not depend on u.
  void accumulate_incomplete(const Tile& tile, const LaneMatrix& responsibilities, Index first_column, BankStatistics& statistics) const {
    Eigen::Array<double, kTilePoints, 1> shares;
    Eigen::VectorXd scatter(statistics.moments.rows() - 2);
    for (const MissingPattern& pattern : missing_patterns(tile, covering_lanes(0, tile.size()))) {
      Marginals marginals(ellipsoids_, pattern);
      const auto observed = static_cast<double>(pattern.observed.size());
      const auto has_share = [&](Index k) { return pattern.gather(responsibilities.col(first_column + k), shares) > 0; };
      marginals.for_each(has_share, [&](Index k) {
        const double total = pattern.gather(responsibilities.col(first_column + k), shares);
        const double* const squares = marginals.distances(tile, k, 1, 0);
        double log_factors = total * log_factor_shift(freedoms_[k], observed);
        for (Index i = 0; i < pattern.size(); ++i) {
          if (!(shares[i] > 0)) continue;
          const double factor = expected_factor(freedoms_[k], observed, squares[i]);
          log_factors += shares[i] * std::log(factor);
          shares[i] *= factor;
        }
        const double weight = marginals.scatter(tile, k, shares.data(), total, scatter);
        double& factors = statistics.moments(0, k);
        factors = merge_scatter(located(statistics.moments, k), factors, scatter, weight);
        statistics.moments.col(k).tail<1>()[0] += log_factors;
        statistics.weight[k] += total;
      });
    }
  }

  const StudentFamily& family_;
  Ellipsoids ellipsoids_;            // locations and scales
  Eigen::VectorXd freedoms_;         // K
  Eigen::VectorXd log_normalisers_;  // K: log density at the location
};

class StudentFamily final : public Family {
 public:
  std::string name() const override { return "student_t"; }

  std::vector<ParameterPart> layout(Index d) const override {
    return {{"location", PartShape::vector, d, 0},
            {"scale", PartShape::symmetric, triangle(d), d},
            {"degrees_of_freedom", PartShape::scalar, 1, 0}};
  }

  Index free_parameters(Index d, Index components) const override { return components * (d + triangle(d) + 1); }

  BankStatistics empty(Index d, Index components) const override {
    return {this, Eigen::VectorXd::Zero(components), Eigen::MatrixXd::Zero(moment_rows(d), components)};
  }

  void merge(BankStatistics& into, const BankStatistics& from) const override {
    assert(into.moments.rows() == from.moments.rows() && into.moments.cols() == from.moments.cols());
    const Index last = into.moments.rows() - 1;
    for (Index k = 0; k < into.weight.size(); ++k) {
      if (from.weight[k] == 0) continue;
      into.moments(0, k) = merge_scatter(located(into.moments, k), into.moments(0, k), located(from.moments, k), from.moments(0, k));
      into.moments(last, k) += from.moments(last, k);
      into.weight[k] += from.weight[k];
    }
  }

  void scale(BankStatistics& statistics, double factor) const override {
    const Index d = dimension_of_scatter(statistics.moments.rows() - 2);
    statistics.weight *= factor;
    statistics.moments.topRows(1) *= factor;
    statistics.moments.bottomRows(triangle(d) + 1) *= factor;
  }

  // PX-EM: the scatter is divided by the weight in units of u, not by the number of points. In the model where u has a free
  // scale this is the M-step, so the likelihood rises with every step as it does in EM, and in fewer of them. (At the end both
  // weights are equal.) Likewise the degrees of freedom: log(nu/2) - digamma(nu/2) = log mean E[u] - mean E[log u].
  MaximisedBank maximise(const BankStatistics& statistics, const Prior& prior, const Bank& previous,
                         const std::vector<bool>& keep, Workers& workers) const override {
    const auto& before = dynamic_cast<const StudentBank&>(previous);
    const Index d = before.dimension();
    Shapes scales(d, before.size());
    Eigen::VectorXd spreads(before.size());
    const auto estimate = [&](Index k) {
      const double weight = statistics.weight[k];
      const double factors = statistics.moments(0, k);
      const auto moments = located(statistics.moments, k);
      spreads[k] = std::log(factors / weight) - statistics.moments.col(k).tail<1>()[0] / weight;
      if (!(weight > 0) || !(factors > 0) || !std::isfinite(spreads[k]) || !moments.allFinite()) return false;
      scales.set_mode(k, moments.tail(triangle(d)), factors, prior);
      return true;
    };
    std::vector<Repair> repairs = scales.maximise(estimate, keep, before.ellipsoids().triangles(), prior, workers);
    Eigen::MatrixXd locations = before.means();
    Eigen::VectorXd freedoms = before.freedoms();
    for (Index k = 0; k < before.size(); ++k) {
      if (keep[static_cast<std::size_t>(k)] || repairs[static_cast<std::size_t>(k)] == Repair::kept_previous) continue;
      locations.col(k) = located(statistics.moments, k).head(d);
      freedoms[k] = spreads[k] > 0 ? std::clamp(2 * shape_of(spreads[k]), kLowestFreedom, kHighestFreedom) : kHighestFreedom;
    }
    return {std::make_shared<StudentBank>(*this, Ellipsoids(std::move(locations), scales), scales, std::move(freedoms)), std::move(repairs)};
  }

  std::shared_ptr<const Bank> place(const Eigen::MatrixXd& centres, const Eigen::VectorXd& variances) const override {
    const Eigen::VectorXd squares = variances * ((kFirstFreedom - 2) / kFirstFreedom);
    Shapes scales(centres.rows(), centres.cols());
    for (Index k = 0; k < scales.size(); ++k) scales.set(k, pack_triangle(squares.asDiagonal()));
    scales.factor();
    return std::make_shared<StudentBank>(*this, Ellipsoids(centres, scales), scales,
                                         Eigen::VectorXd::Constant(centres.cols(), kFirstFreedom));
  }

  // Over points of the component itself E[u] is 1 on average, and u-weighted the scatter is the scale.
  BankStatistics expected(const Bank& bank, const Eigen::VectorXd& points) const override {
    const auto& student = dynamic_cast<const StudentBank&>(bank);
    BankStatistics statistics = empty(bank.dimension(), bank.size());
    statistics.weight = points;
    for (Index k = 0; k < bank.size(); ++k)
      statistics.moments.col(k) << points[k], student.means().col(k), points[k] * student.ellipsoids().triangle_of(k),
          -points[k] * mean_gamma_deviance(0.5 * student.freedoms()[k]);
    return statistics;
  }

  Result<std::shared_ptr<const Bank>> unpack(const Eigen::MatrixXd& parameters, Index d) const override {
    const Index rows = d + triangle(d) + 1;
    if (parameters.rows() != rows)
      return fail(name() + ": " + std::to_string(parameters.rows()) + " parameters, expected " + std::to_string(rows) + " in " +
                  std::to_string(d) + " dimensions");
    Shapes scales(d, parameters.cols());
    for (Index k = 0; k < scales.size(); ++k) scales.set(k, parameters.col(k).segment(d, triangle(d)));
    scales.factor();
    for (Index k = 0; k < parameters.cols(); ++k) {
      const std::string place = "component " + std::to_string(k + 1) + ": ";
      if (!parameters.col(k).allFinite()) return fail(place + "a parameter is not a finite number");
      if (!scales.is_positive_definite(k)) return fail(place + "scale is not positive definite");
      const double freedom = parameters(rows - 1, k);
      if (!(freedom >= kLowestFreedom) || !(freedom <= kHighestFreedom))
        return fail(place + "degrees of freedom " + text_of(freedom) + " are not in [" + text_of(kLowestFreedom) + ", " +
                    text_of(kHighestFreedom) + "]");
    }
    return std::make_shared<const StudentBank>(*this, Ellipsoids(parameters.topRows(d), scales), scales, parameters.bottomRows(1).transpose());
  }
};

const Family& StudentBank::family() const { return family_; }

}  // namespace

const Family& student_t() {
  static const StudentFamily family;
  return family;
}

}  // namespace emulsion
