#include "emulsion/batch_em.h"

#include <cmath>

namespace emulsion {
namespace {

Eigen::VectorXd weights_of(const Statistics& statistics, Index components) {
  Eigen::VectorXd weights(components);
  Index first = 0;
  for (const BankStatistics& bank : statistics.banks) {
    weights.segment(first, bank.weight.size()) = bank.weight;
    first += bank.weight.size();
  }
  return weights;
}

}  // namespace

double shift_between(const Mixture& from, const Mixture& to) {
  double squares = 0;
  for (std::size_t b = 0; b < from.banks().size(); ++b) squares += (to.banks()[b]->means() - from.banks()[b]->means()).squaredNorm();
  return std::sqrt(squares);
}

Result<BatchFit> batch_em(TileSource& source, std::shared_ptr<const Mixture> start, const BatchOptions& options, Workers& workers,
                          const OnIteration& on_iteration) {
  auto statistics = em_pass(*start, source, options.assignment, workers);
  if (!statistics) return fail(statistics.error().message);
  if (!(statistics->weight > 0)) return fail("there are no points");

  BatchFit fit;
  fit.weight = statistics->weight;
  fit.last.mixture = std::move(start);
  fit.last.mean_log_likelihood = statistics->log_likelihood / statistics->weight;
  fit.last.component_points = weights_of(*statistics, fit.last.mixture->size());
  fit.last.starved.assign(static_cast<std::size_t>(fit.last.mixture->size()), false);
  if (on_iteration && !on_iteration(fit.last)) return fit;

  while (fit.last.number < options.max_iterations) {
    auto maximised = maximise(*statistics, options.prior, *fit.last.mixture, options.starved_below_points, workers);
    if (!maximised) return fail(maximised.error().message);
    auto next_statistics = em_pass(*maximised->mixture, source, options.assignment, workers);
    if (!next_statistics) return fail(next_statistics.error().message);

    BatchIteration next;
    next.number = fit.last.number + 1;
    next.mean_log_likelihood = next_statistics->log_likelihood / next_statistics->weight;
    next.shift = shift_between(*fit.last.mixture, *maximised->mixture);
    next.component_points = weights_of(*next_statistics, maximised->mixture->size());
    next.starved = std::move(maximised->starved);
    for (const Repair repair : maximised->repairs) next.repairs += repair != Repair::none;
    next.mixture = std::move(maximised->mixture);

    const double gain = next.mean_log_likelihood - fit.last.mean_log_likelihood;
    if (options.assignment == Assignment::soft && !(gain >= 0)) {
      fit.converged = true;
      return fit;
    }
    const bool settled = options.assignment == Assignment::hard && next.shift == 0 &&
                         next.component_points == fit.last.component_points;
    fit.converged = settled || (options.tolerance > 0 && std::abs(gain) < options.tolerance * std::abs(next.mean_log_likelihood)) ||
                    (options.shift_tolerance > 0 && next.shift < options.shift_tolerance);
    fit.last = std::move(next);
    statistics = std::move(next_statistics);
    if (on_iteration && !on_iteration(fit.last)) return fit;
    if (fit.converged) return fit;
  }
  return fit;
}

}  // namespace emulsion
