#include "emulsion/restarts.h"

#include <algorithm>
#include <cmath>

namespace emulsion {
namespace {

struct Candidate {
  Index start = 0;
  BatchFit fit;
};

// Whether a fit is better by more than rounding, which must not decide between starts that arrive at the same place.
bool is_better(const BatchFit& found, const BatchFit& best) {
  constexpr double kSame = 1e-12;
  const double gain = found.last.mean_log_likelihood - best.last.mean_log_likelihood;
  return gain > kSame * std::abs(best.last.mean_log_likelihood);
}

}  // namespace

Result<RestartFit> fit_from_starts(TileSource& source, const std::function<std::shared_ptr<const Mixture>()>& next_start,
                                   const RestartOptions& restarts, const BatchOptions& em, Workers& workers,
                                   const std::function<bool(const RestartIteration&)>& on_iteration) {
  bool ended = false;
  const auto run = [&](Index start, std::shared_ptr<const Mixture> mixture, const BatchOptions& options, Index before, bool screening) {
    return batch_em(source, std::move(mixture), options, workers, [&](const BatchIteration& iteration) {
      if (before > 0 && iteration.number == 0) return true;  // told already, as the last one of the first round
      BatchIteration told = iteration;
      told.number += before;
      ended = on_iteration && !on_iteration({start, screening, told});
      return !ended;
    });
  };

  RestartFit result;
  std::vector<Candidate> candidates;
  const bool one = restarts.starts == 1;
  BatchOptions first_round = em;
  if (!one) {
    first_round.max_iterations = std::min(em.max_iterations, restarts.screening_iterations);
    first_round.tolerance = std::max(em.tolerance, restarts.screening_tolerance);
  }
  for (Index start = 0; start < restarts.starts && !ended; ++start) {
    auto fit = run(start, next_start(), first_round, 0, !one);
    if (fit)
      candidates.push_back({start, std::move(*fit)});
    else
      result.failures.push_back("start " + std::to_string(start + 1) + ": " + fit.error().message);
  }
  if (candidates.empty()) return fail(result.failures.front());

  std::stable_sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return a.fit.last.mean_log_likelihood > b.fit.last.mean_log_likelihood;
  });
  if (!one && static_cast<Index>(candidates.size()) > restarts.finalists)
    candidates.resize(static_cast<std::size_t>(restarts.finalists));
  for (Candidate& candidate : candidates) {
    if (one || ended) break;
    const Index before = candidate.fit.last.number;
    BatchOptions second_round = em;
    second_round.max_iterations -= before;
    auto fit = run(candidate.start, candidate.fit.last.mixture, second_round, before, false);
    if (!fit) {
      result.failures.push_back("start " + std::to_string(candidate.start + 1) + ": " + fit.error().message);
      continue;
    }
    if (fit->last.number > 0) {  // otherwise the first round has arrived already, and tells more of its last iteration
      candidate.fit.last = std::move(fit->last);
      candidate.fit.last.number += before;
    }
    candidate.fit.converged = fit->converged;
  }

  const Candidate* best = &candidates.front();
  for (const Candidate& candidate : candidates)
    if (is_better(candidate.fit, best->fit)) best = &candidate;
  result.fit = best->fit;
  result.start = best->start;
  return result;
}

}  // namespace emulsion
