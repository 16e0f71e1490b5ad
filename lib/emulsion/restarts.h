// Batch EM from several starting points: EM finds a local optimum, and which one depends on where it begins.
//
// Every start is first improved until an iteration gains little; the most likely few go on to the end. Far fewer passes than
// to run them all, and the ranking hardly changes any more once gains are small. Ranked earlier, slow starts that end high
// would be lost: EM is often on a plateau for its first iterations.
// Source: Biernacki, Celeux & Govaert (2003), Choosing starting values for the EM algorithm, section 3 (short runs of EM).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "emulsion/batch_em.h"

namespace emulsion {

struct RestartOptions {
  // Independent starts. Range >= 1.
  Index starts = 10;

  // The first round of a start ends when an iteration raises the log likelihood by less than this fraction of itself, or
  // after so many iterations.
  double screening_tolerance = 1e-5;
  Index screening_iterations = 100;

  // Starts that go on to the end. Range >= 1.
  Index finalists = 3;
};

// One iteration of one start. Iterations of a start that goes on after the first round keep counting.
struct RestartIteration {
  Index start = 0;  // from 0
  bool screening = false;
  const BatchIteration& iteration;
};

struct RestartFit {
  BatchFit fit;
  Index start = 0;                    // that won, from 0
  std::vector<std::string> failures;  // of starts that failed, with their number from 1
};

// The most likely of several fits; the first of equals.
//   next_start    called once for each start, in their order
//   on_iteration  called after each iteration; false ends everything there, with the best there is
// Errors: no start could be fitted: the first reason.
Result<RestartFit> fit_from_starts(TileSource& source, const std::function<std::shared_ptr<const Mixture>()>& next_start,
                                   const RestartOptions& restarts, const BatchOptions& em, Workers& workers,
                                   const std::function<bool(const RestartIteration&)>& on_iteration = {});

}  // namespace emulsion
