#include <fmt/format.h>

#include <utility>

#include "clients/fit_algorithms.h"
#include "clients/interrupt.h"
#include "clients/table.h"
#include "emulsion/restarts.h"
#include "emulsion/seeding.h"

namespace emulsion::client {
namespace {

Snapshot snapshot_at(const BatchIteration& iteration, const PointFile& file, double weight) {
  Snapshot model = snapshot_of(*iteration.mixture);
  model.version = static_cast<std::uint64_t>(iteration.number) + 1;
  model.learned = file.rows();
  model.effective_sample_size = weight;
  model.mean_log_likelihood = iteration.mean_log_likelihood;
  for (std::size_t k = 0; k < model.components.size(); ++k) {
    model.components[k].effective_sample_size = iteration.component_points[static_cast<Index>(k)];
    model.components[k].starved = iteration.starved[k];
  }
  return model;
}

// What a batch of fits tells while it runs, and what it keeps of that.
class Watcher {
 public:
  Watcher(const PointFile& file, const FitTask& task, const FitWatch& watch) : file_(file), task_(task), watch_(watch) {}

  bool tell(Index start, bool screening, bool on_sample, const BatchIteration& iteration) {
    if (!watch_.iteration && !task_.with_history) return !interrupted();
    FitIteration told{start,           screening,   on_sample, iteration.number, iteration.mean_log_likelihood,
                      iteration.shift, std::nullopt, {}};
    if (task_.with_history) told.model = snapshot_at(iteration, file_, iteration.component_points.sum());
    if (watch_.iteration) watch_.iteration(told);
    if (task_.with_history) history_.push_back(std::move(told));
    return !interrupted();
  }

  void forget() { history_.clear(); }

  std::vector<FitIteration> history_of(Index start) const {
    std::vector<FitIteration> chosen;
    for (const FitIteration& iteration : history_)
      if (iteration.start == start) chosen.push_back(iteration);
    return chosen;
  }

 private:
  const PointFile& file_;
  const FitTask& task_;
  const FitWatch& watch_;
  std::vector<FitIteration> history_;
};

}  // namespace

Attempt<Fit> fit_batch(const PointFile& file, const FitOptions& options, const FitTask& task, const FitWatch& watch) {
  const LearnerOptions learner = learner_options(options, task);
  BatchOptions em = options.em;
  em.assignment = learner.assignment;
  em.prior = learner.prior;
  em.starved_below_points = learner.starved_below_points;

  const std::vector<Tile> sample = cut_tiles(file.sample());
  auto places = StartingMixtures::make(file.sample(), sample, learner);
  if (!places) return unfitted(places.error());
  std::shared_ptr<const Mixture> given;
  if (task.initial) {
    auto mixture = starting_mixture(*task.initial, task.formula, file.dimension());
    if (!mixture) return fail(exit_code::kBadData, options.initial_model + ": " + mixture.error().message);
    given = std::move(*mixture);
  }
  const auto next_start = [&] { return given ? std::exchange(given, nullptr) : places->next(); };

  Watcher watcher(file, task, watch);
  Workers workers(task.threads);
  RestartOptions restarts;
  restarts.starts = static_cast<Index>(options.restarts);
  MemoryTiles memory(sample);
  FileTiles whole(file, watch.rows);
  const bool one_place = restarts.starts == 1;
  Result<RestartFit> best = RestartFit{};
  if (file.in_memory() || one_place) {
    TileSource& source = file.in_memory() ? static_cast<TileSource&>(memory) : whole;
    best = fit_from_starts(source, next_start, restarts, em, workers, [&](const RestartIteration& told) {
      return watcher.tell(told.start, told.screening, false, told.iteration);
    });
  } else {
    best = fit_from_starts(memory, next_start, restarts, em, workers, [&](const RestartIteration& told) {
      return watcher.tell(told.start, told.screening, true, told.iteration);
    });
    if (best && !interrupted()) {
      watcher.forget();  // the history is that of all points
      auto fit = batch_em(whole, best->fit.last.mixture, em, workers,
                          [&](const BatchIteration& iteration) { return watcher.tell(best->start, false, false, iteration); });
      if (!fit) return unfitted(fit.error());
      best->fit = std::move(*fit);
    }
  }
  if (!best) return unfitted(best.error());

  Fit fit;
  fit.mixture = best->fit.last.mixture;
  fit.model = snapshot_at(best->fit.last, file, best->fit.weight);
  fit.iterations = best->fit.last.number;
  fit.converged = best->fit.converged;
  fit.starts = restarts.starts;
  fit.start = best->start;
  fit.warnings = best->failures;
  fit.history = watcher.history_of(best->start);
  if (!fit.converged)
    fit.warnings.push_back(interrupted() ? "interrupted before it had converged"
                                         : fmt::format("not converged after {}", counted(static_cast<unsigned long long>(fit.iterations), "iteration")));
  return fit;
}

}  // namespace emulsion::client
