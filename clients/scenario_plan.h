// What happens in a scenario: how each component moves and grows from the first point to the last.
#pragma once

#include <Eigen/Core>
#include <vector>

#include "emulsion/points.h"

namespace emulsion::client {

// A component at one moment.
struct Keyframe {
  double when = 0;       // 0 is the first point, 1 the last
  double weight = 0;     // relative to the other components
  Eigen::VectorXd mean;  // d
};

// The life of one Gaussian component. Between keyframes its weight and mean change linearly; before the first and after
// the last they stay. Two keyframes at one moment are a jump, and the second one holds from there.
struct Track {
  std::vector<Keyframe> keyframes;  // at least one, in the order of time
  Eigen::MatrixXd covariance;       // d x d

  Keyframe at(double when) const;
};

struct ScenarioPlan {
  std::vector<Track> tracks;    // at least one
  double missing_fraction = 0;  // of the coordinates; every point keeps at least one
  double outlier_fraction = 0;  // of the points, uniform in a box around, and well outside, the components

  Index dimension() const { return tracks.front().covariance.rows(); }

  // True if a track has more than one keyframe.
  bool moving() const;
};

}  // namespace emulsion::client
