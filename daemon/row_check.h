// Which rows of a message may be learned.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/options.h"
#include "emulsion/points.h"

namespace emulsion::service {

struct RefusedRows {
  std::vector<std::uint32_t> rows;               // their numbers, ascending
  std::map<std::string, std::uint64_t> reasons;  // how many were refused for which reason
  std::string first_problem;                     // of the first refused row, in words
};

// Finds the rows that cannot be learned:
//   not_finite     an infinite coordinate
//   out_of_range   a coordinate beyond +-1e150
//   no_coordinate  every coordinate is missing
//   missing_value  a missing coordinate, where the policy refuses them
//   out_of_support no component can have given the point, as `refusal` says
//   refusal  why the model cannot have given a point, in words; nothing if it can. Empty: it can give every point
using Refusal = std::function<std::optional<std::string>(std::span<const double>)>;
RefusedRows check_rows(const PointView& points, MissingPolicy missing, const Refusal& refusal = {});

// The points without some of their rows: as if these had never been sent.
//   refused  ascending
PointBatch without_rows(const PointView& points, std::span<const std::uint32_t> refused);

}  // namespace emulsion::service
