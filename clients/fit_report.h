// The result of a fit as text for people, and as JSON.
#pragma once

#include <optional>
#include <string>

#include "clients/fit.h"
#include "clients/selection.h"
#include "clients/table.h"

namespace emulsion::client {

// A fit, and what it was made of.
//   selection  where one of several counts was chosen; without its fit
struct FitReport {
  const Fit& fit;
  const FitOptions& options;
  const PointFile& file;
  const Selection* selection = nullptr;
};

// Some lines about the whole, then a table of the components, then the warnings.
std::string fit_text(const FitReport& report, std::size_t width = kTableWidth);

// One line of JSON, which is a model file as well. Keys in this order, more may come: dimension, columns, points, weight,
// algorithm, assignment, mixture, seed, restarts, iterations, converged, log_likelihood, mean_log_likelihood, parameters,
// bic, icl, aic, adjusted_rand_index and nmi (with labels), refused_rows, warnings, selection (of a range of counts), and
// those of a model: components[{id, family, weight, parameters}] and the rest.
std::string fit_json(const FitReport& report);

// One line of a history for each iteration: {"iteration", "points" (online), "mean_log_likelihood", "shift", "model"}.
std::string history_json(const Fit& fit, const std::vector<std::string>& columns);

// Counts, likelihoods and criteria as a table; the chosen one marked.
std::string selection_text(const Selection& selection, Criterion criterion, std::size_t width = kTableWidth);

// One line of progress: `iteration 7: -4.155382 nats/point, shift 0.0012`, after the start if there are several.
std::string progress_text(const FitIteration& iteration, std::uint64_t starts);

const char* name_of(Criterion criterion);

}  // namespace emulsion::client
