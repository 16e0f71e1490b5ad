// Which rows of a message may be learned.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "daemon/options.h"
#include "emulsion/points.h"

namespace emulsion::service {

// A coordinate beyond this has a square that cannot be added up any more.
inline constexpr double kLargestCoordinate = 1e150;

struct CheckedRows {
  PointBatch accepted;                    // the good rows, in their order
  std::vector<std::uint32_t> refused;     // numbers of the others, ascending
  std::map<std::string, std::uint64_t> reasons;  // how many were refused for which reason
  std::string first_problem;              // of the first refused row, in words
};

// Sorts out rows that cannot be learned:
//   not_finite     an infinite coordinate
//   out_of_range   a coordinate beyond +-1e150
//   no_coordinate  every coordinate is missing
//   missing_value  a missing coordinate, where the policy refuses them
// The other rows are as if these had never been sent.
CheckedRows check_rows(PointBatch batch, MissingPolicy missing);

}  // namespace emulsion::service
