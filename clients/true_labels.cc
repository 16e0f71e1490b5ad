#include "clients/true_labels.h"

#include <Eigen/Core>
#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <system_error>
#include <utility>

namespace emulsion::client {
namespace {

// Sorts numbers by their value, before everything else by the alphabet.
std::pair<double, std::string> sort_key(const std::string& label) {
  double number = 0;
  const auto [end, error] = std::from_chars(label.data(), label.data() + label.size(), number);
  const bool is_number = error == std::errc() && end == label.data() + label.size() && number == number;
  return {is_number ? number : std::numeric_limits<double>::infinity(), label};
}

}  // namespace

TrueLabels true_labels(const std::vector<std::string>& labels) {
  std::map<std::pair<double, std::string>, Index> groups;
  for (const std::string& label : labels) groups.try_emplace(sort_key(label), 0);
  TrueLabels result;
  for (auto& [key, position] : groups) {
    position = static_cast<Index>(result.names.size());
    result.names.push_back(key.second);
  }
  for (const std::string& label : labels) result.of_point.push_back(groups.at(sort_key(label)));
  return result;
}

std::vector<std::optional<Index>> best_matches(const std::vector<Index>& groups, const std::vector<Index>& labels,
                                               std::size_t group_count, std::size_t component_count) {
  Eigen::MatrixXi common = Eigen::MatrixXi::Zero(static_cast<Index>(group_count), static_cast<Index>(component_count));
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (labels[i] >= 0) ++common(groups[i], labels[i]);
  }
  std::vector<std::optional<Index>> matches(group_count);
  Index group = 0;
  Index component = 0;
  while (common.size() > 0 && common.maxCoeff(&group, &component) > 0) {
    matches[static_cast<std::size_t>(group)] = component;
    common.row(group).setZero();
    common.col(component).setZero();
  }
  return matches;
}

}  // namespace emulsion::client
