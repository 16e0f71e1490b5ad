// One stream: a learner, what is known of its producers, and everything that is counted.
//
// Messages in; labels, events and a model out, as values: it knows no sockets.
// Not thread-safe: one thread owns it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/label_queue.h"
#include "daemon/options.h"
#include "daemon/reused_list.h"
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

// What a stream has to say after a step. Cleared and used again, it keeps its memory.
struct StreamOutput {
  ReusedList<wire::LabelsMessage> labels;
  std::vector<wire::EventMessage> events;
  bool model_changed = false;
  bool seeded = false;        // the first model was made
  std::uint64_t batches = 0;  // mini-batches that were completed
  Learned learned;            // what labels and events were made of

  void clear();
};

// What the streams of one section are made from. Immutable; all of them share one.
class StreamPlan {
 public:
  // With an initial model, a stream labels at once. It is also what a reset goes back to.
  // Errors: options that the learner refuses; an initial model that does not fit them.
  static Result<std::shared_ptr<const StreamPlan>> make(const StreamOptions& options, std::optional<Snapshot> initial_model);

  const StreamOptions& options() const { return options_; }  // with the mixture of the initial model, and the dimension of the columns
  const Learner::Plan& learner() const { return learner_; }

  // The mixture, and the options that the statistics depend on and that no state contradicts: "KEY = VALUE" a line.
  const std::string& configuration() const { return configuration_; }

  // A learner that has seen nothing.
  Result<Learner> start_learner(Index dimension, std::uint64_t first_component_id) const;

  Index dimension() const;  // 0: that of the first message

 private:
  StreamOptions options_;
  Learner::Plan learner_;
  std::string configuration_;
  std::optional<Snapshot> initial_model_;
};

class Stream {
 public:
  using Plan = std::shared_ptr<const StreamPlan>;

  // A stream that has seen nothing.
  // Errors of options: those of the plan.
  static Stream make(std::string name, Plan plan);
  static Result<Stream> make(std::string name, const StreamOptions& options, const std::optional<Snapshot>& initial_model);

  // A stream that goes on from a saved state.
  // Errors: a state that does not fit the plan. Of options: also those of the plan.
  static Result<Stream> restore(std::string name, Plan plan, wire::StreamState state);
  static Result<Stream> restore(std::string name, const StreamOptions& options, const std::optional<Snapshot>& initial_model,
                                wire::StreamState state);

  const std::string& name() const { return name_; }

  // What `take` needs is fetched; see prefetch.h. The object itself is part of another.
  void prefetch(int step) const {
    sources_.prefetch(step);
    if (learner_) learner_->prefetch(step);
  }

  // Takes a message in: refuses it, drops it as a duplicate, or learns and labels its good rows.
  Outcome take(const wire::PointsMessageView& message, StreamOutput& output);

  // The same for a producer that sends again what is not acknowledged. What comes before its turn, or more than `credit`
  // messages beyond what is durable, is dropped; what had come is dropped, and counted, but no event.
  Outcome take_in_order(const wire::PointsMessageView& message, std::uint64_t credit, StreamOutput& output);

  // Counts a payload that could not be decoded.
  void refuse(const std::string& reason, const std::string& text, StreamOutput& output);

  // Refuses a payload of which only this could be read. It takes its turn, so that what follows can come.
  Outcome refuse_in_order(const wire::MessageIdentity& message, std::uint64_t credit, const std::string& reason, const std::string& text,
                          StreamOutput& output);

  // How far a session of an acknowledged input has come.
  SourceTracker::Position position(std::string_view producer, std::uint64_t session) const { return sources_.position(producer, session); }
  bool has_acknowledged() const { return sources_.has_acknowledged(); }
  bool has_undurable() const { return sources_.has_undurable(); }

  // Takes note that the state as it is now is in a checkpoint.
  void make_durable() { sources_.make_durable(); }

  // Where a source goes on behind the last message of a session: what it has said with that message.
  std::string_view mark(std::string_view producer, std::uint64_t session) const { return sources_.mark(producer, session); }
  void set_mark(std::string_view producer, std::string_view mark) { sources_.set_mark(producer, mark); }

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
  const StreamOptions& options() const { return plan_->options(); }  // that it was made with
  double model_interval_seconds() const { return policy_.model_interval_seconds; }  // as it is now
  std::uint64_t components_starved() const;

  wire::ModelMessage model() const;  // requires a model
  wire::StreamStatus status() const;
  std::string digest() const;        // of the model and its statistics
  std::string state_digest() const;  // of all that messages have had an effect on
  wire::StreamState state() const;

 private:
  // What a reload can change.
  struct Policy {
    explicit Policy(const StreamOptions& options);

    MissingPolicy missing;
    bool publish_responsibilities;
    double model_interval_seconds;
  };

  Stream(std::string name, Plan plan);

  Result<void> start_learner(Index dimension);
  std::optional<Outcome> take_turn(const wire::MessageIdentity& message, std::uint64_t credit, StreamOutput& output);
  Outcome apply(const wire::PointsMessageView& message, StreamOutput& output);
  std::optional<std::string> why_not(const wire::PointsMessageView& message, std::string& reason);
  Outcome refuse(const wire::PointsMessageView& message, const std::string& reason, const std::string& problem, StreamOutput& output);
  void report_arrival(const wire::PointsMessageView& message, const Arrival& arrival, StreamOutput& output);
  void report_rows(const wire::PointsMessageView& message, const RefusedRows& refused, StreamOutput& output);
  void learn(const wire::PointsMessageView& message, const RefusedRows& refused, StreamOutput& output);
  void report_learned(StreamOutput& output);
  void report_precision(StreamOutput& output);
  void answer_waiting(StreamOutput& output);
  NewLabels new_labels(const Labels& labels) const;
  wire::EventMessage event(wire::EventKind kind, std::string text) const;

  std::string name_;
  Plan plan_;
  Policy policy_;
  std::optional<Learner> learner_;  // once the dimension is known
  SourceTracker sources_;
  LabelQueue queue_;
  Refusals refusals_;
  std::uint64_t points_accepted_ = 0;
  std::uint64_t points_labelled_ = 0;
  std::uint64_t points_paused_ = 0;
  bool paused_ = false;
  std::uint64_t next_component_id_ = 1;  // for the next learner
  std::vector<Index> imprecise_;         // coordinates that have been warned of
};

}  // namespace emulsion::service
