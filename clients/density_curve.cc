#include "clients/density_curve.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace emulsion::client {
namespace {

constexpr int kEvenPoints = 401;            // of a continuous curve, over its range
constexpr double kCentreReach = 4;          // standard deviations to both sides of a centre ...
constexpr double kCentreStep = 0.1;         // ... in steps of so many
constexpr int kBisections = 30;             // of the interval in which a density jumps
constexpr double kJump = 0.01;              // of the highest density: what counts as one
constexpr double kLowestLogDensity = -700;  // below it a density is 0
constexpr double kMostBins = 200;
constexpr double kMostWholeNumbers = 1000;

// Weighted densities of all components at some values of one coordinate, the others missing: n x K.
Eigen::MatrixXd densities(const Mixture& mixture, Index axis, const std::vector<double>& xs) {
  Eigen::MatrixXd result(static_cast<Index>(xs.size()), mixture.size());
  Tile tile(mixture.dimension());
  LaneMatrix out(kTilePoints, mixture.size());
  std::vector<double> point(static_cast<std::size_t>(mixture.dimension()), std::numeric_limits<double>::quiet_NaN());
  Index done = 0;
  while (done < result.rows()) {
    tile.clear();
    for (Index i = done; i < result.rows() && !tile.full(); ++i) {
      point[static_cast<std::size_t>(axis)] = xs[static_cast<std::size_t>(i)];
      tile.push(point.data(), 1, 1);
    }
    Index first = 0;
    for (const auto& bank : mixture.banks()) {
      bank->log_densities(tile, covering_lanes(0, tile.size()), out, first);
      first += bank->size();
    }
    // Eigen's exp of minus infinity is not quite 0.
    const auto logs = out.topRows(tile.size());
    result.middleRows(done, tile.size()) = (logs < kLowestLogDensity).select(0.0, logs.exp()).matrix();
    done += tile.size();
  }
  return result * mixture.weights().asDiagonal();
}

bool outside(double density) { return !(density > 0); }  // NaN too

void sort_unique(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

std::vector<double> continuous_grid(const Mixture& mixture, const std::vector<ComponentShape>& shapes, Index axis,
                                    Range range) {
  std::vector<double> xs;
  for (int i = 0; i < kEvenPoints; ++i) xs.push_back(range.low + (range.high - range.low) * i / (kEvenPoints - 1));
  for (const ComponentShape& shape : shapes) {
    const double deviation = std::sqrt(shape.covariance(axis, axis));
    for (double step = -kCentreReach; step <= kCentreReach; step += kCentreStep) {
      const double x = shape.centre[axis] + step * deviation;
      if (x > range.low && x < range.high) xs.push_back(x);
    }
  }
  sort_unique(xs);

  // Both sides of every jump, as close together as bisection brings them.
  const Eigen::MatrixXd values = densities(mixture, axis, xs);
  std::vector<double> further;
  for (Index k = 0; k < values.cols(); ++k) {
    if (shapes[static_cast<std::size_t>(k)].discrete[static_cast<std::size_t>(axis)]) continue;
    const double highest = values.col(k).array().isFinite().select(values.col(k).array(), 0.0).maxCoeff();
    for (Index i = 0; i + 1 < values.rows(); ++i) {
      const bool first_outside = outside(values(i, k));
      if (first_outside == outside(values(i + 1, k))) continue;
      if (values(first_outside ? i + 1 : i, k) < kJump * highest) continue;
      double left = xs[static_cast<std::size_t>(i)];
      double right = xs[static_cast<std::size_t>(i + 1)];
      for (int round = 0; round < kBisections; ++round) {
        const double middle = left + (right - left) / 2;
        (outside(densities(mixture, axis, {middle})(0, k)) == first_outside ? left : right) = middle;
      }
      further.insert(further.end(), {left, right});
    }
  }
  xs.insert(xs.end(), further.begin(), further.end());
  sort_unique(xs);
  return xs;
}

std::vector<double> whole_numbers(Range range) {
  const double first = std::ceil(range.low);
  const double step = std::max(1.0, std::ceil((range.high - first) / kMostWholeNumbers));
  std::vector<double> xs;
  // Counted, because a step of 1 does not move a number beyond 2^53.
  for (int i = 0; i <= kMostWholeNumbers && first + i * step <= range.high; ++i) xs.push_back(first + i * step);
  sort_unique(xs);
  return xs;
}

// NaN stands for no density; where it is infinite the curve has no point.
Curve curve_of(const std::vector<double>& xs, const Eigen::VectorXd& densities, bool discrete) {
  Curve curve{{}, {}, discrete};
  for (Index i = 0; i < densities.size(); ++i) {
    if (std::isinf(densities[i])) continue;
    curve.x.push_back(xs[static_cast<std::size_t>(i)]);
    curve.y.push_back(std::isnan(densities[i]) ? 0.0 : densities[i]);
  }
  return curve;
}

// The value below which a share of sorted values lies.
double quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

double standard_deviation(const std::vector<double>& values) {
  const Eigen::Map<const Eigen::ArrayXd> x(values.data(), static_cast<Index>(values.size()));
  return std::sqrt((x - x.mean()).square().mean());
}

}  // namespace

MixtureCurves curves_along(const Mixture& mixture, const std::vector<ComponentShape>& shapes, Index axis, Range range) {
  const auto is_discrete = [axis](const ComponentShape& shape) { return bool(shape.discrete[static_cast<std::size_t>(axis)]); };
  const auto discrete_count = static_cast<std::size_t>(std::count_if(shapes.begin(), shapes.end(), is_discrete));
  const std::vector<double> grids[2] = {
      discrete_count < shapes.size() ? continuous_grid(mixture, shapes, axis, range) : std::vector<double>{},
      discrete_count > 0 ? whole_numbers(range) : std::vector<double>{}};
  const Eigen::MatrixXd values[2] = {densities(mixture, axis, grids[0]), densities(mixture, axis, grids[1])};

  MixtureCurves curves;
  bool all_there = discrete_count == 0 || discrete_count == shapes.size();
  for (std::size_t k = 0; k < shapes.size(); ++k) {
    const int kind = is_discrete(shapes[k]) ? 1 : 0;
    const auto column = values[kind].col(static_cast<Index>(k));
    Curve curve{{}, {}, kind == 1};
    if ((column.array() > 0).any()) curve = curve_of(grids[kind], column, kind == 1);
    all_there = all_there && !(curve.x.empty() && shapes[k].direction);
    curves.components.push_back(std::move(curve));
  }
  const int kind = discrete_count > 0 ? 1 : 0;
  const auto numbers = values[kind].array();
  if (all_there) curves.total = curve_of(grids[kind], numbers.isNaN().select(0.0, numbers).rowwise().sum().matrix(), kind == 1);
  return curves;
}

Bins bins_for(std::vector<double> values, bool discrete, double widest) {
  std::erase_if(values, [](double value) { return !std::isfinite(value); });
  std::sort(values.begin(), values.end());
  Bins bins;
  bins.discrete = discrete;
  const double low = values.front();
  const double high = values.back();
  if (discrete) {
    const double first = std::floor(low);
    bins.step = std::max(1.0, std::ceil((high - first + 1) / kMostWholeNumbers));
    for (int i = 0; i <= kMostWholeNumbers && first + i * bins.step <= high; ++i)
      bins.values.push_back(first + i * bins.step + (bins.step - 1) / 2);
    sort_unique(bins.values);
    return bins;
  }
  if (!(high > low)) {
    const double half = low == 0 ? 0.5 : 0.05 * std::abs(low);
    bins.edges = {low - half, low + half};
    return bins;
  }
  const double cube_root = std::cbrt(static_cast<double>(values.size()));
  double width = 2 * (quantile(values, 0.75) - quantile(values, 0.25)) / cube_root;
  // More than half of the values are equal: Scott's rule looks at the others too.
  if (!(width > 0)) width = 3.49 * standard_deviation(values) / cube_root;
  const double count = std::clamp(std::ceil((high - low) / std::min(width, widest)), 1.0, kMostBins);
  for (double i = 0; i <= count; ++i) bins.edges.push_back(low + (high - low) * (i / count));
  return bins;
}

std::vector<double> heights(const Bins& bins, const std::vector<double>& values, double total) {
  std::vector<double> result(bins.size(), 0);
  const double low = bins.discrete ? bins.values.front() - bins.step / 2 : bins.edges.front();
  const double width = bins.discrete ? bins.step : (bins.edges.back() - low) / static_cast<double>(bins.size());
  const double last = static_cast<double>(bins.size()) - 1;
  for (const double value : values) {
    const double place = std::floor((value - low) / width);
    // The last edge belongs to the last bar.
    if (std::isfinite(place)) result[static_cast<std::size_t>(std::clamp(place, 0.0, last))] += 1;
  }
  for (double& height : result) height /= bins.discrete ? total : total * width;
  return result;
}

}  // namespace emulsion::client
