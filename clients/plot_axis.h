// One axis of a picture: what it shows of the points, and of all models that are drawn over them.
#pragma once

#include <optional>
#include <vector>

#include "clients/component_shape.h"
#include "clients/density_curve.h"

namespace emulsion::client {

// The components of one model.
//   weights  K
struct ShapedModel {
  std::vector<ComponentShape> shapes;
  Eigen::VectorXd weights;
};

// One coordinate.
//   range     what the axis shows
//   discrete  whether there are whole numbers only
//   bins      of the histogram; nothing where none is drawn, or there are no points
//   bars      the heights of the histogram of all points
struct PlotAxis {
  Index coordinate = 0;
  Range range;
  bool discrete = false;
  std::optional<Bins> bins;
  std::vector<double> bars;
};

// The axis shows all points, and symmetric components as far as they are near them; without points, all components.
//   points      d x n
//   models      at least one
//   with_bars   whether there is a histogram. Its bars are no wider than suits the components of the last model
PlotAxis axis_of(const Eigen::MatrixXd& points, const std::vector<ShapedModel>& models, Index coordinate, bool with_bars);

// The values of one coordinate, and how many of them are there.
std::vector<double> values_along(const Eigen::MatrixXd& points, Index coordinate);
double count_finite(const std::vector<double>& values);

}  // namespace emulsion::client
