#include "emulsion/stepwise_em.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <utility>

#include "emulsion/scratch.h"
#include "emulsion/stepwise_run.h"
#include "emulsion/tile.h"

namespace emulsion {
namespace {

// So many points of a mini-batch are worth the work of finding out which components can matter where.
constexpr Index kPointsWorthScreens = 16384;

// A mini-batch has few tiles: with more of them in a group, there would be threads without work.
constexpr Index kTilesOfGroup = 2, kGroupsOfThread = 8;

// Threads that have not just worked on tiles are asleep, and an M-step of fewer products than this is over before they are up.
constexpr Index kProductsWorthWaking = 1 << 21;

StepSize schedule_of(const StepOptions& options) {
  auto step = StepSize::make(options);
  assert(step);
  return *step;
}

}  // namespace

// What a thread needs to work on a tile.
struct StepwiseEm::Room {
  explicit Room(const Mixture& mixture) : tile(mixture.dimension()), expectation(mixture.size()), published(mixture.size()) {}

  bool suits(const Mixture& mixture) const {
    return tile.dimension() == mixture.dimension() && expectation.responsibilities.cols() == mixture.size();
  }

  static Room& of_this_thread(const Mixture& mixture) { return *scratch_of_this_thread<Room>(mixture, 1).front(); }

  Tile tile;
  Expectation expectation;  // under the mixture that learns
  Expectation published;    // under the one that is published, if it is another
  std::array<double, kTilePoints> retentions;
};

// What a group of tiles leaves, and its latest tile.
struct StepwiseEm::Summary {
  explicit Summary(const Mixture& mixture) : group{mixture.empty_statistics()}, of_tile(mixture.empty_statistics()) {}

  bool suits(const Mixture& mixture) const { return mixture.leaves(of_tile); }

  TileGroup group;
  Statistics of_tile;
};

StepwiseEm::StepwiseEm(const LearnerOptions& options, StepwiseState state)
    : options_(&options),
      step_(schedule_of(options.step).after_seed(state.seed_weight)),
      workers_(std::make_unique<Workers>(options.threads)),
      state_(std::move(state)) {
  // A state may come from a run that was configured otherwise.
  if (!options.averaging) state_.average.reset();
  if (!state_.average || !state_.published) state_.published = state_.mixture;
  // Statistics that are written down although no group is complete are those of no points.
  if (state_.batch_points == state_.pending.size() + kTilePoints * state_.group.tiles) state_.batch = {};

  const PointBatch& waiting = state_.pending;
  keep_values(waiting);
  for (Index i = 0; i < waiting.size(); ++i) pending_.weights.push_back(waiting.weight(i));
  pending_.retentions = std::move(state_.pending_retentions);
  state_.pending = {};
  state_.pending_retentions.clear();
}

StepwiseEm::~StepwiseEm() = default;
StepwiseEm::StepwiseEm(StepwiseEm&&) noexcept = default;
StepwiseEm& StepwiseEm::operator=(StepwiseEm&&) noexcept = default;

void StepwiseEm::learn(const PointView& batch, bool with_responsibilities, Labels& labels, std::vector<Update>& updates) {
  assert(batch.dimension() == state_.mixture->dimension());
  for (Index next = 0; next < batch.size();) {
    Run run = next_run(batch, next);
    run.counted_from = move_schedule(batch, run);
    labels.extend(run.points, state_.mixture->size(), state_.version, with_responsibilities);
    const TileGroup* last = learn_run(batch, run, with_responsibilities, labels);
    keep_pending(batch, run);
    if (run.batch_ends) close_batch(last, updates);
    next += run.points;
  }
}

// The tiles of a run: labels, and statistics of those that are complete. Returns the last group of a mini-batch that ends, which is in
// no other statistics yet, until this thread's next run; null if there is none.
//   labels  with room for them at the end
const TileGroup* StepwiseEm::learn_run(const PointView& batch, const Run& run, bool with_responsibilities, Labels& labels) {
  const Index at_once = std::clamp<Index>(run.groups(), 1, groups_at_once(*state_.mixture, options_->threads, kGroupsOfThread));
  auto& summaries = scratch_of_this_thread<Summary>(*state_.mixture, static_cast<std::size_t>(at_once));
  const bool goes_on = state_.group.tiles > 0 && run.groups() > 0 && run.completes(0);
  if (goes_on) std::swap(state_.group, summaries.front()->group);
  for (Index first = 0; first < run.groups(); first += at_once) {
    const auto label_and_sum = [&](Index i) {
      Room& room = Room::of_this_thread(*state_.mixture);
      Summary& summary = *summaries[static_cast<std::size_t>(i)];
      if (first + i > 0 || !goes_on) summary.group.tiles = 0;
      for (Index tile = run.first_tile(first + i); tile < run.end_tile(first + i); ++tile) {
        work(batch, run, tile, room, summary);
        const Index points = run.end(tile) - run.begin(tile);
        labels.put(run.points - run.begin(tile), state_.published != state_.mixture ? room.published : room.expectation,
                   room.tile.size() - points, room.tile.size(), with_responsibilities);
      }
    };
    workers_->for_each(std::min(at_once, run.groups() - first), label_and_sum,
                       [&](Index i) { take_group(run, first + i, summaries[static_cast<std::size_t>(i)]->group); });
  }
  if (run.tiles() > 0 && run.completes(0)) forget_pending();
  if (!run.batch_ends) return nullptr;
  if (run.groups() > 0) return &summaries[static_cast<std::size_t>((run.groups() - 1) % at_once)]->group;
  return state_.group.tiles > 0 ? &state_.group : nullptr;
}

void StepwiseEm::label(const PointView& batch, bool with_responsibilities, Labels& labels) const {
  Room& room = Room::of_this_thread(*state_.published);
  labels.extend(batch.size(), state_.published->size(), state_.version, with_responsibilities);
  for (Index next = 0; next < batch.size();) {
    const Index count = std::min(kTilePoints, batch.size() - next);
    room.tile.clear();
    room.tile.append(batch, next, count, nullptr);
    state_.published->expect(room.tile, covering_lanes(0, count), room.expectation);
    labels.put(batch.size() - next, room.expectation, 0, count, with_responsibilities);
    next += count;
  }
}

void StepwiseEm::flush(std::vector<Update>& updates) {
  if (state_.batch_points == 0) return;
  Run run = begin_run(0);
  run.batch_ends = true;
  Labels none;
  close_batch(learn_run(pending(), run, false, none), updates);
}

StepwiseState StepwiseEm::state() const {
  StepwiseState copy = state_;
  if (copy.group.tiles == 0) copy.group = {};
  if (copy.batch.banks.empty()) copy.batch = state_.mixture->empty_statistics();
  const PointView waiting = pending();
  Pending full = pending_;
  spell_out(full);
  copy.pending.points = copy_of(waiting).points;
  copy.pending.weights = Eigen::Map<const Eigen::VectorXd>(full.weights.data(), waiting.size());
  copy.pending_retentions = std::move(full.retentions);
  return copy;
}

// No point of the batch yet, behind those that wait.
StepwiseEm::Run StepwiseEm::begin_run(Index first) const {
  const Index waiting = pending().size();
  return {.first = first, .points = 0, .waiting = waiting, .batch_ends = false, .tiles_before = (state_.batch_points - waiting) / kTilePoints,
          .group_tiles = tiles_of_group(*state_.mixture, kTilesOfGroup)};
}

// The points up to the end of the batch or of the mini-batch, which are counted in; none if the mini-batch was over by time before them.
StepwiseEm::Run StepwiseEm::next_run(const PointView& batch, Index first) {
  Run run = begin_run(first);
  const bool timed = options_->batch_seconds > 0 && batch.has_times();
  if (timed && state_.batch_points > 0 && batch_ends_before(batch, first)) {
    run.batch_ends = true;
    return run;
  }
  if (state_.batch_points == 0) state_.batch_start = batch.has_times() ? batch.unix_nanoseconds(first) : kNoTime;
  // More may be in the mini-batch already, if a restored one was made with larger ones.
  const Index room = std::max<Index>(1, options_->batch_points - state_.batch_points);
  run.points = std::min(room, batch.size() - first);
  run.batch_ends = run.points == room;
  if (timed) {
    for (Index i = 1; i < run.points; ++i) {
      if (!batch_ends_before(batch, first + i)) continue;
      run.points = i;
      run.batch_ends = true;
    }
  }
  state_.batch_points += run.points;
  return run;
}

bool StepwiseEm::batch_ends_before(const PointView& batch, Index point) const {
  if (state_.batch_start == kNoTime) return false;
  return seconds_between(state_.batch_start, batch.unix_nanoseconds(point)) >= options_->batch_seconds;
}

// Moves the schedule on over a run. Where the points' number alone decides, whoever works on a tile can tell what is left after each
// point, from the t that this returns; otherwise it is found here, point by point.
std::optional<double> StepwiseEm::move_schedule(const PointView& batch, const Run& run) {
  // Whole numbers up to this are added up exactly, however they are grouped.
  constexpr double kMostExact = 0x1p53;
  const double before = state_.weight_since_seed;
  const double after = before + static_cast<double>(run.points);
  if (!batch.has_weights() && !batch.has_times() && before == std::floor(before) && after <= kMostExact) {
    state_.weight_since_seed = after;
    return before;
  }
  retentions_.resize(static_cast<std::size_t>(run.points));
  for (Index i = 0; i < run.points; ++i) {
    double seconds = 0;
    if (batch.has_times()) {
      const std::int64_t time = batch.unix_nanoseconds(run.first + i);
      if (state_.latest_time != kNoTime) seconds = seconds_between(state_.latest_time, time);
      state_.latest_time = std::max(state_.latest_time, time);
    }
    const double weight = batch.weight(run.first + i);
    retentions_[static_cast<std::size_t>(i)] = step_.retention(state_.weight_since_seed, weight, seconds);
    state_.weight_since_seed += weight;
  }
  return std::nullopt;
}

// What is left of everything before each of some points of a run once it has come.
void StepwiseEm::set_retentions(const Run& run, Index first, std::span<double> retentions) const {
  if (run.counted_from)
    step_.retentions(*run.counted_from + static_cast<double>(first), retentions);
  else
    std::copy_n(retentions_.begin() + first, retentions.size(), retentions.begin());
}

// What threads share: nothing here changes anything but the room and the summary. A tile that stays incomplete is only
// labelled, the points that are new; when it completes, those that waited are evaluated once more, to the same bits.
void StepwiseEm::work(const PointView& batch, const Run& run, Index tile, Room& room, Summary& summary) const {
  const bool completes = run.completes(tile);
  const Index begin = run.begin(tile);
  const Index count = run.end(tile) - begin;
  const auto retentions = [&room](Index size) { return std::span(room.retentions).first(static_cast<std::size_t>(size)); };
  room.tile.clear();
  if (tile == 0 && completes) {
    if (pending_.counted_from) step_.retentions(*pending_.counted_from, retentions(run.waiting));
    room.tile.append(pending(), 0, run.waiting, pending_.counted_from ? room.retentions.data() : pending_.retentions.data());
  }
  if (completes) set_retentions(run, begin, retentions(count));
  room.tile.append(batch, run.first + begin, count, completes ? room.retentions.data() : nullptr);
  const LaneRange lanes = covering_lanes(0, room.tile.size());
  state_.mixture->expect(room.tile, lanes, room.expectation);
  if (state_.published != state_.mixture) state_.published->expect(room.tile, lanes, room.published);
  if (completes) add_tile(*state_.mixture, room.tile, room.expectation, options_->assignment, summary.of_tile, summary.group);
}

// Keeps the points of the last tile, if it is not complete.
void StepwiseEm::keep_pending(const PointView& batch, const Run& run) {
  const Index last = run.tiles() - 1;
  if (last < 0 || run.completes(last)) return;
  const Index before = pending().size();
  const Index begin = run.begin(last);
  const Index count = run.end(last) - begin;
  if (before == 0 && run.counted_from)
    pending_.counted_from = *run.counted_from + static_cast<double>(begin);
  else if (!run.counted_from)
    spell_out(pending_);
  assert(!pending_.counted_from || *pending_.counted_from + static_cast<double>(before) == *run.counted_from + static_cast<double>(begin));
  keep_values(batch.slice(run.first + begin, count));
  if (pending_.counted_from) return;
  for (Index i = 0; i < count; ++i) pending_.weights.push_back(batch.weight(run.first + begin + i));
  pending_.retentions.resize(static_cast<std::size_t>(before + count));
  set_retentions(run, begin, std::span(pending_.retentions).subspan(static_cast<std::size_t>(before)));
}

// Adds the numbers of some points to those that wait.
void StepwiseEm::keep_values(const PointView& points) {
  const auto add = [this](const PointView& view) {
    const auto* const bytes = static_cast<const std::byte*>(view.values());
    pending_.values.insert(pending_.values.end(), bytes, bytes + view.size() * view.point_bytes());
  };
  if (pending_.values.empty()) pending_.element = points.element();
  if (pending_.element == points.element()) return add(points);
  if (pending_.element == Element::f32) {
    const PointBatch wider = copy_of(pending());
    pending_.values.clear();
    pending_.element = Element::f64;
    add(wider);
  }
  add(copy_of(points));
}

// Writes down what could be told from the points' number.
void StepwiseEm::spell_out(Pending& pending) const {
  if (!pending.counted_from) return;
  const auto count = static_cast<std::size_t>(this->pending().size());
  pending.weights.assign(count, 1);
  pending.retentions.resize(count);
  step_.retentions(*pending.counted_from, pending.retentions);
  pending.counted_from.reset();
}

PointView StepwiseEm::pending() const {
  const PointView one(pending_.values.data(), pending_.element, state_.mixture->dimension(), 1);
  return {pending_.values.data(), pending_.element, one.dimension(), static_cast<Index>(pending_.values.size()) / one.point_bytes(),
          pending_.counted_from ? nullptr : pending_.weights.data()};
}

void StepwiseEm::forget_pending() {
  pending_.values.clear();
  pending_.weights.clear();
  pending_.retentions.clear();
  pending_.counted_from.reset();
}

// Takes what a group of a run has come to, but for the last one of a mini-batch; the memory of an earlier one is left in its place.
void StepwiseEm::take_group(const Run& run, Index group, TileGroup& sums) {
  if (run.completes_group(group)) {
    state_.group.tiles = 0;
    if (!run.batch_ends || group + 1 < run.groups()) fold(sums);
  } else if (sums.tiles > 0) {
    std::swap(state_.group, sums);
    if (sums.statistics.banks.empty()) sums.statistics = state_.mixture->empty_statistics();
  }
}

void StepwiseEm::fold(const TileGroup& group) {
  if (state_.batch.banks.empty()) state_.batch = state_.mixture->empty_statistics();
  scale(state_.batch, group.decay);
  merge(state_.batch, group.statistics);
  state_.batch_decay *= group.decay;
}

//   last  group of the mini-batch, in no other statistics yet; null if there is none
void StepwiseEm::close_batch(const TileGroup* last, std::vector<Update>& updates) {
  thread_local Statistics blended;  // again and again in the same memory
  blended = state_.statistics;
  if (last != nullptr && state_.batch.banks.empty()) {
    scale(blended, last->decay);
    merge(blended, last->statistics);
  } else {
    if (last != nullptr) fold(*last);
    scale(blended, state_.batch_decay);
    merge(blended, state_.batch);
  }
  auto maximised = m_step(blended, *state_.mixture);
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
    std::swap(state_.statistics, blended);
    state_.mixture = std::move(maximised->mixture);
    if (options_->batch_points >= kPointsWorthScreens) state_.mixture = std::make_shared<const Mixture>(state_.mixture->screened());
    state_.learned += static_cast<std::uint64_t>(state_.batch_points);
    ++state_.version;
    ++state_.batches;
    if (options_->averaging)
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

  state_.batch = {};
  state_.batch_decay = 1;
  state_.group.tiles = 0;
  state_.batch_points = 0;
  state_.batch_start = kNoTime;
}

Result<MaximisedMixture> StepwiseEm::m_step(const Statistics& statistics, const Mixture& previous) const {
  const Index d = previous.dimension();
  const bool shared = state_.batch_points > kTilePoints || previous.size() * d * d * d >= kProductsWorthWaking;
  return maximise(statistics, options_->prior, previous, options_->starved_below_points, shared ? *workers_ : Workers::alone());
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
  const auto maximised = m_step(weighted, *state_.published);
  if (maximised) {
    state_.average = std::move(average);
    state_.published = maximised->mixture;
  } else {
    ++state_.updates_failed;
    update.failure = "average: " + maximised.error().message;
  }
}

}  // namespace emulsion
