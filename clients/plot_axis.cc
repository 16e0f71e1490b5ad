#include "clients/plot_axis.h"

#include <algorithm>
#include <cmath>

namespace emulsion::client {
namespace {

constexpr double kMargin = 0.04;         // of an axis, on both sides, as a share of its range
constexpr double kComponentRoom = 0.15;  // that components may add to the range of the points
constexpr double kComponentReach = 2.2;  // standard deviations of a component that an axis shows
constexpr double kDiscreteMargin = 0.6;  // around whole numbers: room for their bars

bool is_discrete(const std::vector<ShapedModel>& models, Index coordinate) {
  const auto discrete = [coordinate](const ComponentShape& shape) {
    return bool(shape.discrete[static_cast<std::size_t>(coordinate)]);
  };
  return std::all_of(models.begin(), models.end(),
                     [&](const ShapedModel& model) { return std::all_of(model.shapes.begin(), model.shapes.end(), discrete); });
}

// Bars that are to be compared with curves must not be wider than those: the rule of Freedman and Diaconis for the points
// of each component, on average. The interquartile range of a normal distribution is 1.349 standard deviations.
double widest_bin(const ShapedModel& model, Index coordinate, double points) {
  double sum = 0;
  double weight = 0;
  for (std::size_t k = 0; k < model.shapes.size(); ++k) {
    const double share = model.weights[static_cast<Index>(k)];
    if (model.shapes[k].noise || points * share < 1) continue;
    sum += share * 2 * 1.349 * std::sqrt(model.shapes[k].covariance(coordinate, coordinate)) / std::cbrt(points * share);
    weight += share;
  }
  return sum > 0 ? sum / weight : INFINITY;
}

// Takes x into the range, but not farther than `room` from the points.
void include(Range& range, double x, const Range& points, double room) {
  if (!std::isfinite(x)) return;
  range.low = std::min(range.low, std::max(x, points.low - room));
  range.high = std::max(range.high, std::min(x, points.high + room));
}

Range with_margin(Range range, bool discrete) {
  if (discrete) return {std::floor(range.low) - kDiscreteMargin, std::ceil(range.high) + kDiscreteMargin};
  if (!(range.high > range.low)) {
    const double half = range.low == 0 ? 0.5 : 0.05 * std::abs(range.low);
    return {range.low - half, range.high + half};
  }
  const double margin = kMargin * (range.high - range.low);
  return {range.low - margin, range.high + margin};
}

Range range_of(const std::vector<double>& values, const std::vector<ShapedModel>& models, Index coordinate) {
  Range points{INFINITY, -INFINITY};
  for (const double x : values) {
    if (std::isfinite(x)) points = {std::min(points.low, x), std::max(points.high, x)};
  }
  const bool any = points.low <= points.high;
  const double room = any ? kComponentRoom * (points.high - points.low) : INFINITY;
  const Range nearby = any ? points : Range{0, 0};  // with infinite room it does not matter where
  Range range = points;
  for (const ShapedModel& model : models) {
    for (const ComponentShape& shape : model.shapes) {
      // One of the others might have nothing where it seems to reach.
      if (any && (shape.noise || !shape.symmetric[static_cast<std::size_t>(coordinate)])) continue;
      const double reach = kComponentReach * std::sqrt(shape.covariance(coordinate, coordinate));
      include(range, shape.centre[coordinate] - reach, nearby, room);
      include(range, shape.centre[coordinate] + reach, nearby, room);
      if (!shape.direction) continue;  // an arrow from the origin
      include(range, 0, nearby, INFINITY);
      include(range, (*shape.direction)[coordinate], nearby, INFINITY);
    }
  }
  return range;
}

}  // namespace

std::vector<double> values_along(const Eigen::MatrixXd& points, Index coordinate) {
  const auto row = points.row(coordinate);
  return {row.begin(), row.end()};
}

double count_finite(const std::vector<double>& values) {
  return static_cast<double>(std::count_if(values.begin(), values.end(), [](double x) { return std::isfinite(x); }));
}

PlotAxis axis_of(const Eigen::MatrixXd& points, const std::vector<ShapedModel>& models, Index coordinate, bool with_bars) {
  const std::vector<double> values = values_along(points, coordinate);
  const double there = count_finite(values);
  PlotAxis axis;
  axis.coordinate = coordinate;
  axis.discrete = is_discrete(models, coordinate);
  axis.range = with_margin(range_of(values, models, coordinate), axis.discrete);
  if (!with_bars || there == 0) return axis;
  axis.bins = bins_for(values, axis.discrete, widest_bin(models.back(), coordinate, there));
  axis.bars = heights(*axis.bins, values, there);
  return axis;
}

}  // namespace emulsion::client
