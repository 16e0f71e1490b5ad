// The scenarios of `emulsion simulate`.
//
// To add one: write a function in scenarios.cc that makes its plan, and a line in the list there.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "clients/random.h"
#include "clients/scenario_plan.h"
#include "emulsion/result.h"

namespace emulsion::client {

struct ScenarioOptions {
  // Points from the beginning of the story to its end. Range [1, 10^15].
  std::uint64_t points = 10000;

  // The same seed gives the same points.
  std::uint64_t seed = 1;

  // Coordinates of a point. Default 2; range [1, 1024].
  std::optional<Index> dimension;

  // Components, the most that there are at any time. Default 3; range [1, 1024].
  std::optional<Index> components;

  // Least distance between two means, in standard deviations of the widest component. Default 8; range (0, 1000].
  std::optional<double> separation;

  // Of missing coordinates (default 0.1), or of outliers (default 0.05). Range [0, 0.9].
  std::optional<double> fraction;
};

struct ScenarioEntry {
  std::string_view name;
  std::string_view summary;  // for help texts
  Result<ScenarioPlan> (*plan)(const ScenarioOptions& options, Random& random);
};

// In the order in which they are explained.
const std::vector<ScenarioEntry>& scenarios();

// Makes the plan of a scenario.
// Errors: no such scenario; an option out of its range, or one that the scenario does not have; with what is allowed.
Result<ScenarioPlan> plan_scenario(std::string_view name, const ScenarioOptions& options, Random& random);

}  // namespace emulsion::client
