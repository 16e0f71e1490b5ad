// Densities along one coordinate: of a mixture as curves, of points as a histogram.
#pragma once

#include <limits>
#include <optional>
#include <vector>

#include "clients/component_shape.h"
#include "emulsion/mixture.h"

namespace emulsion::client {

struct Range {
  double low = 0;
  double high = 0;
};

// y(x), x ascending: a density per unit, or, where it is discrete, a probability at whole numbers. Finite.
struct Curve {
  std::vector<double> x;
  std::vector<double> y;
  bool discrete = false;
};

// The density of a mixture along one coordinate, whatever the others are.
//   components  K, each times its weight; empty where it is 0 all along, and where the family knows no such density
//   total       their sum; nothing where some are discrete and others are not, or one is not known
struct MixtureCurves {
  std::vector<Curve> components;
  std::optional<Curve> total;
};

// Where a density jumps, at the edge of a support, the curve has both sides of the jump; it is dense around every centre,
// so that no narrow component falls between two of its points.
MixtureCurves curves_along(const Mixture& mixture, const std::vector<ComponentShape>& shapes, Index axis, Range range);

// Where the bars of a histogram stand.
//   edges   of continuous values: one more than there are bars
//   values  of discrete ones: the middle of each bar; they are `step` apart
struct Bins {
  bool discrete = false;
  std::vector<double> edges;
  std::vector<double> values;
  double step = 1;

  std::size_t size() const { return discrete ? values.size() : edges.size() - 1; }
};

// Bins for values, at least one of them finite: as wide as 2 IQR n^(-1/3), but not wider than `widest`, and at most 200;
// for discrete values one for each whole number, or for several if there would be more than 1000. A value that is not
// finite does not count.
// Source: Freedman & Diaconis (1981), On the histogram as a density estimator, section 1.
Bins bins_for(std::vector<double> values, bool discrete, double widest = std::numeric_limits<double>::infinity());

// Height of each bar, so that the bars of all `total` values have area 1; or, discrete, sum 1.
std::vector<double> heights(const Bins& bins, const std::vector<double>& values, double total);

}  // namespace emulsion::client
