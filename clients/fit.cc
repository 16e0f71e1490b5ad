#include "clients/fit.h"

#include <fmt/format.h>

#include "clients/fit_algorithms.h"
#include "clients/interrupt.h"
#include "emulsion/em_pass.h"
#include "emulsion/precision.h"

namespace emulsion::client {
namespace {

// Components that hold too few points to mean anything: with d points or fewer a covariance is flat, and with a few more it
// says little.
void warn_of_components(Fit& fit) {
  const auto d = static_cast<double>(fit.mixture->dimension());
  const char* advice = fit.starts == 1 ? "; --restarts tries other places to start from" : "";
  Index k = 0;
  for (const auto& bank : fit.mixture->banks()) {
    for (Index of_bank = 0; of_bank < bank->size(); ++of_bank, ++k) {
      const ComponentSnapshot& component = fit.model.components[static_cast<std::size_t>(k)];
      const double points = component.weight * fit.scores.weight;
      if (component.starved)
        fit.warnings.push_back(fmt::format("component {} is starved: it takes no points and keeps what it had{}", component.id, advice));
      else if (!bank->family().is_noise() && points < d + 1)
        fit.warnings.push_back(fmt::format("component {} has collapsed: it takes {:.3g} points, fewer than d + 1{}", component.id, points, advice));
      else if (!bank->family().is_noise() && points < 3 * (d + 1))
        fit.warnings.push_back(fmt::format("component {} may have collapsed: it takes {:.3g} points, fewer than 3 (d + 1){}", component.id,
                                           points, advice));
    }
  }
}

// Of a file that does not fit into memory, by its sample.
void warn_of_precision(const PointFile& file, Fit& fit) {
  for (const ImpreciseCoordinate& found : imprecise_coordinates(cut_tiles(file.sample())))
    fit.warnings.push_back(fmt::format("{}: {}", file.columns()[static_cast<std::size_t>(found.coordinate)], found.text()));
}

}  // namespace

tl::unexpected<Failure> unfitted(const Error& error) {
  if (interrupted()) return fail(exit_code::kInterrupted, "interrupted");
  return fail(exit_code::kBadData, error.message);
}

LearnerOptions learner_options(const FitOptions& options, const FitTask& task) {
  LearnerOptions learner = options.learner;
  learner.mixture = task.formula.text();
  learner.components = task.formula.components();
  learner.threads = task.threads;
  return learner;
}

Attempt<Fit> fit_file(const PointFile& file, const FitOptions& options, const FitTask& task, const FitWatch& watch) {
  auto fit = options.algorithm == Algorithm::online ? fit_online(file, options, task, watch) : fit_batch(file, options, task, watch);
  if (!fit) return fit;
  fit->interrupted = interrupted();
  auto scores = score_points(*fit->mixture, file);
  if (!scores) return unfitted(scores.error());
  fit->scores = std::move(*scores);
  fit->criteria = criteria_of(*fit->mixture, fit->scores);
  fit->formula = task.formula;
  fit->model.mean_log_likelihood = fit->scores.mean_log_likelihood();
  if (options.algorithm == Algorithm::batch) fit->model.learned = file.rows();
  warn_of_components(*fit);
  warn_of_precision(file, *fit);
  return fit;
}

}  // namespace emulsion::client
