#include "clients/plot_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "clients/component_shape.h"
#include "clients/density_curve.h"
#include "clients/table.h"
#include "clients/true_labels.h"

namespace emulsion::client {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kColours = 7;       // of plot.py
constexpr double kMargin = 0.04;            // of an axis, on both sides, as a share of its range
constexpr double kComponentRoom = 0.15;     // that components may add to the range of the points
constexpr double kComponentReach = 2.2;     // standard deviations of a component that an axis shows
constexpr double kMostAboveHistogram = 3;   // times its highest bar: where a curve is cut off

std::string dumped(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json numbers(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values) list.push_back(std::isfinite(value) ? Json(value) : Json());
  return list;
}

Json json_of(const Curve& curve) { return {{"discrete", curve.discrete}, {"x", curve.x}, {"y", curve.y}}; }

Json json_of(const Bins& bins, const std::vector<double>& heights) {
  return {{"discrete", bins.discrete}, {"edges", bins.edges}, {"values", bins.values}, {"step", bins.step}, {"heights", heights}};
}

// A frame with what follows from its model.
struct ShapedFrame {
  const PlotFrame& frame;
  std::vector<ComponentShape> shapes;
};

// What all pictures have in common, made step by step.
class ModelsDocument {
 public:
  ModelsDocument(const PlottedPoints& points, const std::vector<PlotFrame>& frames, const PlotOptions& options)
      : points_(points), options_(options) {
    std::set<std::uint64_t> ids;
    for (const PlotFrame& frame : frames) {
      frames_.push_back({frame, shapes_of(frame.model.snapshot, *frame.model.mixture)});
      for (std::size_t k = 0; k < frames_.back().shapes.size(); ++k) {
        if (!frames_.back().shapes[k].noise) ids.insert(frame.model.snapshot.components[k].id);
      }
    }
    const std::vector<std::uint64_t> list(ids.begin(), ids.end());
    const auto styles = styles_of(list);
    for (std::size_t i = 0; i < list.size(); ++i) styles_[list[i]] = styles[i];
    chosen_ = evenly_chosen(points.points.cols(), static_cast<Index>(options.most_points));
    drawn_ = points.points(Eigen::all, chosen_);
  }

  Json make() {
    Json document = {{"width", options_.width}, {"height", options_.height}, {"dpi", options_.dpi}};
    document["axes"] = Json::array();
    document["points"] = Json::array();
    for (const Index axis : options_.axes) {
      document["axes"].push_back(options_.names[static_cast<std::size_t>(axis)]);
      document["points"].push_back(numbers(values_of(drawn_, axis)));
      add_axis(axis);
    }
    document["ranges"] = Json::array();
    for (const Range& range : ranges_) document["ranges"].push_back({range.low, range.high});
    document["discrete"] = discrete_;
    document["histograms"] = histograms_;
    document["pictures"] = Json::array();
    std::vector<Index> labels;
    for (const ShapedFrame& frame : frames_) {
      labels = labels_of(*frame.frame.model.mixture, drawn_);
      document["pictures"].push_back(picture(frame, labels));
    }
    document["tops"] = tops();
    document["note"] = note();
    document["truth"] = truth(labels);
    return document;
  }

 private:
  bool with_densities() const { return options_.kind != PlotKind::scatter; }

  static std::vector<double> values_of(const Eigen::MatrixXd& points, Index axis) {
    const auto row = points.row(axis);
    return {row.begin(), row.end()};
  }

  void add_axis(Index axis) {
    const auto a = static_cast<std::size_t>(axis);
    bool discrete = true;
    for (const ShapedFrame& frame : frames_) {
      for (const ComponentShape& shape : frame.shapes) discrete = discrete && shape.discrete[a];
    }
    discrete_.push_back(discrete);
    ranges_.push_back(range_of(axis, discrete));
    histograms_.push_back(nullptr);
    bins_.emplace_back();
    if (!with_densities()) return;
    const std::vector<double> values = values_of(points_.points, axis);
    const auto there = std::count_if(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
    if (there == 0) return;
    bins_.back() = bins_for(values, discrete, widest_bin(axis));
    histograms_.back() = json_of(bins_.back(), heights(bins_.back(), values, static_cast<double>(there)));
  }

  // Bars that are to be compared with curves must not be wider than those: the rule of Freedman and Diaconis for the points
  // of each component, on average. The interquartile range of a normal distribution is 1.349 standard deviations.
  double widest_bin(Index axis) const {
    const ShapedFrame& last = frames_.back();
    const auto n = static_cast<double>(points_.points.cols());
    double sum = 0;
    double weight = 0;
    for (std::size_t k = 0; k < last.shapes.size(); ++k) {
      const double share = last.frame.model.snapshot.components[k].weight;
      if (last.shapes[k].noise || n * share < 1) continue;
      sum += share * 2 * 1.349 * std::sqrt(last.shapes[k].covariance(axis, axis)) / std::cbrt(n * share);
      weight += share;
    }
    return weight > 0 ? sum / weight : INFINITY;
  }

  // All points, and the components as far as they are near them.
  Range range_of(Index axis, bool discrete) const {
    const auto row = points_.points.row(axis);
    Range points{INFINITY, -INFINITY};
    for (const double x : row) {
      if (std::isfinite(x)) points = {std::min(points.low, x), std::max(points.high, x)};
    }
    Range range = points;
    const bool any = points.low <= points.high;
    const double room = any ? kComponentRoom * (points.high - points.low) : INFINITY;
    for (const ShapedFrame& frame : frames_) {
      for (const ComponentShape& shape : frame.shapes) {
        if (shape.noise && any) continue;
        const double reach = kComponentReach * std::sqrt(shape.covariance(axis, axis));
        include(range, shape.centre[axis] - reach, points, room);
        include(range, shape.centre[axis] + reach, points, room);
        if (!shape.direction) continue;
        include(range, 0, points, INFINITY);
        include(range, (*shape.direction)[axis], points, INFINITY);
      }
    }
    if (discrete) return {std::floor(range.low) - 0.6, std::ceil(range.high) + 0.6};
    if (!(range.high > range.low)) {
      const double half = range.low == 0 ? 0.5 : 0.05 * std::abs(range.low);
      return {range.low - half, range.high + half};
    }
    const double margin = kMargin * (range.high - range.low);
    return {range.low - margin, range.high + margin};
  }

  static void include(Range& range, double x, const Range& points, double room) {
    if (!std::isfinite(x)) return;
    range.low = std::min(range.low, std::max(x, points.low - room));
    range.high = std::max(range.high, std::min(x, points.high + room));
  }

  Json picture(const ShapedFrame& frame, const std::vector<Index>& labels) {
    constexpr const char* kKinds[] = {"scatter", "density", "pairs"};
    std::vector<MixtureCurves> curves;
    for (std::size_t a = 0; with_densities() && a < options_.axes.size(); ++a) {
      curves.push_back(curves_along(*frame.frame.model.mixture, frame.shapes, options_.axes[a], ranges_[a]));
      highest_.resize(options_.axes.size(), 0);
      for (const Curve& curve : curves.back().components) {
        for (const double y : curve.y) highest_[a] = std::max(highest_[a], y);
      }
      if (curves.back().total) {
        for (const double y : curves.back().total->y) highest_[a] = std::max(highest_[a], y);
      }
    }
    Json components = Json::array();
    for (std::size_t k = 0; k < frame.shapes.size(); ++k) components.push_back(component(frame, k, curves));
    Json totals = Json::array();
    for (const MixtureCurves& along : curves) totals.push_back(along.total ? json_of(*along.total) : Json());
    return {{"kind", kKinds[static_cast<int>(options_.kind)]},
            {"path", frame.frame.path},
            {"title", frame.frame.title},
            {"of_point", labels},
            {"components", std::move(components)},
            {"totals", std::move(totals)}};
  }

  Json component(const ShapedFrame& frame, std::size_t k, const std::vector<MixtureCurves>& curves) const {
    const ComponentSnapshot& snapshot = frame.frame.model.snapshot.components[k];
    const ComponentShape& shape = frame.shapes[k];
    Json ellipses = Json::array();
    const std::size_t axes = options_.axes.size();
    const bool arrow = shape.direction && options_.kind == PlotKind::scatter;
    for (std::size_t i = 0; !shape.noise && !arrow && i < axes; ++i) {
      for (std::size_t j = i + 1; j < axes; ++j) {
        const Ellipse ellipse = ellipse_of(shape, options_.axes[i], options_.axes[j]);
        ellipses.push_back({{"axes", {i, j}},
                            {"centre", {ellipse.centre_x, ellipse.centre_y}},
                            {"half_axes", {ellipse.half_major, ellipse.half_minor}},
                            {"degrees", ellipse.degrees}});
      }
    }
    Json direction;
    if (arrow) {
      const Eigen::VectorXd drawn = (*shape.direction)(options_.axes);
      direction = std::vector<double>(drawn.begin(), drawn.end());
    }
    Json along = Json::array();
    for (const MixtureCurves& of_axis : curves) along.push_back(json_of(of_axis.components[k]));
    return {{"id", snapshot.id},
            {"family", snapshot.family},
            {"weight", snapshot.weight},
            {"style", shape.noise ? Json() : Json(styles_.at(snapshot.id))},
            {"ellipses", std::move(ellipses)},
            {"direction", std::move(direction)},
            {"curves", std::move(along)}};
  }

  // A curve may be infinitely high, and shall not flatten everything else; nor shall the axes move from frame to frame.
  Json tops() const {
    constexpr double kAir = 1.05;
    Json list = Json::array();
    for (std::size_t a = 0; a < options_.axes.size(); ++a) {
      double bars = 0;
      if (!histograms_[a].is_null()) {
        for (const double height : histograms_[a]["heights"]) bars = std::max(bars, height);
      }
      const double curves = a < highest_.size() ? highest_[a] : 0;
      list.push_back(kAir * (bars > 0 ? std::clamp(curves, bars, kMostAboveHistogram * bars) : curves));
    }
    return list;
  }

  std::string note() const {
    const auto drawn = static_cast<std::uint64_t>(drawn_.cols());
    const auto kept = static_cast<std::uint64_t>(points_.points.cols());
    if (options_.kind == PlotKind::density) {
      if (kept == points_.total) return "";
      return fmt::format("histogram of {} of\n{} points", thousands(kept), thousands(points_.total));
    }
    if (drawn == points_.total) return "";
    return fmt::format("{} of {}\npoints drawn", thousands(drawn), thousands(points_.total));
  }

  static std::string thousands(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
    return text;
  }

  // The groups of true labels get the colours of the components of the last picture that they match best.
  Json truth(const std::vector<Index>& labels) const {
    if (points_.labels.empty()) return nullptr;
    const TrueLabels truth = true_labels(points_.labels);
    std::vector<Index> drawn_groups;
    for (const Index i : chosen_) drawn_groups.push_back(truth.of_point[static_cast<std::size_t>(i)]);
    const auto matches = best_matches(drawn_groups, labels, truth.names.size(), frames_.back().shapes.size());
    std::set<std::uint64_t> taken;
    for (const auto& [id, style] : styles_) taken.insert(style);
    Json groups = Json::array();
    std::uint64_t next = 0;
    for (std::size_t g = 0; g < truth.names.size(); ++g) {
      Json style;
      if (matches[g]) {
        const auto k = static_cast<std::size_t>(*matches[g]);
        if (!frames_.back().shapes[k].noise) style = styles_.at(frames_.back().frame.model.snapshot.components[k].id);
      } else {
        while (taken.contains(next)) ++next;
        taken.insert(next);
        style = next;
      }
      groups.push_back({{"name", truth.names[g]}, {"style", std::move(style)}});
    }
    Json histograms = Json::array();
    for (std::size_t a = 0; a < options_.axes.size(); ++a) {
      Json of_groups = Json::array();
      const std::vector<double> values = values_of(points_.points, options_.axes[a]);
      const auto there = std::count_if(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
      for (std::size_t g = 0; !histograms_[a].is_null() && g < truth.names.size(); ++g) {
        std::vector<double> of_group;
        for (std::size_t i = 0; i < values.size(); ++i) {
          if (truth.of_point[i] == static_cast<Index>(g)) of_group.push_back(values[i]);
        }
        of_groups.push_back(json_of(bins_[a], heights(bins_[a], of_group, static_cast<double>(there))));
      }
      histograms.push_back(std::move(of_groups));
    }
    return {{"name", options_.truth_name},
            {"groups", std::move(groups)},
            {"of_point", drawn_groups},
            {"histograms", std::move(histograms)}};
  }

  const PlottedPoints& points_;
  const PlotOptions& options_;
  std::vector<ShapedFrame> frames_;
  std::map<std::uint64_t, std::uint64_t> styles_;
  std::vector<Index> chosen_;  // of the points
  Eigen::MatrixXd drawn_;
  std::vector<Range> ranges_;  // of each axis, as everything below
  std::vector<bool> discrete_;
  std::vector<Bins> bins_;
  std::vector<Json> histograms_;
  std::vector<double> highest_;
};

}  // namespace

std::vector<std::uint64_t> styles_of(const std::vector<std::uint64_t>& ids) {
  std::vector<std::uint64_t> styles;
  std::set<std::uint64_t> taken;  // colours
  for (const std::uint64_t id : ids) {
    std::uint64_t style = id - 1;
    if (taken.contains(style % kColours) && taken.size() < kColours) {
      while (taken.contains(style % kColours)) ++style;
    }
    taken.insert(style % kColours);
    styles.push_back(style);
  }
  return styles;
}

std::string with_minus(std::string text) { return text.starts_with('-') ? "−" + text.substr(1) : text; }

std::vector<Index> labels_of(const Mixture& mixture, const Eigen::MatrixXd& points) {
  std::vector<Index> labels;
  Tile tile(mixture.dimension());
  Expectation expectation(mixture.size());
  while (static_cast<Index>(labels.size()) < points.cols()) {
    tile.clear();
    const auto first = static_cast<Index>(labels.size());
    for (Index i = first; i < points.cols() && !tile.full(); ++i) tile.push(points.col(i).data(), 1, 1);
    mixture.expect(tile, covering_lanes(0, tile.size()), expectation);
    for (Index row = 0; row < tile.size(); ++row) {
      const std::span<const double> point(points.col(first + row).data(), static_cast<std::size_t>(points.rows()));
      const bool possible = std::any_of(mixture.banks().begin(), mixture.banks().end(),
                                        [&](const auto& bank) { return !bank->family().refusal(point); });
      labels.push_back(possible ? expectation.most_probable[static_cast<std::size_t>(row)] : -1);
    }
  }
  return labels;
}

std::string models_document(const PlottedPoints& points, const std::vector<PlotFrame>& frames, const PlotOptions& options) {
  return dumped(ModelsDocument(points, frames, options).make());
}

std::string log_likelihood_document(const std::vector<HistoryLine>& history, const std::string& path, const std::string& title,
                                    const PlotOptions& options) {
  const bool of_points = std::all_of(history.begin(), history.end(), [](const HistoryLine& line) { return line.points; });
  Json x = Json::array();
  std::vector<double> y;
  for (const HistoryLine& line : history) {
    x.push_back(of_points ? *line.points : line.iteration);
    y.push_back(line.mean_log_likelihood);
  }
  const Json document = {{"width", options.width},
                         {"height", options.height},
                         {"dpi", options.dpi},
                         {"pictures",
                          {{{"kind", "log-likelihood"},
                            {"path", path},
                            {"title", title},
                            {"x", std::move(x)},
                            {"y", numbers(y)},
                            {"x_label", of_points ? "points learned" : "iteration"},
                            {"first", with_minus(significant(y.front(), 4))},
                            {"final", with_minus(significant(y.back(), 5))}}}}};
  return dumped(document);
}

}  // namespace emulsion::client
