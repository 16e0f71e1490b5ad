// One stream: a learner, what is known of its producers, and everything that is counted.
//
// Messages in; labels, events and a model out, as values: it knows no sockets.
// Not thread-safe: one thread owns it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/label_queue.h"
#include "daemon/options.h"
#include "daemon/row_check.h"
#include "daemon/source_tracker.h"
#include "daemon/transport.h"
#include "emulsion/learner.h"
#include "emulsion/wire/messages.h"
#include "emulsion/wire/state.h"

namespace emulsion::service {

// Refusals by stage ("message" or "row") and reason.
class Refusals {
 public:
  void count(const std::string& stage, const std::string& reason, std::uint64_t number = 1) { counts_[{stage, reason}] += number; }
  std::vector<wire::RefusalCount> list() const;
  void restore(const std::vector<wire::RefusalCount>& counts);

 private:
  std::map<std::pair<std::string, std::string>, std::uint64_t> counts_;
};

// What a stream has to say after a step.
struct StreamOutput {
  std::vector<wire::LabelsMessage> labels;
  std::vector<wire::EventMessage> events;
  bool model_changed = false;
  bool seeded = false;        // the first model was made
  std::uint64_t batches = 0;  // mini-batches that were completed
};

class Stream {
 public:
  // A stream that has seen nothing. With an initial model it labels at once.
  // Errors: options that the learner refuses; an initial model that does not fit them.
  static Result<Stream> make(std::string name, const StreamOptions& options, const std::optional<Snapshot>& initial_model);

  // A stream that goes on from a saved state. The initial model is what a reset goes back to.
  // Errors: as `make`; a state that does not fit the options.
  static Result<Stream> restore(std::string name, const StreamOptions& options, const std::optional<Snapshot>& initial_model,
                                wire::StreamState state);

  const std::string& name() const { return name_; }

  // Takes a message in: refuses it, drops it as a duplicate, or learns and labels its good rows.
  Outcome take(wire::PointsMessage message, StreamOutput& output);

  // Counts a payload that could not be decoded.
  void refuse(const std::string& reason, const std::string& text, StreamOutput& output);

  // Learns what waits; nothing while it is paused. Returns the number of rows that waited and are learned now.
  std::uint64_t flush(StreamOutput& output);

  // Stops or resumes learning. pause requires a model.
  void pause(StreamOutput& output);
  void resume(StreamOutput& output);

  // Forgets model, statistics and counts. The positions of the producers stay, so that what comes next is no gap, and no
  // component id comes again.
  void reset(StreamOutput& output);

  // Takes new options that a running stream can take: how it is published and what it refuses.
  void reconfigure(const StreamOptions& options);

  bool has_model() const { return learner_ && learner_->has_model(); }
  const StreamOptions& options() const { return options_; }
  std::uint64_t components_starved() const;

  wire::ModelMessage model() const;  // requires a model
  wire::StreamStatus status() const;
  std::string digest() const;
  wire::StreamState state() const;

 private:
  Stream(std::string name, const StreamOptions& options, std::optional<Snapshot> initial_model);

  Result<void> start_learner(Index dimension);
  std::optional<std::string> why_not(const wire::PointsMessage& message, std::string& reason);
  void report_arrival(const wire::PointsMessage& message, const Arrival& arrival, StreamOutput& output);
  void report_rows(const wire::PointsMessage& message, const CheckedRows& rows, StreamOutput& output);
  void emit(Learned learned, StreamOutput& output);
  void emit_labels(const Labels& labels, StreamOutput& output);
  wire::EventMessage event(wire::EventKind kind, std::string text) const;

  std::string name_;
  StreamOptions options_;
  std::optional<Snapshot> initial_model_;
  std::optional<Learner> learner_;  // once the dimension is known
  SourceTracker sources_;
  LabelQueue queue_;
  Refusals refusals_;
  std::uint64_t points_accepted_ = 0;
  std::uint64_t points_labelled_ = 0;
  std::uint64_t points_paused_ = 0;
  bool paused_ = false;
  std::uint64_t next_component_id_ = 1;  // for the next learner
};

}  // namespace emulsion::service
