#include "clients/scenario.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace emulsion::client {
namespace {

// Outliers come from a box that is so many times as wide as the components' own, outside one that is twice as wide.
constexpr double kOuterBox = 10;
constexpr double kInnerBox = 2;

// The components' own box reaches so many standard deviations beyond their means.
constexpr double kBoxDeviations = 4;

}  // namespace

Scenario::Scenario(ScenarioPlan plan, std::uint64_t points, Random random)
    : plan_(std::move(plan)), points_(points), random_(random) {
  const double infinity = std::numeric_limits<double>::infinity();
  Eigen::VectorXd low = Eigen::VectorXd::Constant(dimension(), infinity);
  Eigen::VectorXd high = -low;
  for (const Track& track : plan_.tracks) {
    factors_.push_back(track.covariance.llt().matrixL());
    const Eigen::VectorXd reach = kBoxDeviations * track.covariance.diagonal().cwiseSqrt();
    for (const Keyframe& frame : track.keyframes) {
      low = low.cwiseMin(frame.mean - reach);
      high = high.cwiseMax(frame.mean + reach);
    }
  }
  center_ = (low + high) / 2;
  half_extent_ = (high - low) / 2;
}

Result<Scenario> Scenario::make(std::string_view name, const ScenarioOptions& options) {
  Random random(options.seed);
  Result<ScenarioPlan> plan = plan_scenario(name, options, random);
  if (!plan) return tl::unexpected(plan.error());
  return Scenario(std::move(*plan), options.points, random);
}

std::vector<TrueComponent> Scenario::truth(std::uint64_t t) const {
  std::vector<TrueComponent> components;
  double total = 0;
  for (std::size_t k = 0; k < plan_.tracks.size(); ++k) {
    const Keyframe now = plan_.tracks[k].at(moment(t));
    if (now.weight <= 0) continue;
    total += now.weight;
    components.push_back({static_cast<std::int64_t>(k), now.weight, now.mean, plan_.tracks[k].covariance});
  }
  for (TrueComponent& component : components) component.weight /= total;
  return components;
}

void Scenario::draw_outlier(Eigen::Ref<Eigen::VectorXd> point) {
  do {
    for (Index i = 0; i < point.size(); ++i) point[i] = random_.uniform(-kOuterBox, kOuterBox);
  } while (point.cwiseAbs().maxCoeff() < kInnerBox);
  point = center_ + point.cwiseProduct(half_extent_);
}

void Scenario::lose_coordinates(Eigen::Ref<Eigen::VectorXd> point) {
  Index left = point.size();
  for (Index i = 0; i < point.size(); ++i) {
    // Drawn for the last one too, so that what follows does not depend on it.
    const bool lost = random_.uniform() < plan_.missing_fraction;
    if (!lost || left == 1) continue;
    point[i] = std::numeric_limits<double>::quiet_NaN();
    --left;
  }
}

std::int64_t Scenario::draw_point(Eigen::Ref<Eigen::VectorXd> point) {
  if (plan_.outlier_fraction > 0 && random_.uniform() < plan_.outlier_fraction) {
    draw_outlier(point);
    return kOutlier;
  }
  const double now = moment(drawn_);
  double total = 0;
  for (const Track& track : plan_.tracks) total += track.at(now).weight;
  double left = total * random_.uniform();
  std::size_t k = 0;
  Keyframe chosen;
  for (std::size_t i = 0; i < plan_.tracks.size(); ++i) {
    Keyframe frame = plan_.tracks[i].at(now);
    if (frame.weight <= 0) continue;
    left -= frame.weight;
    k = i;
    chosen = std::move(frame);
    if (left < 0) break;  // rounding may leave a little after the last
  }
  for (Index i = 0; i < point.size(); ++i) point[i] = random_.normal();
  point = (chosen.mean + factors_[k] * point).eval();
  if (plan_.missing_fraction > 0) lose_coordinates(point);
  return static_cast<std::int64_t>(k);
}

LabelledPoints Scenario::next(Index count) {
  const auto n = static_cast<Index>(std::min(static_cast<std::uint64_t>(std::max<Index>(count, 0)), points_ - drawn_));
  LabelledPoints result;
  result.batch.points.resize(dimension(), n);
  result.labels.resize(static_cast<std::size_t>(n));
  for (Index i = 0; i < n; ++i, ++drawn_) {
    result.labels[static_cast<std::size_t>(i)] = draw_point(result.batch.points.col(i));
  }
  return result;
}

}  // namespace emulsion::client
