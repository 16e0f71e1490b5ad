#include <algorithm>
#include <cmath>
#include <utility>

#include "clients/fit_algorithms.h"
#include "clients/interrupt.h"
#include "emulsion/batch_em.h"
#include "emulsion/learner.h"

namespace emulsion::client {
namespace {

// Points for the first model. A stream wants its labels soon; a file has the points at hand, a thousand cost next to nothing, and
// what the seed misses one pass hardly mends.
Index points_of_seed(Index components, Index dimension) {
  return std::max({Index{1000}, 200 * components, 20 * components * (dimension + 1)});
}

// Learns the file as a daemon would, and tells of each update if anybody wants to know.
class Online {
 public:
  Online(Learner learner, const FitOptions& options, const FitTask& task, const FitWatch& watch)
      : learner_(std::move(learner)), options_(options), task_(task), watch_(watch) {}

  Result<void> pass(const PointFile& file) {
    std::uint64_t rows = 0;
    return file.for_each([&](const PointBatch& batch) {
      constexpr Index kRowsAtOnce = 4096;
      for (Index first = 0; first < batch.size() && !interrupted();) {
        const Index count = std::min({batch.size() - first, kRowsAtOnce, task_.with_history ? until_update() : kRowsAtOnce});
        take(learner_.learn(batch.slice(first, count), false));
        first += count;
        rows += static_cast<std::uint64_t>(count);
        if (watch_.rows) watch_.rows(rows);
      }
      return !interrupted();
    });
  }

  void flush() { take(learner_.flush(false)); }

  const Learner& learner() const { return learner_; }
  Index updates() const { return updates_; }
  const std::string& failure() const { return failure_; }
  std::vector<FitIteration>& history() { return history_; }

 private:
  // Points that can be learned without missing an update between two of them.
  Index until_update() const {
    const Index wanted = learner_.has_model() ? options_.learner.batch_points : learner_.points_to_seed();
    if (options_.learner.batch_seconds > 0 && learner_.has_model()) return 1;
    return std::max<Index>(1, wanted - learner_.points_waiting());
  }

  void take(const Learned& learned) {
    for (const Update& update : learned.updates) {
      if (!update.failure.empty()) failure_ = update.failure;
      ++updates_;
    }
    if (!task_.with_history || (!learned.seeded && learned.updates.empty())) return;
    const StepwiseState& progress = learner_.progress();
    FitIteration told;
    told.number = static_cast<Index>(history_.size());
    told.points = progress.learned;
    told.model = learner_.snapshot();
    told.mean_log_likelihood = told.model.mean_log_likelihood;
    if (before_) told.shift = shift_between(*before_, *progress.published);
    before_ = progress.published;
    history_.push_back(std::move(told));
  }

  Learner learner_;
  const FitOptions& options_;
  const FitTask& task_;
  const FitWatch& watch_;
  Index updates_ = 0;
  std::string failure_;  // of the last update that failed
  std::shared_ptr<const Mixture> before_;
  std::vector<FitIteration> history_;
};

}  // namespace

Attempt<Fit> fit_online(const PointFile& file, const FitOptions& options, const FitTask& task, const FitWatch& watch) {
  LearnerOptions given = learner_options(options, task);
  if (given.seed.points == 0) given.seed.points = points_of_seed(task.formula.components(), file.dimension());
  Result<Learner> learner = fail("no learner");
  if (task.initial) {
    const auto start = starting_mixture(*task.initial, task.formula, file.dimension());
    if (!start) return fail(exit_code::kBadData, options.initial_model + ": " + start.error().message);
    Snapshot model = snapshot_of(**start);
    model.effective_sample_size = task.initial->effective_sample_size;
    model.mean_log_likelihood = task.initial->mean_log_likelihood;
    learner = Learner::start_from(given, model);
  } else {
    learner = Learner::make(given, file.dimension());
  }
  if (!learner) return fail(exit_code::kUsage, learner.error().message);
  if (learner->needs_times() && !file.sample().has_times())
    return fail(exit_code::kUsage, "a half-life in seconds needs --time-column");

  Online online(std::move(*learner), options, task, watch);
  for (std::uint64_t pass = 0; pass < options.passes && !interrupted(); ++pass) {
    if (const auto passed = online.pass(file); !passed) return unfitted(passed.error());
    if (interrupted()) break;
    online.flush();
    if (watch.iteration && online.learner().has_model()) {
      FitIteration told;
      told.number = static_cast<Index>(pass) + 1;
      told.points = online.learner().progress().learned;
      told.mean_log_likelihood = online.learner().snapshot().mean_log_likelihood;
      watch.iteration(told);
    }
  }
  if (!online.learner().has_model()) return fail(exit_code::kInterrupted, "interrupted");
  if (!online.failure().empty() && online.learner().progress().batches == 0) return fail(exit_code::kBadData, online.failure());
  Fit fit;
  fit.model = online.learner().snapshot();
  fit.mixture = online.learner().progress().published;
  fit.iterations = online.updates();
  fit.starts = task.initial ? 1 : given.seed.restarts;
  fit.converged = !interrupted();
  fit.history = std::move(online.history());
  if (!online.failure().empty()) fit.warnings.push_back("an update failed and its points were not learned: " + online.failure());
  if (interrupted()) fit.warnings.push_back("interrupted before all points were learned");
  return fit;
}

}  // namespace emulsion::client
