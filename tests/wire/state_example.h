// A state to encode, decode and damage.
#pragma once

#include <catch2/catch.hpp>
#include <cmath>
#include <string>
#include <string_view>

#include "emulsion/wire/checkpoint.h"
#include "emulsion/wire/state.h"
#include "lib/sample.h"

namespace emulsion::testing {

// A learner that soon has a model.
inline LearnerOptions quick(const std::string& family) {
  LearnerOptions options;
  options.family = family;
  options.batch_points = 50;
  options.seed.points = 60;
  options.seed.restarts = 2;
  options.seed.passes = 3;
  return options;
}

// Points in three dimensions, weighted and timed, one coordinate missing.
inline PointBatch sample(Index n) {
  Sampler sampler(3);
  PointBatch batch;
  batch.points = sampler.normals(3, n);
  batch.points.leftCols(n / 2).array() += 6;
  batch.points(1, n / 3) = std::nan("");
  batch.weights = Eigen::VectorXd::LinSpaced(n, 1, 2);
  for (Index i = 0; i < n; ++i) batch.unix_nanoseconds.push_back(1'000'000'000 * i - 5);
  return batch;
}

// The state of a stream with something of everything in it, after so many points.
inline wire::StreamState state_of(const LearnerOptions& options, Index points) {
  auto learner = Learner::make(options, 3);
  REQUIRE(learner);
  if (points > 0) learner->learn(sample(points), false);
  wire::StreamState state;
  state.stream = "radar";
  state.learner = learner->state();
  state.producers.push_back({"a", {{1, 20, {{3, 5}, {9, 9}}}, {~0ull, ~0ull, {}}}, 30, 28, 2, 4, 5, 6, 1});
  state.producers.push_back({"b", {{7, 0, {}}}, 1, 1, 0, 0, 0, 0, 0});
  state.waiting.push_back({"a", 1, 20, 9, {0, 4, 8}});
  state.refusals = {{"message", "malformed", 3}, {"row", "not_finite", 2}};
  state.points_accepted = 28;
  state.points_labelled = 19;
  state.points_paused = 2;
  state.paused = true;
  state.next_component_id = 7;
  state.configuration = "components = 2\n";
  return state;
}

// A checkpoint with other bytes in one of its sections, and checksums that fit them.
inline std::string with_section(const std::string& checkpoint, std::size_t section, std::string_view bytes) {
  auto sections = wire::decode_checkpoint(checkpoint);
  REQUIRE(sections);
  sections->at(section).bytes = bytes;
  return wire::encode_checkpoint(*sections);
}
inline constexpr std::size_t kLearner = 1, kCounters = 4;

}  // namespace emulsion::testing
