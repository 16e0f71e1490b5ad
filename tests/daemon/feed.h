// Points of two clusters cut into messages, and a stream that is quick to learn them.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "daemon/stream.h"
#include "emulsion/wire/messages.h"
#include "lib/sample.h"

namespace emulsion::service {

// Clusters at (0, 5) and (5, 0) that hardly overlap; the first holds 60 %.
inline PointBatch two_clusters(Index n, std::uint64_t seed = 1) {
  testing::Truth truth;
  truth.weights = {0.6, 0.4};
  truth.means = {Eigen::Vector2d(0, 5), Eigen::Vector2d(5, 0)};
  truth.covariances = {Eigen::Matrix2d::Identity(), 0.5 * Eigen::Matrix2d::Identity()};
  return testing::draw(truth, n, seed);
}

inline wire::PointsMessage points_message(std::uint64_t sequence, PointBatch batch, std::string producer = "a") {
  wire::PointsMessage message;
  message.producer = std::move(producer);
  message.session = 7;
  message.sequence = sequence;
  message.batch = std::move(batch);
  return message;
}

// The batch with other coordinates in one of its rows.
inline PointBatch with_row(PointBatch batch, Index row, double x, double y) {
  batch.points.col(row) << x, y;
  return batch;
}

// Messages of `rows` points each; the last one takes what is left.
inline std::vector<wire::PointsMessage> cut(const PointBatch& batch, Index rows) {
  std::vector<wire::PointsMessage> messages;
  for (Index first = 0; first < batch.size(); first += rows)
    messages.push_back(points_message(messages.size(), testing::slice(batch, first, std::min(rows, batch.size() - first))));
  return messages;
}

inline StreamOptions quick_options() {
  StreamOptions options;
  options.learner.components = 2;
  options.learner.batch_points = 16;
  options.learner.seed.points = 40;
  options.learner.seed.restarts = 2;
  options.learner.seed.passes = 4;
  options.model_interval_seconds = 0;
  return options;
}

inline Stream make_stream(const StreamOptions& options) {
  auto stream = Stream::make("radar", options, std::nullopt);
  if (!stream) throw std::runtime_error(stream.error().message);
  return std::move(*stream);
}

inline StreamOutput take(Stream& stream, wire::PointsMessage message) {
  StreamOutput output;
  stream.take(message, output);
  return output;
}

inline void append(StreamOutput& all, StreamOutput output) {
  for (auto& labels : output.labels) all.labels.add() = std::move(labels);
  for (auto& event : output.events) all.events.push_back(std::move(event));
  all.model_changed |= output.model_changed;
}

inline StreamOutput take_all(Stream& stream, const std::vector<wire::PointsMessage>& messages) {
  StreamOutput all;
  for (const auto& message : messages) append(all, take(stream, message));
  return all;
}

inline std::uint64_t refused(const std::vector<wire::RefusalCount>& counts, const std::string& stage,
                             const std::string& reason) {
  for (const wire::RefusalCount& count : counts)
    if (count.stage == stage && count.reason == reason) return count.count;
  return 0;
}

inline std::vector<wire::EventMessage> events_of(const StreamOutput& output, wire::EventKind kind) {
  std::vector<wire::EventMessage> found;
  for (const wire::EventMessage& event : output.events)
    if (event.kind == kind) found.push_back(event);
  return found;
}

}  // namespace emulsion::service
