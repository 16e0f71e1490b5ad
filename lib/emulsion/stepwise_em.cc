#include "emulsion/stepwise_em.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "emulsion/tile.h"

namespace emulsion {
namespace {

void append(Labels& labels, const Expectation& expectation, Index begin, Index end, std::uint64_t version, bool with_responsibilities) {
  if (begin == end) return;
  for (Index row = begin; row < end; ++row) {
    labels.components.push_back(expectation.most_probable[static_cast<std::size_t>(row)]);
    labels.log_densities.push_back(expectation.log_density[row]);
    if (!with_responsibilities) continue;
    for (Index k = 0; k < expectation.responsibilities.cols(); ++k)
      labels.responsibilities.push_back(expectation.responsibilities(row, k));
  }
  if (labels.spans.empty() || labels.spans.back().version != version) labels.spans.push_back({version, 0});
  labels.spans.back().points += end - begin;
}

StepSize schedule_of(const StepOptions& options) {
  auto step = StepSize::make(options);
  assert(step);
  return *step;
}

}  // namespace

// A tile, what the model says of it, and what it adds.
struct StepwiseEm::Slot {
  Slot(Index dimension, Index components) : tile(dimension), expectation(components) {}

  Tile tile;
  Index labelled = 0;        // rows of the tile that have been labelled already
  Expectation expectation;   // under the mixture that learns
  std::optional<Expectation> published;  // under the one that is published, if it is another
  std::optional<Statistics> statistics;  // once the tile is complete
};

StepwiseEm::StepwiseEm(const LearnerOptions& options, StepwiseState state)
    : options_(options),
      step_(schedule_of(options.step).after_seed(state.seed_weight)),
      workers_(std::make_unique<Workers>(options.threads)),
      state_(std::move(state)) {
  const Mixture& mixture = *state_.mixture;
  const int slots = options.threads == 1 ? 1 : 2 * options.threads;
  for (int i = 0; i < slots; ++i) slots_.push_back(std::make_unique<Slot>(mixture.dimension(), mixture.size()));
  // A state may come from a run that was configured otherwise.
  if (!options.averaging) state_.average.reset();
  if (!state_.average || !state_.published) state_.published = state_.mixture;
  if (state_.batch.banks.empty()) state_.batch = mixture.empty_statistics();

  Slot& first = *slots_.front();
  for (Index i = 0; i < state_.pending.size(); ++i)
    first.tile.push(state_.pending.points.col(i).data(), state_.pending.weight(i), state_.pending_retentions[static_cast<std::size_t>(i)]);
  work(first, false);
  first.labelled = first.tile.size();
  state_.pending = {};
  state_.pending_retentions.clear();
}

StepwiseEm::~StepwiseEm() = default;
StepwiseEm::StepwiseEm(StepwiseEm&&) noexcept = default;
StepwiseEm& StepwiseEm::operator=(StepwiseEm&&) noexcept = default;

void StepwiseEm::learn(const PointView& batch, bool with_responsibilities, Labels& labels, std::vector<Update>& updates) {
  assert(batch.dimension() == state_.mixture->dimension());
  for (Index next = 0; next < batch.size();) {
    bool batch_ends = false;
    next = fill(batch, next, batch_ends);
    Index used = 0;
    while (used < static_cast<Index>(slots_.size()) && slots_[static_cast<std::size_t>(used)]->tile.size() > 0) ++used;
    workers_->for_each(used, [&](Index i) { work(*slots_[static_cast<std::size_t>(i)], batch_ends); });
    for (Index i = 0; i < used; ++i) {
      Slot& slot = *slots_[static_cast<std::size_t>(i)];
      append_labels(slot, with_responsibilities, labels);
      slot.labelled = slot.tile.size();
      if (slot.statistics) fold(slot);
    }
    // Only the last one used can hold an incomplete tile.
    if (used > 0) std::swap(slots_.front(), slots_[static_cast<std::size_t>(used - 1)]);
    if (batch_ends) close_batch(updates);
  }
}

void StepwiseEm::label(const PointView& batch, bool with_responsibilities, Labels& labels) const {
  Tile tile(batch.dimension());
  Expectation expectation(state_.published->size());
  for (Index next = 0; next < batch.size();) {
    tile.clear();
    while (next < batch.size() && !tile.full()) tile.push(batch, next++, 1, 1);
    state_.published->expect(tile, covering_lanes(0, tile.size()), expectation);
    append(labels, expectation, 0, tile.size(), state_.version, with_responsibilities);
  }
}

void StepwiseEm::flush(std::vector<Update>& updates) {
  if (state_.batch_points == 0) return;
  Slot& slot = *slots_.front();
  if (slot.tile.size() > 0) {
    work(slot, true);
    fold(slot);
  }
  close_batch(updates);
}

StepwiseState StepwiseEm::state() const {
  StepwiseState copy = state_;
  const Tile& tile = slots_.front()->tile;
  copy.pending.points.resize(tile.dimension(), tile.size());
  copy.pending.weights.resize(tile.size());
  for (Index row = 0; row < tile.size(); ++row) {
    for (Index j = 0; j < tile.dimension(); ++j)
      copy.pending.points(j, row) = tile.is_missing(row, j) ? std::nan("") : tile.points()(row, j);
    copy.pending.weights[row] = tile.weight(row);
    copy.pending_retentions.push_back(tile.retention(row));
  }
  return copy;
}

// Puts points into the tiles until these are full, the mini-batch ends, or there are no more. Returns the next point.
Index StepwiseEm::fill(const PointView& batch, Index next, bool& batch_ends) {
  for (const auto& slot : slots_) {
    while (!slot->tile.full()) {
      if (next == batch.size()) return next;
      batch_ends = batch_ends_before(batch, next);
      if (batch_ends) return next;
      advance(batch, next++, *slot);
      batch_ends = state_.batch_points >= options_.batch_points;  // more, if a restored one was made with larger ones
      if (batch_ends) return next;
    }
  }
  return next;
}

bool StepwiseEm::batch_ends_before(const PointView& batch, Index point) const {
  if (options_.batch_seconds <= 0 || state_.batch_points == 0 || !batch.has_times() || state_.batch_start == kNoTime) return false;
  return seconds_between(state_.batch_start, batch.unix_nanoseconds(point)) >= options_.batch_seconds;
}

void StepwiseEm::advance(const PointView& batch, Index point, Slot& slot) {
  double seconds = 0;
  if (batch.has_times()) {
    const std::int64_t time = batch.unix_nanoseconds(point);
    if (state_.latest_time != kNoTime) seconds = seconds_between(state_.latest_time, time);
    state_.latest_time = std::max(state_.latest_time, time);
    if (state_.batch_points == 0) state_.batch_start = time;
  }
  const double weight = batch.weight(point);
  slot.tile.push(batch, point, weight, step_.retention(state_.weight_since_seed, weight, seconds));
  state_.weight_since_seed += weight;
  ++state_.batch_points;
}

// The part that threads share: nothing here touches anything but the slot.
void StepwiseEm::work(Slot& slot, bool batch_ends) {
  const LaneRange lanes = covering_lanes(slot.labelled, slot.tile.size());
  state_.mixture->expect(slot.tile, lanes, slot.expectation);
  if (state_.published != state_.mixture) {
    if (!slot.published) slot.published.emplace(state_.published->size());
    state_.published->expect(slot.tile, lanes, *slot.published);
  }
  if (slot.tile.full() || batch_ends) slot.statistics = state_.mixture->accumulate(slot.tile, slot.expectation, options_.assignment);
}

void StepwiseEm::append_labels(const Slot& slot, bool with_responsibilities, Labels& labels) const {
  const Expectation& expectation = state_.published != state_.mixture ? *slot.published : slot.expectation;
  append(labels, expectation, slot.labelled, slot.tile.size(), state_.version, with_responsibilities);
}

void StepwiseEm::fold(Slot& slot) {
  const double decay = slot.tile.decay();
  scale(state_.batch, decay);
  merge(state_.batch, *slot.statistics);
  state_.batch_decay *= decay;
  slot.statistics.reset();
  slot.tile.clear();
  slot.labelled = 0;
}

void StepwiseEm::close_batch(std::vector<Update>& updates) {
  Statistics blended = state_.statistics;
  scale(blended, state_.batch_decay);
  merge(blended, state_.batch);
  auto maximised = maximise(blended, options_.prior, *state_.mixture, options_.starved_below_points);

  Update update;
  update.points = state_.batch_points;
  if (maximised) {
    for (std::size_t k = 0; k < maximised->starved.size(); ++k) {
      const auto component = static_cast<Index>(k);
      if (maximised->starved[k] && !state_.starved[k]) update.starved.push_back(component);
      if (!maximised->starved[k] && state_.starved[k]) update.revived.push_back(component);
      if (maximised->repairs[k] != Repair::none) update.repaired.push_back(component);
    }
    state_.repairs += update.repaired.size();
    state_.starved = std::move(maximised->starved);
    state_.statistics = std::move(blended);
    state_.mixture = std::move(maximised->mixture);
    state_.learned += static_cast<std::uint64_t>(state_.batch_points);
    ++state_.version;
    ++state_.batches;
    if (options_.averaging)
      average_statistics(update);
    else
      state_.published = state_.mixture;
  } else {
    ++state_.updates_failed;
    update.failure = maximised.error().message;
  }
  update.version = state_.version;
  update.learned = state_.learned;
  updates.push_back(std::move(update));

  state_.batch = state_.mixture->empty_statistics();
  state_.batch_decay = 1;
  state_.batch_points = 0;
  state_.batch_start = kNoTime;
}

// Adds up statistics per point, all updates alike, and publishes the parameters of their mean.
// Source: Polyak & Juditsky (1992), Acceleration of stochastic approximation by averaging; Cappé & Moulines (2009), section 2.3.
void StepwiseEm::average_statistics(Update& update) {
  Statistics average = state_.average ? *state_.average : state_.mixture->empty_statistics();
  Statistics latest = state_.statistics;
  scale(latest, 1 / latest.weight);
  merge(average, latest);
  // With the weight that the prior is to be compared to.
  Statistics weighted = average;
  scale(weighted, state_.statistics.weight / average.weight);
  const auto maximised = maximise(weighted, options_.prior, *state_.published, options_.starved_below_points);
  if (maximised) {
    state_.average = std::move(average);
    state_.published = maximised->mixture;
  } else {
    ++state_.updates_failed;
    update.failure = "average: " + maximised.error().message;
  }
}

}  // namespace emulsion
