// Batch EM: passes over points that stay, until they gain no more.
//
// With soft assignment the log likelihood never falls from one iteration to the next. The prior may pull against it; where
// it would win, EM has arrived, and the mixture before is the result.
// Source: Dempster, Laird & Rubin (1977); with hard assignment Celeux & Govaert (1992), section 3.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "emulsion/em_pass.h"
#include "emulsion/learner_options.h"
#include "emulsion/mixture.h"

namespace emulsion {

struct BatchOptions {
  // M-steps at most. Range >= 0.
  Index max_iterations = 1000;

  // EM has arrived when an iteration raises the log likelihood by less than this fraction of itself. 0: never for that
  // reason, except that hard assignment arrives when no point changes its component. Range >= 0.
  double tolerance = 1e-8;

  // EM has arrived when the means move by less than this together: the root of the sum of their squared shifts, in the
  // points' units. 0: never for that reason. Range >= 0.
  double shift_tolerance = 0;

  Assignment assignment = Assignment::soft;
  PriorOptions prior;
  double starved_below_points = 1;
};

// Where EM stands after so many M-steps; number 0 is the start.
struct BatchIteration {
  Index number = 0;
  std::shared_ptr<const Mixture> mixture;
  double mean_log_likelihood = 0;       // of the points under the mixture, nats
  double shift = 0;                     // of the means since the iteration before
  Eigen::VectorXd component_points;     // K: weight of the points that each component takes
  std::vector<bool> starved;            // K: kept its parameters in the last M-step
  Index repairs = 0;                    // components whose parameters had to be repaired in the last M-step
};

struct BatchFit {
  BatchIteration last;
  double weight = 0;        // of all points
  bool converged = false;   // by a tolerance, or because another iteration would have lowered the likelihood
};

// Called after each iteration, the start included; false ends EM there.
using OnIteration = std::function<bool(const BatchIteration&)>;

// How far the means of the components have moved together: the root of the sum of their squared shifts, in the points' units.
double shift_between(const Mixture& from, const Mixture& to);

// Errors: those of the source; no points; statistics that are not finite, or a family that fails: with the family's name.
Result<BatchFit> batch_em(TileSource& source, std::shared_ptr<const Mixture> start, const BatchOptions& options, Workers& workers,
                          const OnIteration& on_iteration = {});

}  // namespace emulsion
