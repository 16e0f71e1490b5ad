#include "daemon/stream.h"

#include <algorithm>
#include <cassert>

#include "emulsion/family.h"
#include "emulsion/precision.h"

namespace emulsion::service {
namespace {

std::vector<std::uint64_t> ids_of(const std::vector<Index>& components, const std::vector<std::uint64_t>& ids) {
  std::vector<std::uint64_t> result;
  for (const Index k : components) result.push_back(ids[static_cast<std::size_t>(k)]);
  return result;
}

// Messages that may wait for the first model although none of their rows helps to make it.
constexpr std::size_t kMostWaiting = 4096;

std::string plural(std::uint64_t count, const char* noun) { return std::to_string(count) + " " + noun + (count == 1 ? "" : "s"); }

}  // namespace

std::vector<wire::RefusalCount> Refusals::list() const {
  std::vector<wire::RefusalCount> list;
  for (const auto& [key, count] : counts_) list.push_back({key.first, key.second, count});
  return list;
}

void Refusals::restore(const std::vector<wire::RefusalCount>& counts) {
  counts_.clear();
  for (const wire::RefusalCount& entry : counts) counts_[{entry.stage, entry.reason}] = entry.count;
}

void StreamOutput::clear() {
  labels.clear();
  events.clear();
  model_changed = seeded = false;
  batches = 0;
}

Stream::Policy::Policy(const StreamOptions& options)
    : missing(options.missing),
      publish_responsibilities(options.publish_responsibilities),
      model_interval_seconds(options.model_interval_seconds) {}

Stream::Stream(std::string name, Plan plan)
    : name_(std::move(name)),
      plan_(std::move(plan)),
      policy_(plan_->options()),
      sources_(static_cast<std::size_t>(plan_->options().max_producers)) {}

Stream Stream::make(std::string name, Plan plan) {
  Stream stream(std::move(name), std::move(plan));
  if (const Index dimension = stream.plan_->dimension(); dimension > 0) {
    [[maybe_unused]] const auto started = stream.start_learner(dimension);
    assert(started);  // as it could be when the plan was made
  }
  return stream;
}

Result<Stream> Stream::make(std::string name, const StreamOptions& options, const std::optional<Snapshot>& initial_model) {
  auto plan = StreamPlan::make(options, initial_model);
  if (!plan) return fail("stream \"" + name + "\": " + plan.error().message);
  return make(std::move(name), *std::move(plan));
}

Result<Stream> Stream::restore(std::string name, const StreamOptions& options, const std::optional<Snapshot>& initial_model,
                               wire::StreamState state) {
  auto plan = StreamPlan::make(options, initial_model);
  if (!plan) return fail("stream \"" + name + "\": " + plan.error().message);
  return restore(std::move(name), *std::move(plan), std::move(state));
}

Result<Stream> Stream::restore(std::string name, Plan plan, wire::StreamState state) {
  Stream stream = make(std::move(name), std::move(plan));
  const std::string place = "stream \"" + stream.name_ + "\": ";
  if (state.stream != stream.name_) return fail(place + "the state is that of another stream");
  if (state.learner) {
    const Index configured = stream.plan_->options().dimension;
    if (configured > 0 && state.learner->dimension != configured)
      return fail(place + "the saved model has dimension " + std::to_string(state.learner->dimension) +
                  ", the configuration says " + std::to_string(configured));
    auto learner = Learner::restore(stream.plan_->learner(), std::move(*state.learner));
    if (!learner) return fail(place + learner.error().message);
    stream.learner_ = std::move(*learner);
  }
  stream.sources_.restore(state.producers);
  for (wire::WaitingMessage& message : state.waiting) stream.queue_.push(std::move(message));
  stream.refusals_.restore(state.refusals);
  stream.points_accepted_ = state.points_accepted;
  stream.points_labelled_ = state.points_labelled;
  stream.points_paused_ = state.points_paused;
  stream.paused_ = state.paused && stream.has_model();
  stream.next_component_id_ = state.next_component_id;
  return stream;
}

Outcome Stream::take(const wire::PointsMessageView& message, StreamOutput& output) {
  const auto arrival = sources_.arrive(message.producer, message.session, message.sequence);
  if (!arrival) {
    refuse("too_many_producers", arrival.error().message, output);
    return Outcome::refused;
  }
  report_arrival(message, *arrival, output);
  return arrival->duplicate ? Outcome::duplicate : apply(message, output);
}

Outcome Stream::take_in_order(const wire::PointsMessageView& message, std::uint64_t credit, StreamOutput& output) {
  const auto dropped = take_turn({message.producer, message.session, message.sequence}, credit, output);
  return dropped ? *dropped : apply(message, output);
}

// Takes note of a message whose turn it is; what becomes of it otherwise.
std::optional<Outcome> Stream::take_turn(const wire::MessageIdentity& message, std::uint64_t credit, StreamOutput& output) {
  const SourceTracker::Position position = sources_.position(message.producer, message.session);
  if (message.sequence > position.expected || (message.sequence == position.expected && message.sequence - position.durable >= credit)) {
    refusals_.count("message", wire::kOutOfOrder);
    return Outcome::ahead;
  }
  const auto arrival = sources_.arrive(message.producer, message.session, message.sequence);
  if (!arrival) {
    refuse("too_many_producers", arrival.error().message, output);
    return Outcome::refused;
  }
  sources_.acknowledge(message.producer);
  if (arrival->duplicate) return Outcome::duplicate;
  return std::nullopt;
}

Outcome Stream::refuse_in_order(const wire::MessageIdentity& message, std::uint64_t credit, const std::string& reason, const std::string& text,
                                StreamOutput& output) {
  const auto dropped = take_turn(message, credit, output);
  if (dropped) return *dropped;
  refuse(reason, text + " (producer \"" + std::string(message.producer) + "\", sequence " + std::to_string(message.sequence) + ")", output);
  return Outcome::refused;
}

// Learns and labels the good rows of a message that has arrived.
Outcome Stream::apply(const wire::PointsMessageView& message, StreamOutput& output) {
  std::string reason;
  if (const auto problem = why_not(message, reason)) return refuse(message, reason, *problem, output);

  Refusal refusal;
  if (learner_ && learner_->refuses_points()) refusal = [this](std::span<const double> point) { return learner_->refusal(point); };
  const RefusedRows refused = check_rows(message.points, policy_.missing, refusal);
  const auto rows = static_cast<std::uint64_t>(message.points.size());
  const std::uint64_t accepted = rows - refused.rows.size();
  if (rows > 0 && accepted == 0 && queue_.waiting().size() >= kMostWaiting)
    return refuse(message, "warming_up", "no good row, and " + std::to_string(queue_.waiting().size()) + " messages wait for the first model already",
                  output);
  sources_.count_rows(message.producer, accepted, refused.rows.size());
  points_accepted_ += accepted;
  if (!refused.rows.empty()) report_rows(message, refused, output);
  if (rows > 0) learn(message, refused, output);
  if (message.end_of_stream && learner_ && !learner_->has_model()) flush(output);
  return Outcome::applied;
}

// Learns the good rows of a message, or labels them alone.
void Stream::learn(const wire::PointsMessageView& message, const RefusedRows& refused, StreamOutput& output) {
  const auto rows = static_cast<std::uint32_t>(message.points.size());
  const bool waits = !has_model() || !queue_.empty();
  if (waits) queue_.push({std::string(message.producer), message.session, message.sequence, rows, refused.rows});

  PointBatch good_rows;
  PointView points = message.points;
  if (!refused.rows.empty()) points = good_rows = without_rows(message.points, refused.rows);
  output.learned.clear();
  if (paused_) {
    points_paused_ += static_cast<std::uint64_t>(points.size());
    learner_->label(points, policy_.publish_responsibilities, output.learned.labels);
  } else {
    learner_->learn(points, policy_.publish_responsibilities, output.learned);
  }
  report_learned(output);

  if (waits) return answer_waiting(output);
  wire::LabelsMessage& labels = output.labels.add();
  begin(labels, message.producer, message.session, message.sequence);
  labels.stream = name_;
  NewLabels given = new_labels(output.learned.labels);
  [[maybe_unused]] const bool complete = RowsToLabel{rows, refused.rows}.label(given, labels);
  assert(complete);
}

// The problem of a whole message, or nothing. Starts the learner with the first message that has points.
std::optional<std::string> Stream::why_not(const wire::PointsMessageView& message, std::string& reason) {
  const PointView& points = message.points;
  if (points.size() == 0) return std::nullopt;
  if (!learner_) {
    if (const auto started = start_learner(points.dimension()); !started) {
      reason = "bad_dimension";
      return started.error().message;
    }
  }
  if (points.dimension() != learner_->dimension()) {
    reason = "bad_dimension";
    return "dimension " + std::to_string(points.dimension()) + ", the stream has " + std::to_string(learner_->dimension());
  }
  if (learner_->needs_times() && !points.has_times()) {
    reason = "no_timestamps";
    return "no unix_nanoseconds, but the stream forgets by seconds of event time (half_life_seconds)";
  }
  return std::nullopt;
}

Result<void> Stream::start_learner(Index dimension) {
  auto learner = plan_->start_learner(dimension, next_component_id_);
  if (!learner) return fail("stream \"" + name_ + "\": " + learner.error().message);
  learner_ = std::move(*learner);
  return {};
}

void Stream::refuse(const std::string& reason, const std::string& text, StreamOutput& output) {
  refusals_.count("message", reason);
  wire::EventMessage rejected = event(wire::EventKind::rejected, text);
  rejected.count = 1;
  output.events.push_back(std::move(rejected));
}

// Refuses a whole message of a producer that is known.
Outcome Stream::refuse(const wire::PointsMessageView& message, const std::string& reason, const std::string& problem, StreamOutput& output) {
  const std::string producer(message.producer);
  sources_.count_rows(producer, 0, static_cast<std::uint64_t>(message.points.size()));
  refuse(reason, "points: " + problem + " (producer \"" + producer + "\", sequence " + std::to_string(message.sequence) + ")", output);
  output.events.back().producer = producer;
  return Outcome::refused;
}

void Stream::report_arrival(const wire::PointsMessageView& message, const Arrival& arrival, StreamOutput& output) {
  const auto report = [&](wire::EventKind kind, std::uint64_t count, const std::string& before, const std::string& after = {}) {
    const std::string producer(message.producer);
    wire::EventMessage happened = event(kind, "producer \"" + producer + "\": " + before + std::to_string(message.sequence) + after);
    happened.producer = producer;
    happened.count = count;
    output.events.push_back(std::move(happened));
  };
  if (arrival.restarted) report(wire::EventKind::restarted, 1, "a new session begins with message ");
  if (arrival.skipped > 0) report(wire::EventKind::gap, arrival.skipped, plural(arrival.skipped, "message") + " missing before ");
  if (arrival.reordered) report(wire::EventKind::reordered, 1, "message ", " came late");
  if (arrival.duplicate) report(wire::EventKind::duplicate, 1, "message ", " came twice and was dropped");
}

void Stream::report_rows(const wire::PointsMessageView& message, const RefusedRows& refused, StreamOutput& output) {
  for (const auto& [reason, count] : refused.reasons) refusals_.count("row", reason, count);
  const std::string producer(message.producer);
  wire::EventMessage rejected =
      event(wire::EventKind::rejected, plural(refused.rows.size(), "row") + " refused of message " + std::to_string(message.sequence) +
                                           " of producer \"" + producer + "\"; the first: " + refused.first_problem);
  rejected.producer = producer;
  rejected.count = refused.rows.size();
  output.events.push_back(std::move(rejected));
}

// Turns what the learner gave into events.
void Stream::report_learned(StreamOutput& output) {
  const Learned& learned = output.learned;
  if (learned.seeded) {
    // The model that labelled the buffer; later updates of the same call have events of their own.
    wire::EventMessage seeded = event(wire::EventKind::seeded, "the stream has its first model");
    seeded.model_version = 1;
    seeded.component_ids = learner_->ids();
    output.events.push_back(std::move(seeded));
  }
  if (learned.seeded || !learned.updates.empty()) report_precision(output);
  const auto report = [&](wire::EventKind kind, const Update& update, const std::vector<Index>& components, std::string text) {
    wire::EventMessage happened = event(kind, std::move(text));
    happened.model_version = update.version;
    happened.points_learned = update.learned;
    happened.component_ids = ids_of(components, learner_->ids());
    happened.count = components.size();
    output.events.push_back(std::move(happened));
  };
  for (const Update& update : learned.updates) {
    if (!update.failure.empty()) {
      report(wire::EventKind::update_failed, update, {}, update.failure);
      output.events.back().count = static_cast<std::uint64_t>(update.points);
    }
    if (!update.starved.empty()) report(wire::EventKind::starved, update, update.starved, "too few recent points; the parameters stay");
    if (!update.revived.empty()) report(wire::EventKind::revived, update, update.revived, "enough points again");
    if (!update.repaired.empty()) report(wire::EventKind::repaired, update, update.repaired, "the parameters had to be repaired");
  }
  output.seeded |= learned.seeded;
  output.batches += learned.updates.size();
  output.model_changed |= learned.seeded || !learned.updates.empty();
  points_labelled_ += learned.labels.components.size();
}

// Warns of coordinates that have lost digits before they came here, of each once.
void Stream::report_precision(StreamOutput& output) {
  for (const ImpreciseCoordinate& found : imprecise_coordinates(learner_->progress().statistics.coordinates)) {
    if (std::find(imprecise_.begin(), imprecise_.end(), found.coordinate) != imprecise_.end()) continue;
    imprecise_.push_back(found.coordinate);
    wire::EventMessage imprecise = event(wire::EventKind::imprecise, "coordinate " + std::to_string(found.coordinate) + ": " + found.text());
    imprecise.count = 1;
    output.events.push_back(std::move(imprecise));
  }
}

NewLabels Stream::new_labels(const Labels& labels) const {
  return {labels, learner_ ? std::span<const std::uint64_t>(learner_->ids()) : std::span<const std::uint64_t>(),
          has_model() ? learner_->progress().version : 0,
          policy_.publish_responsibilities && learner_ ? static_cast<std::size_t>(learner_->components()) : 0};
}

// Gives the labels that there are to the messages that wait for them.
void Stream::answer_waiting(StreamOutput& output) {
  const std::size_t before = output.labels.size();
  queue_.fill(new_labels(output.learned.labels), output.labels);
  for (std::size_t i = before; i < output.labels.size(); ++i) output.labels[i].stream = name_;
}

std::uint64_t Stream::flush(StreamOutput& output) {
  if (!learner_ || paused_) return 0;
  const auto waiting = static_cast<std::uint64_t>(learner_->points_waiting());
  output.learned.clear();
  learner_->flush(policy_.publish_responsibilities, output.learned);
  report_learned(output);
  answer_waiting(output);
  return waiting;
}

void Stream::pause(StreamOutput& output) {
  if (paused_) return;
  paused_ = true;
  output.events.push_back(event(wire::EventKind::paused, "learning is paused; points are still labelled"));
}

void Stream::resume(StreamOutput& output) {
  if (!paused_) return;
  paused_ = false;
  output.events.push_back(event(wire::EventKind::resumed, "learning goes on"));
}

void Stream::reset(StreamOutput& output) {
  if (learner_) next_component_id_ = learner_->next_id();
  learner_.reset();
  queue_.clear();
  refusals_ = {};
  imprecise_.clear();
  sources_.reset_counts();
  points_accepted_ = points_labelled_ = points_paused_ = 0;
  paused_ = false;
  if (const Index dimension = plan_->dimension(); dimension > 0) {
    [[maybe_unused]] const auto started = start_learner(dimension);
    assert(started);  // as it could be when the plan was made
  }
  output.model_changed = has_model();
  output.events.push_back(event(wire::EventKind::reset, "the stream has forgotten everything"));
}

void Stream::reconfigure(const StreamOptions& options) {
  policy_ = Policy(options);
  sources_.set_max_producers(static_cast<std::size_t>(options.max_producers));
}

std::uint64_t Stream::components_starved() const {
  if (!has_model()) return 0;
  const auto& starved = learner_->progress().starved;
  return static_cast<std::uint64_t>(std::count(starved.begin(), starved.end(), true));
}

wire::EventMessage Stream::event(wire::EventKind kind, std::string text) const {
  wire::EventMessage happened;
  happened.stream = name_;
  happened.kind = kind;
  happened.text = std::move(text);
  if (has_model()) {
    happened.model_version = learner_->progress().version;
    happened.points_learned = learner_->progress().learned;
  }
  return happened;
}

}  // namespace emulsion::service
