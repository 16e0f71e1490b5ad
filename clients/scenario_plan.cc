#include "clients/scenario_plan.h"

#include <algorithm>

namespace emulsion::client {

Keyframe Track::at(double when) const {
  const auto after = std::upper_bound(keyframes.begin(), keyframes.end(), when,
                                      [](double moment, const Keyframe& frame) { return moment < frame.when; });
  if (after == keyframes.begin()) return keyframes.front();
  const Keyframe& from = *(after - 1);
  if (after == keyframes.end()) return from;
  const double part = (when - from.when) / (after->when - from.when);
  return {when, from.weight + part * (after->weight - from.weight), from.mean + part * (after->mean - from.mean)};
}

bool ScenarioPlan::moving() const {
  return std::any_of(tracks.begin(), tracks.end(), [](const Track& track) { return track.keyframes.size() > 1; });
}

}  // namespace emulsion::client
