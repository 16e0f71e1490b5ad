#include "emulsion/learner.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numeric>

#include "emulsion/em_pass.h"
#include "emulsion/families.h"
#include "emulsion/seeding.h"

namespace emulsion {
namespace {

// Nothing if the number is in its range, otherwise what is wrong with it.
std::optional<std::string> out_of_range(const char* name, Index value, Index lowest, Index highest) {
  if (value >= lowest && value <= highest) return std::nullopt;
  return std::string(name) + ": " + std::to_string(value) + ", expected " + std::to_string(lowest) + " to " + std::to_string(highest);
}

std::optional<std::string> not_at_least_zero(const char* name, double value) {
  if (value >= 0 && std::isfinite(value)) return std::nullopt;
  return std::string(name) + ": " + std::to_string(value) + ", expected a finite number >= 0";
}

Result<void> check(const LearnerOptions& options) {
  constexpr Index kAny = std::numeric_limits<Index>::max();
  const std::optional<std::string> faults[] = {
      out_of_range("batch points", options.batch_points, 1, 1048576),
      out_of_range("seed points", options.seed.points, 0, kAny),
      out_of_range("seed restarts", options.seed.restarts, 1, 1000),
      out_of_range("seed passes", options.seed.passes, 1, 1000),
      out_of_range("threads", options.threads, 1, 256),
      not_at_least_zero("batch seconds", options.batch_seconds),
      not_at_least_zero("prior covariance points", options.prior.covariance_points),
      not_at_least_zero("prior covariance fraction", options.prior.covariance_fraction),
      not_at_least_zero("prior weight points", options.prior.weight_points),
      not_at_least_zero("starved below points", options.starved_below_points),
  };
  for (const auto& fault : faults)
    if (fault) return fail(*fault);
  if (options.prior.covariance_fraction == 0) return fail("prior covariance fraction: 0, expected more than 0");
  return {};
}

// Eigen cuts its products to the processor's caches. With the same cuts everywhere, a state goes on with the same bits on
// another machine.
void pin_cache_sizes() {
  [[maybe_unused]] static const bool pinned = (Eigen::setCpuCacheSizes(32 << 10, 512 << 10, 4 << 20), true);
}

}  // namespace

LearnerPlan::LearnerPlan(const LearnerOptions& options, MixtureFormula formula, StepSize step)
    : options_(options), formula_(std::move(formula)), step_(step) {
  for (const MixtureTerm& term : formula_.terms) families_.push_back(*find_family(term.family));
}

Result<std::shared_ptr<const LearnerPlan>> LearnerPlan::make(const LearnerOptions& options) {
  if (const auto checked = check(options); !checked) return fail(checked.error().message);
  auto formula = formula_of(options);
  if (!formula) return fail(formula.error().message);
  const auto step = StepSize::make(options.step);
  if (!step) return fail(step.error().message);
  pin_cache_sizes();
  return std::shared_ptr<const LearnerPlan>(new LearnerPlan(options, *std::move(formula), *step));
}

Learner::Learner(Plan plan, Index dimension, std::uint64_t first_id)
    : plan_(std::move(plan)),
      dimension_(dimension),
      points_to_seed_(emulsion::points_to_seed(plan_->options(), dimension)),
      next_id_(first_id) {
  buffer_.points.resize(dimension, 0);
}

Result<Learner> Learner::make(Plan plan, Index dimension, std::uint64_t first_id) {
  if (const auto fault = out_of_range("dimension", dimension, 1, std::numeric_limits<Index>::max())) return fail(*fault);
  for (const Family* family : plan->families())
    if (const auto checked = family->check_dimension(dimension); !checked) return fail(checked.error().message);
  return Learner(std::move(plan), dimension, first_id);
}

Result<Learner> Learner::make(const LearnerOptions& options, Index dimension, std::uint64_t first_id) {
  return LearnerPlan::make(options).and_then([&](Plan plan) { return make(std::move(plan), dimension, first_id); });
}

Result<Learner> Learner::start_from(const LearnerOptions& options, const Snapshot& model, std::uint64_t first_id) {
  return LearnerPlan::make(options).and_then([&](Plan plan) { return start_from(std::move(plan), model, first_id); });
}

Result<Learner> Learner::restore(const LearnerOptions& options, LearnerState state) {
  return LearnerPlan::make(options).and_then([&](Plan plan) { return restore(std::move(plan), std::move(state)); });
}

Result<Learner> Learner::start_from(Plan plan, const Snapshot& model, std::uint64_t first_id) {
  auto learner = make(std::move(plan), model.dimension, first_id);
  if (!learner) return learner;
  if (!(model.effective_sample_size >= 0) || !std::isfinite(model.effective_sample_size) || !std::isfinite(model.mean_log_likelihood))
    return fail("the model's effective sample size and mean log likelihood: expected finite numbers, the first one >= 0");
  const auto mixture = mixture_of(model, learner->plan_->formula());
  if (!mixture) return fail(mixture.error().message);

  StepwiseState state;
  state.mixture = *mixture;
  state.statistics = state.mixture->empty_statistics();
  if (model.effective_sample_size > 0) {
    state.statistics = expected_statistics(*state.mixture, model.effective_sample_size * state.mixture->weights());
    state.statistics.weight = model.effective_sample_size;  // not the rounded sum
    state.statistics.log_likelihood = model.mean_log_likelihood * model.effective_sample_size;
  }
  state.seed_weight = state.statistics.weight;
  state.starved.assign(static_cast<std::size_t>(state.mixture->size()), false);
  learner->name_components();
  learner->stepwise_.emplace(learner->plan_->options(), std::move(state));
  return learner;
}

Result<Learner> Learner::restore(Plan plan, LearnerState state) {
  auto learner = make(std::move(plan), state.dimension, state.next_id);
  if (!learner) return learner;
  learner->buffer_ = std::move(state.buffer);
  learner->buffered_ = learner->buffer_.size();
  if (!state.stepwise) return learner;
  MixtureFormula saved;
  for (const auto& bank : state.stepwise->mixture->banks()) saved.terms.push_back({bank->size(), bank->family().name()});
  if (saved.text() != learner->plan_->formula().text())
    return fail("the saved model is " + saved.text() + ", the configuration says " + learner->plan_->formula().text());
  learner->ids_ = std::move(state.ids);
  learner->stepwise_.emplace(learner->plan_->options(), std::move(*state.stepwise));
  return learner;
}

void Learned::clear() {
  labels.components.clear();
  labels.log_densities.clear();
  labels.responsibilities.clear();
  labels.spans.clear();
  updates.clear();
  seeded = false;
}

void Learner::learn(const PointView& batch, bool with_responsibilities, Learned& learned) {
  assert(batch.dimension() == dimension_);
  Index first = 0;
  if (!stepwise_) {
    // A restored buffer may hold more points than the options now ask for.
    first = std::min(batch.size(), std::max(Index{0}, points_to_seed() - buffered_));
    buffer(batch, first);
    if (buffered_ < points_to_seed()) return;
    seed(with_responsibilities, learned);
  }
  if (first == 0)
    stepwise_->learn(batch, with_responsibilities, learned.labels, learned.updates);
  else if (first < batch.size())
    stepwise_->learn(batch.slice(first, batch.size() - first), with_responsibilities, learned.labels, learned.updates);
}

void Learner::label(const PointView& batch, bool with_responsibilities, Labels& labels) const {
  stepwise_->label(batch, with_responsibilities, labels);
}

void Learner::flush(bool with_responsibilities, Learned& learned) {
  if (stepwise_)
    stepwise_->flush(learned.updates);
  else if (buffered_ > 0)
    seed(with_responsibilities, learned);
}

Learned Learner::learn(const PointView& batch, bool with_responsibilities) {
  Learned learned;
  learn(batch, with_responsibilities, learned);
  return learned;
}

Labels Learner::label(const PointView& batch, bool with_responsibilities) const {
  Labels labels;
  label(batch, with_responsibilities, labels);
  return labels;
}

Learned Learner::flush(bool with_responsibilities) {
  Learned learned;
  flush(with_responsibilities, learned);
  return learned;
}

std::optional<std::string> Learner::refusal(std::span<const double> point) const { return refusal_by_all(plan_->families(), point); }

bool Learner::refuses_points() const {
  const auto& families = plan_->families();
  return std::all_of(families.begin(), families.end(), [](const Family* family) { return family->refuses_points(); });
}

Index Learner::points_waiting() const { return stepwise_ ? stepwise_->progress().batch_points : buffered_; }

Snapshot Learner::snapshot() const {
  const StepwiseState& progress = stepwise_->progress();
  Snapshot snapshot = snapshot_of(*progress.published);
  snapshot.version = progress.version;
  snapshot.learned = progress.learned;
  snapshot.effective_sample_size = progress.statistics.weight;
  snapshot.mean_log_likelihood =
      progress.statistics.weight > 0 ? progress.statistics.log_likelihood / progress.statistics.weight : 0.0;
  std::size_t position = 0;
  for (const BankStatistics& bank : progress.statistics.banks)
    for (Index k = 0; k < bank.weight.size(); ++k, ++position) {
      ComponentSnapshot& component = snapshot.components[position];
      component.id = ids_[position];
      component.effective_sample_size = bank.weight[k];
      component.starved = progress.starved[position];
    }
  return snapshot;
}

PointBatch Learner::buffered() const { return buffer_.slice(0, buffered_); }

LearnerState Learner::state() const {
  LearnerState state;
  state.dimension = dimension_;
  state.buffer = buffered();
  state.next_id = next_id_;
  state.ids = ids_;
  if (stepwise_) state.stepwise = stepwise_->state();
  return state;
}

// Appends the first `count` points of a batch to the buffer, which grows by doubling.
void Learner::buffer(const PointView& batch, Index count) {
  if (count == 0) return;
  const Index before = buffered_;
  const bool with_times = batch.has_times() && (before == 0 || buffer_.has_times());
  buffered_ += count;
  if (buffered_ > buffer_.size()) {
    const Index capacity = std::max(buffered_, std::min(2 * buffer_.size(), points_to_seed()));
    buffer_.points.conservativeResize(Eigen::NoChange, capacity);
    buffer_.weights.conservativeResize(capacity);
  }
  for (Index i = 0; i < count; ++i) {
    batch.copy(i, buffer_.points.col(before + i).data());
    buffer_.weights[before + i] = batch.weight(i);
  }
  if (with_times)
    for (Index i = 0; i < count; ++i) buffer_.unix_nanoseconds.push_back(batch.unix_nanoseconds(i));
  else
    buffer_.unix_nanoseconds.clear();
}

void Learner::seed(bool with_responsibilities, Learned& learned) {
  const LearnerOptions& options = plan_->options();
  Workers workers(options.threads);
  const PointBatch points = buffered();
  const auto mixture = seed_mixture(points, options, workers);
  assert(mixture);  // the family was checked when the learner was made

  StepwiseState state;
  state.statistics = em_pass(**mixture, cut_tiles(points, seed_retentions(points)), options.assignment, workers);
  const auto maximised = maximise(state.statistics, options.prior, **mixture, options.starved_below_points, workers);
  if (maximised) {
    state.mixture = maximised->mixture;
    state.starved = maximised->starved;
    state.learned = static_cast<std::uint64_t>(points.size());
    state.seed_weight = state.statistics.weight;
  } else {
    state.mixture = *mixture;
    state.starved.assign(static_cast<std::size_t>(components()), false);
    state.statistics = state.mixture->empty_statistics();
    state.updates_failed = 1;
    Update update;
    update.version = state.version;
    update.points = points.size();
    update.failure = maximised.error().message;
    learned.updates.push_back(std::move(update));
  }
  if (points.has_times()) state.latest_time = *std::max_element(points.unix_nanoseconds.begin(), points.unix_nanoseconds.end());

  name_components();
  stepwise_.emplace(options, std::move(state));
  stepwise_->label(points, with_responsibilities, learned.labels);
  learned.seeded = true;
  buffer_ = {};
  buffered_ = 0;
  buffer_.points.resize(dimension_, 0);
}

void Learner::name_components() {
  ids_.resize(static_cast<std::size_t>(components()));
  std::iota(ids_.begin(), ids_.end(), next_id_);
  next_id_ += ids_.size();
}

// How much of what came before each buffered point is left once it has come.
Eigen::VectorXd Learner::seed_retentions(const PointBatch& points) const {
  Eigen::VectorXd retentions(points.size());
  std::int64_t latest = kNoTime;
  for (Index i = 0; i < points.size(); ++i) {
    double seconds = 0;
    if (points.has_times()) {
      const std::int64_t time = points.unix_nanoseconds[static_cast<std::size_t>(i)];
      if (latest != kNoTime) seconds = seconds_between(latest, time);
      latest = std::max(latest, time);
    }
    retentions[i] = plan_->step().seed_retention(points.weight(i), seconds);
  }
  return retentions;
}

}  // namespace emulsion
