// Points: the input of everything.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <vector>

namespace emulsion {

using Index = Eigen::Index;

// A coordinate beyond this has a square that cannot be added up any more.
inline constexpr double kLargestCoordinate = 1e150;

// Points observed one after another.
//   points            d x n, one point per column, in the publisher's own units; NaN = missing
//   weights           n, each finite and > 0; a point of weight 2 counts as two equal points.
//                     Empty: every weight is 1
//   unix_nanoseconds  n, when each point was observed. Empty: unknown
struct PointBatch {
  Eigen::MatrixXd points;
  Eigen::VectorXd weights;
  std::vector<std::int64_t> unix_nanoseconds;

  Index dimension() const { return points.rows(); }
  Index size() const { return points.cols(); }
  double weight(Index i) const { return weights.size() == 0 ? 1.0 : weights[i]; }
  bool has_times() const { return !unix_nanoseconds.empty(); }

  // The points from number `first` on, `count` of them, with their weights and times.
  PointBatch slice(Index first, Index count) const {
    PointBatch part;
    part.points = points.middleCols(first, count);
    if (weights.size() > 0) part.weights = weights.segment(first, count);
    if (has_times()) part.unix_nanoseconds.assign(unix_nanoseconds.begin() + first, unix_nanoseconds.begin() + first + count);
    return part;
  }
};

// Seconds from one time to another, both in unix nanoseconds; 0 if the other one is not later.
inline double seconds_between(std::int64_t earlier, std::int64_t later) {
  if (later <= earlier) return 0;
  // Unsigned, because the difference of two times may be too large for a signed number.
  return static_cast<double>(static_cast<std::uint64_t>(later) - static_cast<std::uint64_t>(earlier)) / 1e9;
}

}  // namespace emulsion
