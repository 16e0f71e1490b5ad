#include "emulsion/von_mises_fisher.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "emulsion/log_bessel.h"
#include "emulsion/merge_components.h"
#include "emulsion/support.h"

namespace emulsion {
namespace {

using Lane = Eigen::Array<double, kLanes, 1>;
using LaneScratch = Eigen::Array<double, kLanes, Eigen::Dynamic>;

// How far the length of a point may be from 1: single precision leaves 1e-7, four digits of text 1e-4.
constexpr double kLengthTolerance = 1e-4;

// A concentration below is as good as none, the uniform distribution. One above makes points within some 1e-7 of each other,
// where the rounding of their coordinates begins to be seen.
constexpr double kLowestConcentration = 1e-12;
constexpr double kHighestConcentration = 1e15;

// The mean of the cosine between points and the direction, and what it lacks to 1. Banerjee et al. (2005).
BesselRatio mean_cosine(Index d, double concentration) { return bessel_ratio(d - 2, concentration); }

// The concentration at which the mean cosine is this, within bounds.
double concentration_of(Index d, const BesselRatio& cosine) {
  if (!(cosine.ratio > 0)) return kLowestConcentration;
  if (!(cosine.complement > 0)) return kHighestConcentration;
  return std::clamp(inverse_bessel_ratio(d - 2, cosine), kLowestConcentration, kHighestConcentration);
}

// Variance of the cosine: 1 - A^2 - (d-1) A / kappa, which for large kappa loses its digits and nears 2 (1 - A)^2 / (d-1).
double variance_of_cosine(Index d, double concentration) {
  const double freedom = static_cast<double>(d - 1);
  const BesselRatio cosine = mean_cosine(d, concentration);
  if (concentration > 1e7 * freedom) return 2 * cosine.complement * cosine.complement / freedom;
  return cosine.complement * (1 + cosine.ratio) - freedom * cosine.ratio / concentration;
}

class FisherFamily;

class FisherBank final : public Bank {
 public:
  //   directions  d x K, of length 1 within kLengthTolerance
  FisherBank(const FisherFamily& family, Eigen::MatrixXd directions, Eigen::VectorXd concentrations)
      : family_(family),
        directions_(std::move(directions)),
        concentrations_(std::move(concentrations)),
        units_(directions_.colwise().normalized()),
        log_normalisers_(concentrations_.size()) {
    const double d = static_cast<double>(dimension());
    for (Index k = 0; k < size(); ++k)
      log_normalisers_[k] = -0.5 * d * std::log(2 * std::numbers::pi) - log_scaled_bessel(dimension() - 2, concentrations_[k]);
  }

  const Family& family() const override;
  Index size() const override { return directions_.cols(); }
  Index dimension() const override { return directions_.rows(); }

  // With 1 - mu.x = |x - mu|^2 / 2 the exponent is that of a normal density, and no large numbers cancel.
  void log_densities(const Tile& tile, LaneRange lanes, LaneMatrix& out, Index first_column) const override {
    LaneScratch unit(kLanes, dimension());
    for (Index row = lanes.begin; row < lanes.end; row += kLanes) {
      unit = tile.points().middleRows<kLanes>(row);
      const Lane length = lengths(unit);
      for (Index j = 0; j < dimension(); ++j) unit.col(j) /= length;
      for (Index k = 0; k < size(); ++k) {
        Lane distance = Lane::Zero();
        for (Index j = 0; j < dimension(); ++j) distance += (unit.col(j) - units_(j, k)).square();
        const Lane density = log_normalisers_[k] - 0.5 * concentrations_[k] * distance;
        out.block<kLanes, 1>(row, first_column + k) =
            ((length - 1).abs() <= kLengthTolerance).select(density, -std::numeric_limits<double>::infinity());
      }
    }
    for (const Index row : tile.incomplete_rows())
      if (row >= lanes.begin && row < lanes.end)
        out.block(row, first_column, 1, size()).setConstant(-std::numeric_limits<double>::infinity());
  }

  // Two passes, so that the sum of squares is about the tile's own mean.
  void accumulate(const Tile& tile, const LaneMatrix& responsibilities, Index first_column,
                  BankStatistics& statistics) const override {
    const Index d = dimension();
    const Eigen::Array<double, kTilePoints, 1> length = lengths(tile.points());
    const auto supported = (length - 1).abs() <= kLengthTolerance;
    Eigen::Array<double, kTilePoints, 1> shares;
    Eigen::Array<double, kTilePoints, 1> centred;
    for (Index k = 0; k < size(); ++k) {
      shares = supported.select(responsibilities.col(first_column + k), 0.0);
      for (const Index row : tile.incomplete_rows()) shares[row] = 0;
      const double weight = shares.sum();
      if (!(weight > 0)) continue;
      statistics.weight[k] = weight;
      for (Index j = 0; j < d; ++j) {
        centred = (shares > 0).select(tile.points().col(j) / length - units_(j, k), 0.0);
        const double shift = (shares * centred).sum() / weight;
        centred -= shift;
        statistics.moments(j, k) = units_(j, k) + shift;
        statistics.moments(d, k) += (shares * centred.square()).sum();
      }
    }
  }

  Eigen::MatrixXd means() const override {
    Eigen::MatrixXd means = units_;
    for (Index k = 0; k < size(); ++k) means.col(k) *= mean_cosine(dimension(), concentrations_[k]).ratio;
    return means;
  }

  // Source: Mardia & Jupp (2000), Directional statistics.
  Eigen::MatrixXd variances() const override {
    Eigen::MatrixXd variances(dimension(), size());
    for (Index k = 0; k < size(); ++k) {
      const double across = mean_cosine(dimension(), concentrations_[k]).ratio / concentrations_[k];
      const double along = variance_of_cosine(dimension(), concentrations_[k]);
      const Eigen::ArrayXd squares = units_.col(k).array().square();
      variances.col(k) = across * (1 - squares).max(0.0) + along * squares;
    }
    return variances;
  }

  Eigen::MatrixXd pack() const override {
    return (Eigen::MatrixXd(dimension() + 1, size()) << directions_, concentrations_.transpose()).finished();
  }

 private:
  template <typename Rows>
  static Eigen::Array<double, Rows::RowsAtCompileTime, 1> lengths(const Rows& points) {
    Eigen::Array<double, Rows::RowsAtCompileTime, 1> squares = Eigen::Array<double, Rows::RowsAtCompileTime, 1>::Zero();
    for (Index j = 0; j < points.cols(); ++j) squares += points.col(j).square();
    return squares.sqrt();
  }

  const FisherFamily& family_;
  Eigen::MatrixXd directions_;  // d x K, as they were given
  Eigen::VectorXd concentrations_;
  Eigen::MatrixXd units_;             // d x K, of length 1
  Eigen::VectorXd log_normalisers_;  // K: log density at the mean direction
};

class FisherFamily final : public Family {
 public:
  std::string name() const override { return "von_mises_fisher"; }

  std::vector<ParameterPart> layout(Index d) const override {
    return {{"direction", PartShape::vector, d, 0}, {"concentration", PartShape::scalar, 1, 0}};
  }

  Index free_parameters(Index d, Index components) const override { return components * d; }

  Result<void> check_dimension(Index d) const override {
    if (d < 2) return fail(name() + ": directions have 2 or more coordinates, these have " + std::to_string(d));
    return {};
  }

  std::optional<std::string> refusal(std::span<const double> point) const override {
    double squares = 0;
    for (std::size_t j = 0; j < point.size(); ++j) {
      if (std::isnan(point[j])) return "coordinate " + std::to_string(j) + ": missing, expected all coordinates of a direction";
      squares += point[j] * point[j];
    }
    const double length = std::sqrt(squares);
    if (std::abs(length - 1) <= kLengthTolerance) return std::nullopt;
    return "length " + text_of(length) + ", expected a direction of length 1";
  }

  BankStatistics empty(Index d, Index components) const override {
    return {this, Eigen::VectorXd::Zero(components), Eigen::MatrixXd::Zero(d + 1, components)};
  }

  void merge(BankStatistics& into, const BankStatistics& from) const override {
    const Index d = into.moments.rows() - 1;
    merge_components(into, from, [&](Index k, double share, double cross) {
      const Eigen::VectorXd shift = from.moments.col(k).head(d) - into.moments.col(k).head(d);
      into.moments.col(k).head(d) += share * shift;
      into.moments(d, k) += from.moments(d, k) + cross * shift.squaredNorm();
    });
  }

  void scale(BankStatistics& statistics, double factor) const override {
    statistics.weight *= factor;
    statistics.moments.bottomRows(1) *= factor;
  }

  // The prior's points lie evenly over the sphere, at the prior's fraction of the weight of a point each. Mardia & El-Atoum
  // (1976), Bayesian inference for the von Mises-Fisher distribution, have this conjugate prior.
  MaximisedBank maximise(const BankStatistics& statistics, const Prior& prior, const Bank& previous,
                         const std::vector<bool>& keep, Workers&) const override {
    const Index d = previous.dimension();
    const double believed = prior.options.covariance_points * prior.options.covariance_fraction;
    const Eigen::MatrixXd before = previous.pack();
    Eigen::MatrixXd directions = before.topRows(d);
    Eigen::VectorXd concentrations = before.row(d).transpose();
    std::vector<Repair> repairs(keep.size(), Repair::none);
    for (Index k = 0; k < previous.size(); ++k) {
      if (keep[static_cast<std::size_t>(k)]) continue;
      Repair& repair = repairs[static_cast<std::size_t>(k)];
      const double weight = statistics.weight[k];
      const Eigen::VectorXd mean = statistics.moments.col(k).head(d);
      const double squares = statistics.moments(d, k);
      if (!(weight > 0) || !mean.allFinite() || !std::isfinite(squares)) {
        repair = Repair::kept_previous;
        continue;
      }
      // Scaled first: the squares of the least numbers would be 0.
      const double largest = mean.cwiseAbs().maxCoeff();
      const Eigen::VectorXd scaled = largest > 0 ? Eigen::VectorXd(mean / largest) : mean;
      const double length = largest * scaled.norm();
      const double gap = std::clamp(squares / weight, 0.0, 1.0) / (1 + length);  // 1 - length, with its digits
      const double concentration = concentration_of(
          d, {length * weight / (weight + believed), (gap * weight + believed) / (weight + believed)});
      if (concentration == kHighestConcentration) repair = Repair::eigenvalue_floor;
      if (largest > 0) directions.col(k) = scaled.normalized();
      concentrations[k] = concentration;
    }
    return {std::make_shared<FisherBank>(*this, std::move(directions), std::move(concentrations)), std::move(repairs)};
  }

  // The variances of a direction add up to 1 less the squared mean cosine.
  std::shared_ptr<const Bank> place(const Eigen::MatrixXd& centres, const Eigen::VectorXd& variances) const override {
    const Index d = centres.rows();
    const double spread = std::min(variances.sum(), 1.0);
    const double cosine = std::sqrt(1 - spread);
    const double concentration = concentration_of(d, {cosine, spread / (1 + cosine)});
    Eigen::MatrixXd directions = centres;
    for (Index k = 0; k < centres.cols(); ++k) {
      directions.col(k).stableNormalize();
      if (!(std::abs(directions.col(k).norm() - 1) <= kLengthTolerance)) directions.col(k) = Eigen::VectorXd::Unit(d, 0);
    }
    return std::make_shared<FisherBank>(*this, std::move(directions), Eigen::VectorXd::Constant(centres.cols(), concentration));
  }

  BankStatistics expected(const Bank& bank, const Eigen::VectorXd& points) const override {
    const Index d = bank.dimension();
    const Eigen::MatrixXd parameters = bank.pack();
    BankStatistics statistics = empty(d, bank.size());
    statistics.weight = points;
    statistics.moments.topRows(d) = bank.means();
    for (Index k = 0; k < bank.size(); ++k) {
      const BesselRatio cosine = mean_cosine(d, parameters(d, k));
      statistics.moments(d, k) = points[k] * cosine.complement * (1 + cosine.ratio);
    }
    return statistics;
  }

  Result<std::shared_ptr<const Bank>> unpack(const Eigen::MatrixXd& parameters, Index d) const override {
    if (const auto checked = check_dimension(d); !checked) return fail(checked.error().message);
    if (parameters.rows() != d + 1)
      return fail(name() + ": " + std::to_string(parameters.rows()) + " parameters, expected " + std::to_string(d + 1) + " in " +
                  std::to_string(d) + " dimensions");
    for (Index k = 0; k < parameters.cols(); ++k) {
      const std::string place = "component " + std::to_string(k + 1) + ": ";
      if (!parameters.col(k).allFinite()) return fail(place + "a parameter is not a finite number");
      const double length = parameters.col(k).head(d).norm();
      if (!(std::abs(length - 1) <= kLengthTolerance)) return fail(place + "direction of length " + text_of(length) + ", expected 1");
      if (!(parameters(d, k) >= kLowestConcentration) || !(parameters(d, k) <= kHighestConcentration))
        return fail(place + "concentration " + text_of(parameters(d, k)) + " is not in [" + text_of(kLowestConcentration) + ", " +
                    text_of(kHighestConcentration) + "]");
    }
    return std::make_shared<const FisherBank>(*this, parameters.topRows(d), parameters.row(d).transpose());
  }
};

const Family& FisherBank::family() const { return family_; }

}  // namespace

const Family& von_mises_fisher() {
  static const FisherFamily family;
  return family;
}

}  // namespace emulsion
