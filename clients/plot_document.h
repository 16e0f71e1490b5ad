// Pictures as one JSON document: all the numbers that plot.py draws, and nothing that it would have to compute.
//
//   width, height, dpi  of each picture, in inches; 0: as its kind needs
//   axes                names of the A coordinates that are drawn
//   ranges              A pairs: what the axes show, the same in all pictures
//   discrete            A: whether there are whole numbers only
//   points              A lists of n numbers, null where one is missing
//   histograms          A of {discrete, edges, values, step, heights}, or null without points
//   tops                A: highest density that is shown; 0: as the picture needs
//   note                what is to be said of the points; may be empty
//   truth               null, or {name, groups: [{name, style}], of_point, histograms}: true labels
//   pictures            of models: {kind, path, title, of_point: position of each point's component or -1,
//                         components: [{id, family, weight, style, ellipses: [{axes, centre, half_axes, degrees}],
//                         direction: A numbers or null, curves: A of {discrete, x, y}}], totals: A curves or nulls}
//                       of the log likelihood: {kind, path, title, x, y, x_label, first, final: texts}
//
// A style is a number that stands for colour, marker and line; null for noise.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "clients/plot_input.h"

namespace emulsion::client {

enum class PlotKind { scatter, density, pairs };

// How pictures of models are made.
//   axes        coordinates that are drawn, of all that the model has: one for density, two for a scatter
//   names       of all coordinates, d
//   truth_name  what the points' labels are
struct PlotOptions {
  PlotKind kind = PlotKind::scatter;
  std::vector<Index> axes;
  std::vector<std::string> names;
  std::string truth_name;
  std::uint64_t most_points = 5000;  // that are drawn; histograms count all
  double width = 0;
  double height = 0;
  double dpi = 150;
};

// One picture of a model.
struct PlotFrame {
  PlottedModel model;
  std::string path;
  std::string title;
};

// Pictures of the points as each of the models sees them, with the same axes, and one style for each component id.
//   points  may be none (d x 0)
//   frames  at least one, all of dimension d
std::string models_document(const PlottedPoints& points, const std::vector<PlotFrame>& frames, const PlotOptions& options);

// A picture of the log likelihood over iterations; over points, if every line has them.
std::string log_likelihood_document(const std::vector<HistoryLine>& history, const std::string& path, const std::string& title,
                                    const PlotOptions& options);

// The style of each id, in their order: its own, id - 1, unless a smaller id has the same colour and another one is free.
std::vector<std::uint64_t> styles_of(const std::vector<std::uint64_t>& ids);

// A number's text with the sign that typography has for it.
std::string with_minus(std::string text);

// Position of the most probable component of each point (d x n); -1 where no component can have given it.
std::vector<Index> labels_of(const Mixture& mixture, const Eigen::MatrixXd& points);

}  // namespace emulsion::client
