#include "emulsion/wire/state.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "emulsion/families.h"
#include "emulsion/support.h"
#include "emulsion/v1/state.pb.h"
#include "emulsion/wire/checksum.h"
#include "emulsion/wire/state_sections.h"
#include "emulsion/wire/topic.h"

namespace emulsion::wire {
namespace {

using Numbers = google::protobuf::RepeatedField<double>;

template <typename Matrix>
void put(const Matrix& matrix, Numbers* numbers) {
  numbers->Reserve(numbers->size() + static_cast<int>(matrix.size()));
  for (Index j = 0; j < matrix.cols(); ++j)
    for (Index i = 0; i < matrix.rows(); ++i) numbers->AddAlreadyReserved(matrix(i, j));
}

Eigen::VectorXd vector_of(const Numbers& numbers) { return Eigen::Map<const Eigen::VectorXd>(numbers.data(), numbers.size()); }

// Errors name the field; the numbers must fill whole columns.
Result<Eigen::MatrixXd> matrix_of(const Numbers& numbers, Index columns, const char* field) {
  if (columns < 1 || numbers.size() % columns != 0)
    return fail(std::string(field) + ": " + std::to_string(numbers.size()) + " numbers do not fill " + std::to_string(columns) + " columns");
  return Eigen::MatrixXd(Eigen::Map<const Eigen::MatrixXd>(numbers.data(), numbers.size() / columns, columns));
}

void put(const PointBatch& points, const std::vector<double>& retentions, v1::WaitingPoints* out) {
  put(points.points, out->mutable_values());
  put(points.weights, out->mutable_weights());
  for (const std::int64_t time : points.unix_nanoseconds) out->add_unix_nanoseconds(time);
  for (const double retention : retentions) out->add_retentions(retention);
}

// What may be left of statistics.
bool is_share_left(double share) { return share >= 0 && share <= 1; }
constexpr const char* kShareLeft = ", expected a number from 0 to 1";

Result<PointBatch> points_of(const v1::WaitingPoints& from, Index dimension, const char* field) {
  PointBatch batch;
  const Index n = from.weights_size();
  if (from.values_size() != n * dimension)
    return fail(std::string(field) + ": " + std::to_string(from.values_size()) + " values, expected " + std::to_string(n * dimension));
  if (from.unix_nanoseconds_size() != 0 && from.unix_nanoseconds_size() != n)
    return fail(std::string(field) + ": " + std::to_string(from.unix_nanoseconds_size()) + " times, expected " + std::to_string(n));
  batch.points = Eigen::Map<const Eigen::MatrixXd>(from.values().data(), dimension, n);
  batch.weights = vector_of(from.weights());
  for (const double weight : batch.weights)
    if (!is_weight(weight)) return fail(std::string(field) + ": weight " + emulsion::text_of(weight) + ", expected a number from 1e-30 to 1e30");
  batch.unix_nanoseconds.assign(from.unix_nanoseconds().begin(), from.unix_nanoseconds().end());
  return batch;
}

void put(const Statistics& statistics, v1::StatisticsState* out) {
  for (const BankStatistics& bank : statistics.banks) {
    auto* to = out->add_banks();
    to->set_family(bank.family->name());
    put(bank.weight, to->mutable_weights());
    put(bank.moments, to->mutable_moments());
    to->set_failure(bank.failure);
  }
  put(statistics.coordinates.weight, out->mutable_coordinate_weights());
  put(statistics.coordinates.mean, out->mutable_coordinate_means());
  put(statistics.coordinates.squares, out->mutable_coordinate_squares());
  put(statistics.coordinates.lowest, out->mutable_coordinate_lowest());
  put(statistics.coordinates.highest, out->mutable_coordinate_highest());
  out->set_weight(statistics.weight);
  out->set_log_likelihood(statistics.log_likelihood);
}

// The statistics must have the shape of those of `mixture`.
Result<Statistics> statistics_of(const v1::StatisticsState& from, const Mixture& mixture, const char* field) {
  const std::string place(field);
  Statistics statistics = mixture.empty_statistics();
  if (static_cast<std::size_t>(from.banks_size()) != statistics.banks.size())
    return fail(place + ": " + std::to_string(from.banks_size()) + " banks, expected " + std::to_string(statistics.banks.size()));
  for (std::size_t b = 0; b < statistics.banks.size(); ++b) {
    BankStatistics& bank = statistics.banks[b];
    const v1::BankState& saved = from.banks(static_cast<int>(b));
    if (saved.family() != bank.family->name() || saved.weights_size() != bank.weight.size() || saved.moments_size() != bank.moments.size())
      return fail(place + ": bank " + std::to_string(b + 1) + " does not fit its mixture");
    bank.weight = vector_of(saved.weights());
    if (!(bank.weight.array() >= 0).all()) return fail(place + ": bank " + std::to_string(b + 1) + ": weights, expected numbers >= 0");
    bank.moments = Eigen::Map<const Eigen::MatrixXd>(saved.moments().data(), bank.moments.rows(), bank.moments.cols());
    bank.failure = saved.failure();
  }
  const int d = static_cast<int>(mixture.dimension());
  if (from.coordinate_weights_size() != d || from.coordinate_means_size() != d || from.coordinate_squares_size() != d ||
      from.coordinate_lowest_size() != d || from.coordinate_highest_size() != d)
    return fail(place + ": coordinate moments, expected " + std::to_string(d) + " of each");
  statistics.coordinates = {vector_of(from.coordinate_weights()), vector_of(from.coordinate_means()), vector_of(from.coordinate_squares()),
                            vector_of(from.coordinate_lowest()), vector_of(from.coordinate_highest())};
  // Squares may have overflowed; then nothing is learned from them.
  if (!(statistics.coordinates.weight.array() >= 0).all() || (statistics.coordinates.squares.array() < 0).any())
    return fail(place + ": coordinate moments: weights and squares, expected numbers >= 0");
  if (!(from.weight() >= 0)) return fail(place + ": weight " + emulsion::text_of(from.weight()) + ", expected a number >= 0");
  statistics.weight = from.weight();
  statistics.log_likelihood = from.log_likelihood();
  return statistics;
}

void put(const Mixture& mixture, v1::MixtureState* out) {
  for (const auto& bank : mixture.banks()) {
    auto* to = out->add_banks();
    to->set_family(bank->family().name());
    to->set_components(static_cast<std::uint32_t>(bank->size()));
    put(bank->pack(), to->mutable_parameters());
  }
  put(mixture.weights(), out->mutable_weights());
}

Result<std::shared_ptr<const Mixture>> mixture_of(const v1::MixtureState& from, Index dimension) {
  std::vector<std::shared_ptr<const Bank>> banks;
  Index components = 0;
  for (const v1::BankParameters& bank : from.banks()) {
    const auto family = find_family(bank.family());
    if (!family) return fail("mixture: " + printable(family.error().message));
    const auto parameters = matrix_of(bank.parameters(), bank.components(), "mixture.parameters");
    if (!parameters) return fail(parameters.error().message);
    const auto unpacked = (*family)->unpack(*parameters, dimension);
    if (!unpacked) return fail("mixture: " + unpacked.error().message);
    banks.push_back(*unpacked);
    components += bank.components();
  }
  if (banks.empty() || from.weights_size() != components)
    return fail("mixture: " + std::to_string(from.weights_size()) + " weights for " + std::to_string(components) + " components");
  // They are used to the last bit, so their sum must be as good as ours: half of the 1e-12 that are promised, since a sum depends on
  // the order in which it is made.
  constexpr double kMostOff = 5e-13;
  const Eigen::VectorXd weights = vector_of(from.weights());
  if (!(weights.array() >= 0).all() || !(std::abs(weights.sum() - 1) < kMostOff))
    return fail("mixture: weights, expected numbers >= 0 whose sum is 1");
  return std::make_shared<const Mixture>(std::move(banks), weights);
}

void put(const StepwiseState& state, v1::StepwiseState* out) {
  put(*state.mixture, out->mutable_mixture());
  put(state.statistics, out->mutable_statistics());
  if (state.published != state.mixture) put(*state.published, out->mutable_published());
  if (state.average) put(*state.average, out->mutable_average());
  for (const bool starved : state.starved) out->add_starved(starved);
  out->set_version(state.version);
  out->set_learned(state.learned);
  out->set_seed_weight(state.seed_weight);
  out->set_weight_since_seed(state.weight_since_seed);
  out->set_latest_time(state.latest_time);
  out->set_batches(state.batches);
  out->set_updates_failed(state.updates_failed);
  out->set_repairs(state.repairs);
  out->set_batch_points(static_cast<std::uint64_t>(state.batch_points));
  out->set_batch_start(state.batch_start);
  out->set_batch_decay(state.batch_decay);
  put(state.batch, out->mutable_batch());
  if (state.group.tiles > 0) {
    put(state.group.statistics, out->mutable_group()->mutable_statistics());
    out->mutable_group()->set_decay(state.group.decay);
    out->mutable_group()->set_tiles(static_cast<std::uint32_t>(state.group.tiles));
  }
  put(state.pending, state.pending_retentions, out->mutable_pending());
}

Result<StepwiseState> stepwise_of(const v1::StepwiseState& from, Index dimension) {
  StepwiseState state;
  const auto mixture = mixture_of(from.mixture(), dimension);
  if (!mixture) return fail(mixture.error().message);
  state.mixture = *mixture;
  state.published = *mixture;
  if (from.has_published()) {
    const auto published = mixture_of(from.published(), dimension);
    if (!published) return fail("published " + published.error().message);
    if ((*published)->size() != state.mixture->size())
      return fail("published mixture: " + std::to_string((*published)->size()) + " components, expected " +
                  std::to_string(state.mixture->size()));
    state.published = *published;
  }
  auto statistics = statistics_of(from.statistics(), *state.mixture, "statistics");
  if (!statistics) return fail(statistics.error().message);
  auto batch = statistics_of(from.batch(), *state.mixture, "batch");
  if (!batch) return fail(batch.error().message);
  state.statistics = std::move(*statistics);
  state.batch = std::move(*batch);
  if (from.has_group()) {
    auto group = statistics_of(from.group().statistics(), *state.mixture, "group");
    if (!group) return fail(group.error().message);
    if (from.group().tiles() == 0) return fail("group: 0 tiles, expected at least 1");
    if (!is_share_left(from.group().decay())) return fail("group: decay " + emulsion::text_of(from.group().decay()) + kShareLeft);
    state.group = {std::move(*group), from.group().decay(), static_cast<Index>(from.group().tiles())};
  }
  if (from.has_average()) {
    auto average = statistics_of(from.average(), *state.mixture, "average");
    if (!average) return fail(average.error().message);
    state.average = std::move(*average);
  }
  auto pending = points_of(from.pending(), dimension, "pending");
  if (!pending) return fail(pending.error().message);
  if (pending->size() > kTilePoints || from.pending().retentions_size() != pending->size())
    return fail("pending: " + std::to_string(pending->size()) + " points with " + std::to_string(from.pending().retentions_size()) +
                " retentions");
  state.pending = std::move(*pending);
  for (const double retention : from.pending().retentions())
    if (!is_share_left(retention)) return fail("pending: retention " + emulsion::text_of(retention) + kShareLeft);
  state.pending_retentions.assign(from.pending().retentions().begin(), from.pending().retentions().end());
  if (from.starved_size() != state.mixture->size())
    return fail("starved: " + std::to_string(from.starved_size()) + " flags, expected " + std::to_string(state.mixture->size()));
  state.starved.assign(from.starved().begin(), from.starved().end());
  state.version = from.version();
  state.learned = from.learned();
  state.seed_weight = from.seed_weight();
  state.weight_since_seed = from.weight_since_seed();
  state.latest_time = from.latest_time();
  state.batches = from.batches();
  state.updates_failed = from.updates_failed();
  state.repairs = from.repairs();
  constexpr std::uint64_t kMostBatchPoints = 1 << 30;
  const auto known = static_cast<std::uint64_t>(state.pending.size() + kTilePoints * state.group.tiles);
  if (from.batch_points() > kMostBatchPoints || from.batch_points() < known)
    return fail("batch_points: " + std::to_string(from.batch_points()) + ", expected " + std::to_string(known) + " to " +
                std::to_string(kMostBatchPoints));
  // The others are in complete groups, and only these are in the statistics of the mini-batch.
  if ((state.batch.weight > 0) != (from.batch_points() > known))
    return fail("batch: weight " + std::to_string(state.batch.weight) + " of " + std::to_string(from.batch_points() - known) + " points");
  state.batch_points = static_cast<Index>(from.batch_points());
  state.batch_start = from.batch_start();
  if (!is_share_left(from.batch_decay())) return fail("batch_decay: " + emulsion::text_of(from.batch_decay()) + kShareLeft);
  state.batch_decay = from.batch_decay();
  return state;
}

void put(const LearnerState& state, v1::LearnerState* out) {
  out->set_dimension(static_cast<std::uint32_t>(state.dimension));
  put(state.buffer, {}, out->mutable_buffer());
  out->set_next_id(state.next_id);
  for (const std::uint64_t id : state.ids) out->add_ids(id);
  if (state.stepwise) put(*state.stepwise, out->mutable_stepwise());
}

Result<LearnerState> learner_of(const v1::LearnerState& from) {
  LearnerState state;
  state.dimension = from.dimension();
  auto buffer = points_of(from.buffer(), state.dimension, "buffer");
  if (!buffer) return fail(buffer.error().message);
  state.buffer = std::move(*buffer);
  if (from.next_id() == kNoComponent) return fail("next_id: 0, expected at least 1");
  state.next_id = from.next_id();
  state.ids.assign(from.ids().begin(), from.ids().end());
  if (!from.has_stepwise()) return state;
  auto stepwise = stepwise_of(from.stepwise(), state.dimension);
  if (!stepwise) return fail(stepwise.error().message);
  if (static_cast<Index>(state.ids.size()) != stepwise->mixture->size())
    return fail("ids: " + std::to_string(state.ids.size()) + ", expected " + std::to_string(stepwise->mixture->size()));
  state.stepwise = std::move(*stepwise);
  return state;
}

void put(const ProducerState& producer, v1::ProducerState* out) {
  out->set_producer(producer.producer);
  for (const SessionState& session : producer.sessions) {
    auto* to = out->add_sessions();
    to->set_session(session.session);
    to->set_last_sequence(session.last_sequence);
    for (const auto& [first, last] : session.missing) {
      auto* range = to->add_missing();
      range->set_first(first);
      range->set_last(last);
    }
    to->set_acknowledged(session.acknowledged);
    to->set_mark(session.mark);
  }
  out->set_messages(producer.messages);
  out->set_rows_accepted(producer.rows_accepted);
  out->set_rows_refused(producer.rows_refused);
  out->set_messages_lost(producer.messages_lost);
  out->set_messages_duplicate(producer.messages_duplicate);
  out->set_messages_reordered(producer.messages_reordered);
  out->set_restarts(producer.restarts);
}

ProducerState producer_of(const v1::ProducerState& from) {
  ProducerState producer;
  producer.producer = from.producer();
  for (const v1::SessionState& saved : from.sessions()) {
    SessionState session{saved.session(), saved.last_sequence(), {}, saved.acknowledged(), saved.mark()};
    for (const v1::SequenceRange& range : saved.missing()) session.missing.emplace_back(range.first(), range.last());
    producer.sessions.push_back(std::move(session));
  }
  producer.messages = from.messages();
  producer.rows_accepted = from.rows_accepted();
  producer.rows_refused = from.rows_refused();
  producer.messages_lost = from.messages_lost();
  producer.messages_duplicate = from.messages_duplicate();
  producer.messages_reordered = from.messages_reordered();
  producer.restarts = from.restarts();
  return producer;
}

v1::StreamState message_of(const StreamState& state) {
  v1::StreamState out;
  out.set_stream(state.stream);
  if (state.learner) put(*state.learner, out.mutable_learner());
  for (const ProducerState& producer : state.producers) put(producer, out.add_producers());
  for (const WaitingMessage& waiting : state.waiting) {
    auto* to = out.add_waiting();
    to->set_producer(waiting.producer);
    to->set_session(waiting.session);
    to->set_sequence(waiting.sequence);
    to->set_rows(waiting.rows);
    for (const std::uint32_t row : waiting.refused_rows) to->add_refused_rows(row);
  }
  for (const RefusalCount& refusal : state.refusals) {
    auto* to = out.add_refusals();
    to->set_stage(refusal.stage);
    to->set_reason(refusal.reason);
    to->set_count(refusal.count);
  }
  out.set_points_accepted(state.points_accepted);
  out.set_points_labelled(state.points_labelled);
  out.set_points_paused(state.points_paused);
  out.set_paused(state.paused);
  out.set_next_component_id(state.next_component_id);
  out.set_labels_published(state.labels_published);
  out.set_events_published(state.events_published);
  out.set_models_published(state.models_published);
  out.set_configuration(state.configuration);
  return out;
}

}  // namespace

std::string encode_state(const StreamState& state) { return checkpoint_of(message_of(state)); }

Result<StreamState> decode_state(std::string_view bytes) {
  const auto message = message_of_checkpoint(bytes);
  if (!message) return fail("state: " + message.error().message);
  const v1::StreamState& from = *message;
  StreamState state;
  state.stream = from.stream();
  if (from.has_learner()) {
    auto learner = learner_of(from.learner());
    if (!learner) return fail("state: learner: " + learner.error().message);
    state.learner = std::move(*learner);
  }
  for (const v1::ProducerState& producer : from.producers()) state.producers.push_back(producer_of(producer));
  for (const v1::WaitingMessage& waiting : from.waiting())
    state.waiting.push_back({waiting.producer(), waiting.session(), waiting.sequence(), waiting.rows(),
                             {waiting.refused_rows().begin(), waiting.refused_rows().end()}});
  for (const v1::RefusalState& refusal : from.refusals()) state.refusals.push_back({refusal.stage(), refusal.reason(), refusal.count()});
  state.points_accepted = from.points_accepted();
  state.points_labelled = from.points_labelled();
  state.points_paused = from.points_paused();
  state.paused = from.paused();
  if (from.next_component_id() == kNoComponent) return fail("state: next_component_id: 0, expected at least 1");
  state.next_component_id = from.next_component_id();
  state.configuration = from.configuration();
  state.labels_published = from.labels_published();
  state.events_published = from.events_published();
  state.models_published = from.models_published();
  return state;
}

namespace {

std::string digest_of(std::string_view bytes) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(checksum_64(bytes)));
  return text;
}

}  // namespace

std::string digest(const LearnerState& state) {
  v1::LearnerState out;
  put(state, &out);
  return digest_of(out.SerializeAsString());
}

std::string effect_digest(StreamState state) {
  for (ProducerState& producer : state.producers) {
    producer.messages = producer.messages_duplicate = producer.messages_reordered = 0;
    std::sort(producer.sessions.begin(), producer.sessions.end(),
              [](const SessionState& a, const SessionState& b) { return a.session < b.session; });
  }
  std::erase_if(state.refusals, [](const RefusalCount& refusal) { return refusal.reason == kOutOfOrder; });
  state.labels_published = state.events_published = state.models_published = 0;
  return digest_of(message_of(state).SerializeAsString());
}

}  // namespace emulsion::wire
