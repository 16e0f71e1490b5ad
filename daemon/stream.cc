#include "daemon/stream.h"

#include <algorithm>
#include <cassert>

#include "emulsion/families.h"

namespace emulsion::service {
namespace {

std::vector<std::uint64_t> ids_of(const std::vector<Index>& components, const std::vector<std::uint64_t>& ids) {
  std::vector<std::uint64_t> result;
  for (const Index k : components) result.push_back(ids[static_cast<std::size_t>(k)]);
  return result;
}

// The least number of coordinates that every family of the mixture has; 1 if there is none, which is then told as a fault.
Index suitable_dimension(const LearnerOptions& options) {
  constexpr Index kMost = 1024;
  const auto formula = formula_of(options);
  if (!formula) return 1;
  for (Index dimension = 1; dimension <= kMost; ++dimension)
    if (std::all_of(formula->terms.begin(), formula->terms.end(),
                    [&](const MixtureTerm& term) { return (*find_family(term.family))->check_dimension(dimension).has_value(); }))
      return dimension;
  return 1;
}

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

Stream::Stream(std::string name, const StreamOptions& options, std::optional<Snapshot> initial_model)
    : name_(std::move(name)),
      options_(options),
      initial_model_(std::move(initial_model)),
      sources_(static_cast<std::size_t>(options.max_producers)) {
  if (initial_model_) options_.learner.mixture = formula_of(*initial_model_).text();
  if (options_.dimension == 0) options_.dimension = static_cast<Index>(options_.columns.size());
}

Result<Stream> Stream::make(std::string name, const StreamOptions& options, const std::optional<Snapshot>& initial_model) {
  Stream stream(std::move(name), options, initial_model);
  const Index configured = stream.options_.dimension;
  const Index dimension = initial_model ? initial_model->dimension : configured;
  if (configured > 0 && dimension != configured)
    return fail("stream \"" + stream.name_ + "\": the initial model has dimension " + std::to_string(dimension) +
                ", the configuration says " + std::to_string(configured));
  // Where the dimension is still open, one that suits stands in, so that bad options are found now and not with the first
  // message.
  const auto checked = Learner::make(stream.options_.learner, dimension > 0 ? dimension : suitable_dimension(stream.options_.learner));
  if (!checked) return fail("stream \"" + stream.name_ + "\": " + checked.error().message);
  if (dimension > 0) {
    if (const auto started = stream.start_learner(dimension); !started) return fail(started.error().message);
  }
  return stream;
}

Result<Stream> Stream::restore(std::string name, const StreamOptions& options, const std::optional<Snapshot>& initial_model,
                               wire::StreamState state) {
  auto made = make(std::move(name), options, initial_model);
  if (!made) return made;
  Stream& stream = *made;
  const std::string place = "stream \"" + stream.name_ + "\": ";
  if (state.stream != stream.name_) return fail(place + "the state is that of another stream");
  if (state.learner) {
    const Index configured = stream.options_.dimension;
    if (configured > 0 && state.learner->dimension != configured)
      return fail(place + "the saved model has dimension " + std::to_string(state.learner->dimension) +
                  ", the configuration says " + std::to_string(configured));
    auto learner = Learner::restore(stream.options_.learner, std::move(*state.learner));
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
  return made;
}

Outcome Stream::take(wire::PointsMessage message, StreamOutput& output) {
  const auto rows = static_cast<std::uint64_t>(message.batch.size());
  const auto arrival = sources_.arrive(message.producer, message.session, message.sequence);
  if (!arrival) {
    refuse("too_many_producers", arrival.error().message, output);
    return Outcome::refused;
  }
  report_arrival(message, *arrival, output);
  if (arrival->duplicate) return Outcome::duplicate;

  std::string reason;
  if (const auto problem = why_not(message, reason)) {
    sources_.count_rows(message.producer, 0, rows);
    refuse(reason,
           "points: " + *problem + " (producer \"" + message.producer + "\", sequence " + std::to_string(message.sequence) + ")",
           output);
    output.events.back().producer = message.producer;
    return Outcome::refused;
  }

  Refusal refusal;
  if (learner_ && learner_->refuses_points()) refusal = [this](std::span<const double> point) { return learner_->refusal(point); };
  CheckedRows checked = check_rows(std::move(message.batch), options_.missing, refusal);
  const auto accepted = static_cast<std::uint64_t>(checked.accepted.size());
  sources_.count_rows(message.producer, accepted, checked.refused.size());
  points_accepted_ += accepted;
  if (!checked.refused.empty()) report_rows(message, checked, output);
  if (rows > 0) {
    queue_.push({message.producer, message.session, message.sequence, static_cast<std::uint32_t>(rows), std::move(checked.refused)});
    if (paused_) {
      points_paused_ += accepted;
      emit_labels(learner_->label(checked.accepted, options_.publish_responsibilities), output);
    } else {
      emit(learner_->learn(checked.accepted, options_.publish_responsibilities), output);
    }
  }
  if (message.end_of_stream && learner_ && !learner_->has_model()) emit(learner_->flush(options_.publish_responsibilities), output);
  return Outcome::applied;
}

// The problem of a whole message, or nothing. Starts the learner with the first message that has points.
std::optional<std::string> Stream::why_not(const wire::PointsMessage& message, std::string& reason) {
  const PointBatch& batch = message.batch;
  if (batch.size() == 0) return std::nullopt;
  if (!learner_) {
    if (const auto started = start_learner(batch.dimension()); !started) {
      reason = "bad_dimension";
      return started.error().message;
    }
  }
  if (batch.dimension() != learner_->dimension()) {
    reason = "bad_dimension";
    return "dimension " + std::to_string(batch.dimension()) + ", the stream has " + std::to_string(learner_->dimension());
  }
  if (learner_->needs_times() && !batch.has_times()) {
    reason = "no_timestamps";
    return "no unix_nanoseconds, but the stream forgets by seconds of event time (half_life_seconds)";
  }
  return std::nullopt;
}

Result<void> Stream::start_learner(Index dimension) {
  auto learner = initial_model_ ? Learner::start_from(options_.learner, *initial_model_, next_component_id_)
                                : Learner::make(options_.learner, dimension, next_component_id_);
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

void Stream::report_arrival(const wire::PointsMessage& message, const Arrival& arrival, StreamOutput& output) {
  const auto report = [&](wire::EventKind kind, std::uint64_t count, const std::string& text) {
    wire::EventMessage happened = event(kind, "producer \"" + message.producer + "\": " + text);
    happened.producer = message.producer;
    happened.count = count;
    output.events.push_back(std::move(happened));
  };
  const std::string number = std::to_string(message.sequence);
  if (arrival.restarted) report(wire::EventKind::restarted, 1, "a new session begins with message " + number);
  if (arrival.skipped > 0) report(wire::EventKind::gap, arrival.skipped, plural(arrival.skipped, "message") + " missing before " + number);
  if (arrival.reordered) report(wire::EventKind::reordered, 1, "message " + number + " came late");
  if (arrival.duplicate) report(wire::EventKind::duplicate, 1, "message " + number + " came twice and was dropped");
}

void Stream::report_rows(const wire::PointsMessage& message, const CheckedRows& rows, StreamOutput& output) {
  for (const auto& [reason, count] : rows.reasons) refusals_.count("row", reason, count);
  wire::EventMessage rejected =
      event(wire::EventKind::rejected, plural(rows.refused.size(), "row") + " refused of message " + std::to_string(message.sequence) +
                                           " of producer \"" + message.producer + "\"; the first: " + rows.first_problem);
  rejected.producer = message.producer;
  rejected.count = rows.refused.size();
  output.events.push_back(std::move(rejected));
}

void Stream::emit(Learned learned, StreamOutput& output) {
  if (learned.seeded) {
    // The model that labelled the buffer; later updates of the same call have events of their own.
    wire::EventMessage seeded = event(wire::EventKind::seeded, "the stream has its first model");
    seeded.model_version = 1;
    seeded.component_ids = learner_->ids();
    output.events.push_back(std::move(seeded));
  }
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
  emit_labels(learned.labels, output);
}

void Stream::emit_labels(const Labels& labels, StreamOutput& output) {
  points_labelled_ += labels.components.size();
  const std::uint64_t version = has_model() ? learner_->progress().version : 0;
  const auto responsibilities = options_.publish_responsibilities ? static_cast<std::size_t>(learner_->components()) : 0;
  for (wire::LabelsMessage& message : queue_.fill(labels, learner_->ids(), version, responsibilities)) {
    message.stream = name_;
    output.labels.push_back(std::move(message));
  }
}

std::uint64_t Stream::flush(StreamOutput& output) {
  if (!learner_ || paused_) return 0;
  const auto waiting = static_cast<std::uint64_t>(learner_->points_waiting());
  emit(learner_->flush(options_.publish_responsibilities), output);
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
  sources_.reset_counts();
  points_accepted_ = points_labelled_ = points_paused_ = 0;
  paused_ = false;
  const Index dimension = initial_model_ ? initial_model_->dimension : options_.dimension;
  if (dimension > 0) {
    [[maybe_unused]] const auto started = start_learner(dimension);
    assert(started);  // as it could be when the stream was made
  }
  output.events.push_back(event(wire::EventKind::reset, "the stream has forgotten everything"));
}

void Stream::reconfigure(const StreamOptions& options) {
  options_.missing = options.missing;
  options_.publish_responsibilities = options.publish_responsibilities;
  options_.model_interval_seconds = options.model_interval_seconds;
  options_.max_producers = options.max_producers;
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
