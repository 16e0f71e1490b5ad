// Fits a mixture to the points of a file, by batch EM or by learning them as a stream.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "clients/fit_options.h"
#include "clients/model_file.h"
#include "clients/point_file.h"
#include "clients/scores.h"

namespace emulsion::client {

// One iteration of a fit, for progress and history.
struct FitIteration {
  Index start = 0;          // from 0
  bool screening = false;   // only to find out which starts are worth going on with
  bool on_sample = false;   // of the points, while the starts are chosen for a file that does not fit into memory
  Index number = 0;         // of the iteration; 0 is the start. Online: of the update
  double mean_log_likelihood = 0;
  double shift = 0;         // of the means since the iteration before
  std::optional<std::uint64_t> points;  // online: learned so far
  Snapshot model;
};

struct FitWatch {
  std::function<void(const FitIteration&)> iteration;  // may be empty
  std::function<void(std::uint64_t)> rows;             // rows of the pass so far; may be empty
};

struct Fit {
  Snapshot model;
  std::shared_ptr<const Mixture> mixture;
  MixtureFormula formula;
  Scores scores;                      // of all rows under the final parameters
  Criteria criteria;
  Index iterations = 0;               // of the start that won; online: updates
  bool converged = false;             // online: all points were learned
  bool interrupted = false;           // by Ctrl-C; the rest is what there was until then
  Index starts = 1;                   // that were tried
  Index start = 0;                    // that won, from 0
  std::vector<std::string> warnings;  // what the user should know of the result
  std::vector<FitIteration> history;  // of the start that won, if it was asked for
};

// A mixture to be fitted, and where to start.
//   initial  a model whose components fit the formula, or nothing
struct FitTask {
  MixtureFormula formula;
  std::optional<Snapshot> initial;
  int threads = 1;
  bool with_history = false;
};

// Errors: those of the file and of the library, 65; interrupted before there was anything, 130.
Attempt<Fit> fit_file(const PointFile& file, const FitOptions& options, const FitTask& task, const FitWatch& watch);

}  // namespace emulsion::client
