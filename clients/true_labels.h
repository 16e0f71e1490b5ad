// True labels of points, beside the components that a model has found.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "emulsion/points.h"

namespace emulsion::client {

// Points in groups of equal labels.
//   names     of the groups; numbers by their value, before other texts by the alphabet
//   of_point  n: position of each point's group
struct TrueLabels {
  std::vector<std::string> names;
  std::vector<Index> of_point;
};

TrueLabels true_labels(const std::vector<std::string>& labels);

// The component that belongs to each group: the pair with the most points in common first, then the next of those that
// are left, and so on; nothing for a group without such a component.
//   groups, labels  n: group and component of each point; a component may be -1, for none
std::vector<std::optional<Index>> best_matches(const std::vector<Index>& groups, const std::vector<Index>& labels,
                                               std::size_t group_count, std::size_t component_count);

}  // namespace emulsion::client
