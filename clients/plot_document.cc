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
#include "clients/plot_axis.h"
#include "clients/table.h"
#include "clients/true_labels.h"

namespace emulsion::client {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kColours = 7;      // of plot.py
constexpr double kMostAboveHistogram = 1.5;  // times its highest bar: where a curve is cut off

std::string dumped(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json numbers(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values) list.push_back(std::isfinite(value) ? Json(value) : Json());
  return list;
}

Json json_of(const Curve& curve) { return {{"discrete", curve.discrete}, {"x", curve.x}, {"y", curve.y}}; }

double highest(const Curve& curve) { return curve.y.empty() ? 0 : *std::max_element(curve.y.begin(), curve.y.end()); }

Json json_of(const Bins& bins, const std::vector<double>& heights) {
  return {
      {"discrete", bins.discrete}, {"edges", bins.edges}, {"values", bins.values}, {"step", bins.step}, {"heights", heights}};
}

// What all pictures have in common, made step by step.
class ModelsDocument {
 public:
  ModelsDocument(const PlottedPoints& points, const std::vector<PlotFrame>& frames, const PlotOptions& options)
      : points_(points), frames_(frames), options_(options) {
    std::set<std::uint64_t> ids;
    for (const PlotFrame& frame : frames) {
      models_.push_back({shapes_of(frame.model.snapshot, *frame.model.mixture), frame.model.mixture->weights()});
      for (std::size_t k = 0; k < models_.back().shapes.size(); ++k) {
        if (!models_.back().shapes[k].noise) ids.insert(frame.model.snapshot.components[k].id);
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
    for (const char* list : {"axes", "points", "ranges", "discrete", "histograms", "pictures"}) document[list] = Json::array();
    for (const Index coordinate : options_.axes) {
      axes_.push_back(axis_of(points_.points, models_, coordinate, options_.kind != PlotKind::scatter));
      const PlotAxis& axis = axes_.back();
      document["axes"].push_back(options_.names[static_cast<std::size_t>(coordinate)]);
      document["points"].push_back(numbers(values_along(drawn_, coordinate)));
      document["ranges"].push_back({axis.range.low, axis.range.high});
      document["discrete"].push_back(axis.discrete);
      document["histograms"].push_back(axis.bins ? json_of(*axis.bins, axis.bars) : Json());
    }
    highest_.assign(axes_.size(), 0);
    std::vector<Index> labels;
    for (std::size_t i = 0; i < frames_.size(); ++i) {
      labels = labels_of(*frames_[i].model.mixture, drawn_);
      document["pictures"].push_back(picture(frames_[i], models_[i].shapes, labels));
    }
    document["tops"] = tops();
    document["note"] = note();
    document["truth"] = truth(labels);
    return document;
  }

 private:
  Json picture(const PlotFrame& frame, const std::vector<ComponentShape>& shapes, const std::vector<Index>& labels) {
    constexpr const char* kKinds[] = {"scatter", "density", "pairs"};
    std::vector<MixtureCurves> curves;
    for (std::size_t a = 0; options_.kind != PlotKind::scatter && a < axes_.size(); ++a) {
      curves.push_back(curves_along(*frame.model.mixture, shapes, axes_[a].coordinate, axes_[a].range));
      for (const Curve& curve : curves.back().components) highest_[a] = std::max(highest_[a], highest(curve));
      if (curves.back().total) highest_[a] = std::max(highest_[a], highest(*curves.back().total));
    }
    Json components = Json::array();
    for (std::size_t k = 0; k < shapes.size(); ++k) {
      components.push_back(component(frame.model.snapshot.components[k], shapes[k]));
      Json& along = components.back()["curves"] = Json::array();
      for (const MixtureCurves& of_axis : curves) along.push_back(json_of(of_axis.components[k]));
    }
    Json totals = Json::array();
    for (const MixtureCurves& of_axis : curves) totals.push_back(of_axis.total ? json_of(*of_axis.total) : Json());
    return {{"kind", kKinds[static_cast<int>(options_.kind)]},
            {"path", frame.path},
            {"title", frame.title},
            {"of_point", labels},
            {"components", std::move(components)},
            {"totals", std::move(totals)}};
  }

  Json component(const ComponentSnapshot& snapshot, const ComponentShape& shape) const {
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
    return {{"id", snapshot.id},
            {"family", snapshot.family},
            {"weight", snapshot.weight},
            {"style", shape.noise ? Json() : Json(styles_.at(snapshot.id))},
            {"ellipses", std::move(ellipses)},
            {"direction", std::move(direction)}};
  }

  // A curve may be infinitely high, and shall not flatten everything else; nor shall the axes move from frame to frame.
  Json tops() const {
    constexpr double kAir = 1.05;
    Json list = Json::array();
    for (std::size_t a = 0; a < axes_.size(); ++a) {
      const double bars = axes_[a].bars.empty() ? 0 : *std::max_element(axes_[a].bars.begin(), axes_[a].bars.end());
      list.push_back(kAir * (bars > 0 ? std::clamp(highest_[a], bars, kMostAboveHistogram * bars) : highest_[a]));
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
    const auto matches = best_matches(drawn_groups, labels, truth.names.size(), models_.back().shapes.size());
    std::set<std::uint64_t> taken;
    for (const auto& [id, style] : styles_) taken.insert(style);
    Json groups = Json::array();
    std::uint64_t next = 0;
    for (std::size_t g = 0; g < truth.names.size(); ++g) {
      Json style;
      if (matches[g]) {
        const auto k = static_cast<std::size_t>(*matches[g]);
        if (!models_.back().shapes[k].noise) style = styles_.at(frames_.back().model.snapshot.components[k].id);
      } else {
        while (taken.contains(next)) ++next;
        taken.insert(next);
        style = next;
      }
      groups.push_back({{"name", truth.names[g]}, {"style", std::move(style)}});
    }
    Json histograms = Json::array();
    for (const PlotAxis& axis : axes_) {
      Json of_groups = Json::array();
      const std::vector<double> values = values_along(points_.points, axis.coordinate);
      for (std::size_t g = 0; axis.bins && g < truth.names.size(); ++g) {
        std::vector<double> of_group;
        for (std::size_t i = 0; i < values.size(); ++i) {
          if (truth.of_point[i] == static_cast<Index>(g)) of_group.push_back(values[i]);
        }
        of_groups.push_back(json_of(*axis.bins, heights(*axis.bins, of_group, count_finite(values))));
      }
      histograms.push_back(std::move(of_groups));
    }
    return {{"name", options_.truth_name},
            {"groups", std::move(groups)},
            {"of_point", drawn_groups},
            {"histograms", std::move(histograms)}};
  }

  const PlottedPoints& points_;
  const std::vector<PlotFrame>& frames_;
  const PlotOptions& options_;
  std::vector<ShapedModel> models_;  // of the frames
  std::map<std::uint64_t, std::uint64_t> styles_;
  std::vector<Index> chosen_;  // of the points
  Eigen::MatrixXd drawn_;
  std::vector<PlotAxis> axes_;
  std::vector<double> highest_;  // value of any curve, along each axis
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
