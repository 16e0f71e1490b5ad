// Points: the input of everything.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <vector>

namespace emulsion {

using Index = Eigen::Index;

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
};

}  // namespace emulsion
