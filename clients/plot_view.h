// What a picture shows: its kind, and the coordinates on its axes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "clients/plot_document.h"

namespace emulsion::client {

//   chosen_here  whether some of several coordinates had to be chosen that the user has not named
struct PlotView {
  PlotKind kind = PlotKind::scatter;
  std::vector<Index> axes;
  bool chosen_here = false;
};

// One coordinate is drawn as a density, two as a scatter, more as pairs. Of more than six, or than two for a scatter, those
// are taken along which the components of the model lie farthest apart.
//   kind   "auto", "scatter", "density" or "pairs"
//   axes   what the user has named: names, or positions from 0; may be empty
//   names  of all coordinates, d
// Errors: kUsage: no such coordinate, one twice, or another number of them than the kind needs.
Attempt<PlotView> view_of(const std::string& kind, const std::vector<std::string>& axes, const std::vector<std::string>& names,
                          const PlottedModel& model);

// The path with a number in place of its %d or %03d, such as frames/iteration-007.png; nothing if it has no such place, or
// more than one.
std::optional<std::string> numbered_path(const std::string& pattern, std::uint64_t number);

}  // namespace emulsion::client
