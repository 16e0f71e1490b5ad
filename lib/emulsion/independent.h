// Families whose coordinates are independent of each other given the component, all of one kind of distribution.
//
// IndependentFamily<Kind> makes a family of a distribution on the line. A Kind says
//   name                  of the family
//   parts                 names of its parameters of one coordinate
//   support               which points there are, such as "a number > 0"
//   spreads               whether statistics hold a spread beside the mean
//   supports(x)           whether there is such a point
//   statistic(x)          T(x), whose mean is kept; x of the support
//   divergence(t, mean)   how far T(x) lies from a mean: a Bregman divergence, so that those of a set of points from
//   any
//                         centre are those from their mean and that of their mean from the centre
//   base(x)               the part of the log density in which there is no parameter
//   Density(parameters)   the rest of it, from T(x), for eight points at once
//   fault(parameters)     why they are no distribution; nothing if they are one
//   mean(parameters), variance(parameters)
//   expected(parameters)  mean of T(x), and mean divergence from it
//   estimate(summary, scale)  the M-step of one coordinate
//   place(centre, variance)   parameters near there
//
// A point outside the support counts for nothing, even where it is given a share: a first assignment by distance may do
// so.
//
// Statistics of a component: weight, and as moments d means of T(x), then, where the kind spreads, d sums of
// divergences from them. Parameters are packed part by part, d numbers each. Source: Banerjee, Merugu, Dhillon & Ghosh
// (2005), Clustering with Bregman divergences, for means and divergences.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "emulsion/deviance.h"
#include "emulsion/family.h"
#include "emulsion/support.h"

namespace emulsion {

// What a component knows of one coordinate of its points, per point.
struct Summary {
  double weight = 0;  // points
  double mean = 0;    // of T(x)
  double spread = 0;  // mean divergence from that mean
};

// What an M-step knows beside them: the prior's options, and the stream's own scale along the coordinate.
struct Scale {
  double points = 0;    // PriorOptions::covariance_points
  double fraction = 0;  // PriorOptions::covariance_fraction
  double mean = 1;
  double variance = 1;  // > 0
};

// Nothing if there is no estimate: then the component keeps what it has.
template <std::size_t parts>
struct Estimate {
  std::optional<std::array<double, parts>> parameters;
  Repair repair = Repair::none;
};

// The mean of points that are >= 0, with `points * fraction` imagined points at the stream's own mean (1 if that is 0)
// beside them; at least 1e-9 of it. Negative where there is none.
// Source: Diaconis & Ylvisaker (1979), Conjugate priors for exponential families.
inline double believed_mean(const Summary& summary, const Scale& scale, Repair& repair) {
  constexpr double kFloor = 1e-9;
  const double stream = scale.mean > 0 ? scale.mean : 1.0;
  const double imagined = scale.points * scale.fraction;
  const double mean = summary.mean + imagined / (summary.weight + imagined) * (stream - summary.mean);
  if (!(mean >= 0) || !std::isfinite(mean)) return -1;
  if (mean >= kFloor * stream) return mean;
  repair = Repair::eigenvalue_floor;
  return kFloor * stream;
}

// A number that a mean or variance may be, and still be squared or added up.
inline double bounded(double value, double lowest, double highest) {
  return value > highest ? highest : value > lowest ? value : lowest;
}

template <typename Kind>
class IndependentFamily;

template <typename Kind>
class IndependentBank final : public Bank {
 public:
  static constexpr std::size_t kParts = Kind::parts.size();
  using Parameters = std::array<double, kParts>;

  // parameters: (parts * d) x K, as packed.
  IndependentBank(const Family& family, Eigen::MatrixXd parameters)
      : family_(family),
        parameters_(std::move(parameters)),
        dimension_(parameters_.rows() / static_cast<Index>(kParts)) {
    for (Index k = 0; k < size(); ++k)
      for (Index i = 0; i < dimension_; ++i) densities_.push_back(typename Kind::Density(at(i, k)));
  }

  const Family& family() const override { return family_; }
  Index size() const override { return parameters_.cols(); }
  Index dimension() const override { return dimension_; }
  Eigen::MatrixXd pack() const override { return parameters_; }

  Parameters at(Index coordinate, Index k) const {
    Parameters parameters;
    for (std::size_t part = 0; part < kParts; ++part)
      parameters[part] = parameters_(static_cast<Index>(part) * dimension_ + coordinate, k);
    return parameters;
  }

  Eigen::MatrixXd means() const override {
    return for_each([](const Parameters& parameters) { return bounded(Kind::mean(parameters), -1e150, 1e150); });
  }
  Eigen::MatrixXd variances() const override {
    return for_each([](const Parameters& parameters) { return bounded(Kind::variance(parameters), 1e-300, 1e300); });
  }

  void log_densities(const Tile& tile, LaneRange lanes, LaneMatrix& out, Index first_column) const override {
    const bool complete = tile.incomplete_rows().empty();
    for (Index row = lanes.begin; row < lanes.end; row += kLanes) {
      out.block(row, first_column, kLanes, size()).setZero();
      for (Index i = 0; i < dimension_; ++i) {
        Lane statistic, base;
        Eigen::Array<bool, kLanes, 1> missing;
        for (Index lane = 0; lane < kLanes; ++lane) {
          const double x = tile.points()(row + lane, i);
          const bool supported = Kind::supports(x);
          const double inside = supported ? x : Kind::inside;
          statistic[lane] = Kind::statistic(inside);
          base[lane] = supported ? Kind::base(inside) : -std::numeric_limits<double>::infinity();
          missing[lane] = !complete && tile.is_missing(row + lane, i);
        }
        for (Index k = 0; k < size(); ++k) {
          const Lane log_density = base + densities_[static_cast<std::size_t>(k * dimension_ + i)](statistic);
          out.template block<kLanes, 1>(row, first_column + k) += missing.select(0.0, log_density);
        }
      }
    }
  }

  void accumulate(const Tile& tile, const LaneMatrix& responsibilities, Index first_column,
                  BankStatistics& statistics) const override {
    const Column supported = supported_rows(tile);
    statistics.weight =
        (responsibilities.middleCols(first_column, size()).colwise() * supported).colwise().sum().matrix().transpose();
    Column statistic, present;
    for (Index i = 0; i < dimension_; ++i) {
      present = supported;
      for (const Index row : tile.incomplete_rows())
        if (tile.is_missing(row, i)) present[row] = 0;
      for (Index row = 0; row < kTilePoints; ++row) {
        const double x = tile.points()(row, i);
        statistic[row] = Kind::statistic(Kind::supports(x) ? x : Kind::inside);
      }
      for (Index k = 0; k < size(); ++k) {
        const auto whole = responsibilities.col(first_column + k);
        const Column shares = whole * present;
        const double weight = shares.sum();
        const Summary own = Kind::expected(at(i, k));
        if (weight > 0) {
          // About the component's own mean, so that points far from the origin keep their digits; where they are much nearer to it
          // than the component, about one of themselves.
          const auto mean_about = [&](double place) { return place + (shares * (statistic - place)).sum() / weight; };
          double mean = mean_about(own.mean);
          if (!(std::abs(mean) >= 0.5 * std::abs(own.mean))) {
            Index largest = 0;
            shares.maxCoeff(&largest);
            mean = mean_about(statistic[largest]);
          }
          statistics.moments(i, k) = mean;
          if constexpr (Kind::spreads)
            for (Index row = 0; row < tile.size(); ++row)
              if (shares[row] > 0)
                statistics.moments(dimension_ + i, k) += shares[row] * Kind::divergence(statistic[row], mean);
        }
        // A missing coordinate counts with its expectation.
        const double missing = (whole * (supported - present)).sum();
        if (missing > 0) IndependentFamily<Kind>::merge(statistics.moments, weight, own, missing, i, k);
      }
    }
  }

 private:
  using Column = Eigen::Array<double, kTilePoints, 1>;

  // 1 for the rows that a component can have, 0 for the others.
  Column supported_rows(const Tile& tile) const {
    Column supported = Column::Ones();
    for (Index i = 0; i < dimension_; ++i)
      for (Index row = 0; row < tile.size(); ++row)
        if (!Kind::supports(tile.points()(row, i)) && !tile.is_missing(row, i)) supported[row] = 0;
    return supported;
  }

  template <typename Function>
  Eigen::MatrixXd for_each(Function function) const {
    Eigen::MatrixXd result(dimension_, size());
    for (Index k = 0; k < size(); ++k)
      for (Index i = 0; i < dimension_; ++i) result(i, k) = function(at(i, k));
    return result;
  }

  const Family& family_;
  Eigen::MatrixXd parameters_;
  Index dimension_;
  std::vector<typename Kind::Density> densities_;  // coordinate by coordinate, component after component
};

template <typename Kind>
class IndependentFamily final : public Family {
 public:
  static constexpr Index kParts = static_cast<Index>(Kind::parts.size());
  static constexpr Index kMoments = Kind::spreads ? 2 : 1;
  using ThisBank = IndependentBank<Kind>;

  std::string name() const override { return std::string(Kind::name); }

  std::vector<ParameterPart> layout(Index d) const override {
    std::vector<ParameterPart> layout;
    for (const std::string_view part : Kind::parts) layout.push_back({std::string(part), PartShape::vector, d, 0});
    return layout;
  }

  Index free_parameters(Index d, Index components) const override { return kParts * d * components; }

  std::optional<std::string> refusal(std::span<const double> point) const override {
    return outside_support(point, Kind::supports, Kind::support);
  }

  BankStatistics empty(Index d, Index components) const override {
    return {this, Eigen::VectorXd::Zero(components), Eigen::MatrixXd::Zero(kMoments * d, components)};
  }

  void merge(BankStatistics& into, const BankStatistics& from) const override {
    assert(into.moments.rows() == from.moments.rows() && into.moments.cols() == from.moments.cols());
    const Index d = into.moments.rows() / kMoments;
    for (Index k = 0; k < into.weight.size(); ++k) {
      const double added = from.weight[k];
      if (added == 0) continue;
      for (Index i = 0; i < d; ++i) {
        const Summary more{added, from.moments(i, k),
                           Kind::spreads ? from.moments((kMoments - 1) * d + i, k) / added : 0.0};
        merge(into.moments, into.weight[k], more, added, i, k);
      }
      into.weight[k] += added;
    }
  }

  // Adds points to those behind one coordinate of one component, which weigh `weight`.
  static void merge(Eigen::MatrixXd& moments, double weight, const Summary& more, double added, Index i, Index k) {
    const Index d = moments.rows() / kMoments;
    double& mean = moments(i, k);
    const double before = mean;
    // Between the two, which rounding may leave where they are of different sizes.
    mean = weight == 0 ? more.mean
                       : std::clamp(before + (added / (weight + added)) * (more.mean - before), std::min(before, more.mean), std::max(before, more.mean));
    if constexpr (Kind::spreads) {
      double& spread = moments(d + i, k);
      spread = weight == 0 ? added * more.spread
                           : spread + added * more.spread + weight * Kind::divergence(before, mean) +
                                 added * Kind::divergence(more.mean, mean);
    }
  }

  void scale(BankStatistics& statistics, double factor) const override {
    statistics.weight *= factor;
    if constexpr (Kind::spreads) statistics.moments.bottomRows(statistics.moments.rows() / 2) *= factor;
  }

  MaximisedBank maximise(const BankStatistics& statistics, const Prior& prior, const Bank& previous,
                         const std::vector<bool>& keep, Workers&) const override {
    const Index d = previous.dimension();
    Eigen::MatrixXd parameters = previous.pack();
    std::vector<Repair> repairs(keep.size(), Repair::none);
    for (Index k = 0; k < previous.size(); ++k) {
      if (keep[static_cast<std::size_t>(k)]) continue;
      Repair& repair = repairs[static_cast<std::size_t>(k)];
      Eigen::VectorXd estimated(parameters.rows());
      for (Index i = 0; i < d && repair != Repair::kept_previous; ++i) {
        const double weight = statistics.weight[k];
        const Summary summary{weight, statistics.moments(i, k),
                              Kind::spreads ? statistics.moments((kMoments - 1) * d + i, k) / weight : 0.0};
        const Scale scale{prior.options.covariance_points, prior.options.covariance_fraction,
                          prior.means.size() == 0 ? 1.0 : prior.means[i], prior.variances[i]};
        const auto estimate = weight > 0 ? Kind::estimate(summary, scale) : Estimate<Kind::parts.size()>{};
        if (!estimate.parameters || Kind::fault(*estimate.parameters)) {
          repair = Repair::kept_previous;
          break;
        }
        repair = std::max(repair, estimate.repair);
        for (Index part = 0; part < kParts; ++part)
          estimated[part * d + i] = (*estimate.parameters)[static_cast<std::size_t>(part)];
      }
      if (repair != Repair::kept_previous) parameters.col(k) = estimated;
    }
    return {std::make_shared<const ThisBank>(*this, std::move(parameters)), std::move(repairs)};
  }

  std::shared_ptr<const Bank> place(const Eigen::MatrixXd& centres, const Eigen::VectorXd& variances) const override {
    const Index d = centres.rows();
    Eigen::MatrixXd parameters(kParts * d, centres.cols());
    for (Index k = 0; k < centres.cols(); ++k)
      for (Index i = 0; i < d; ++i) {
        const auto placed = Kind::place(centres(i, k), variances[i]);
        for (Index part = 0; part < kParts; ++part)
          parameters(part * d + i, k) = placed[static_cast<std::size_t>(part)];
      }
    return std::make_shared<const ThisBank>(*this, std::move(parameters));
  }

  BankStatistics expected(const Bank& bank, const Eigen::VectorXd& points) const override {
    const auto& own = dynamic_cast<const ThisBank&>(bank);
    const Index d = bank.dimension();
    BankStatistics statistics = empty(d, bank.size());
    statistics.weight = points;
    for (Index k = 0; k < bank.size(); ++k)
      for (Index i = 0; i < d; ++i) {
        const Summary summary = Kind::expected(own.at(i, k));
        statistics.moments(i, k) = summary.mean;
        if constexpr (Kind::spreads) statistics.moments(d + i, k) = points[k] * summary.spread;
      }
    return statistics;
  }

  Result<std::shared_ptr<const Bank>> unpack(const Eigen::MatrixXd& parameters, Index d) const override {
    if (parameters.rows() != kParts * d)
      return fail(name() + ": " + std::to_string(parameters.rows()) + " parameters, expected " +
                  std::to_string(kParts * d) + " in " + std::to_string(d) + " dimensions");
    for (Index k = 0; k < parameters.cols(); ++k)
      for (Index i = 0; i < d; ++i) {
        typename ThisBank::Parameters of_coordinate;
        for (Index part = 0; part < kParts; ++part)
          of_coordinate[static_cast<std::size_t>(part)] = parameters(part * d + i, k);
        if (const char* fault = Kind::fault(of_coordinate))
          return fail("component " + std::to_string(k + 1) + ": coordinate " + std::to_string(i) + ": " + fault);
      }
    return std::make_shared<const ThisBank>(*this, parameters);
  }
};

}  // namespace emulsion
