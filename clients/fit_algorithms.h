// The two ways of fitting, as fit.cc chooses them. For fit*.cc alone.
#pragma once

#include "clients/fit.h"

namespace emulsion::client {

// Both fill in what they know: model, mixture, iterations, converged, starts, warnings, history.
Attempt<Fit> fit_batch(const PointFile& file, const FitOptions& options, const FitTask& task, const FitWatch& watch);
Attempt<Fit> fit_online(const PointFile& file, const FitOptions& options, const FitTask& task, const FitWatch& watch);

// The failure behind an error of a pass: bad data, or Ctrl-C.
tl::unexpected<Failure> unfitted(const Error& error);

// The options of a learner for this task.
LearnerOptions learner_options(const FitOptions& options, const FitTask& task);

}  // namespace emulsion::client
