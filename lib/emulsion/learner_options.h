// Everything that decides how a stream is learned.
#pragma once

#include <cstdint>
#include <string>

#include "emulsion/formula.h"
#include "emulsion/points.h"
#include "emulsion/prior.h"
#include "emulsion/result.h"
#include "emulsion/step_size.h"

namespace emulsion {

// How a point is given to components.
enum class Assignment {
  soft,  // by its posterior probabilities (EM)
  hard,  // whole, to the most probable one (classification EM; Celeux & Govaert 1992)
};

// Where components are put before the first EM pass.
enum class SeedKind {
  kmeans,  // at the centres of greedy k-means++ and Lloyd's algorithm
  random,  // at points of the data, all equally wide
};

// How the first model is found.
struct SeedOptions {
  SeedKind kind = SeedKind::kmeans;

  // Points that are buffered before the first model. More start better and later; what is missed here, one pass hardly
  // mends. 0: max(50 K, 10 K (d + 1)). Range >= 0.
  Index points = 0;

  // Independent starts; the best by likelihood is kept. Range [1, 1000].
  Index restarts = 8;

  // Batch EM passes over the buffer: at most 30 for each start, the rest for the best one. Range [1, 1000].
  Index passes = 100;

  // Seed of the random numbers: the same points and the same number give the same model.
  std::uint64_t random_seed = 1;
};

struct LearnerOptions {
  // Number of components, K. Range [1, 4096].
  Index components = 2;

  // Family of the components, as find_family takes it.
  std::string family = "gaussian(full)";

  // Components of several families, as formula.h writes them, such as "2*gaussian(full) + 1*uniform". A single term
  // without a count has `components` of them. Empty: `components` of `family`.
  std::string mixture;

  Assignment assignment = Assignment::soft;

  // Points of a mini-batch: the parameters are updated after so many. Smaller follows faster and costs more.
  // Range [1, 1048576].
  Index batch_points = 256;

  // Event time that a mini-batch may span: it is closed early before a point that is this much later than its first
  // point. For slow streams. 0: never. Range >= 0.
  double batch_seconds = 0;

  StepOptions step;
  SeedOptions seed;
  PriorOptions prior;

  // Publish and label with the average of the statistics over all updates (Polyak & Ruppert), which is smoother on a
  // stationary stream and slower on a moving one.
  bool averaging = false;

  // A component whose decayed number of points is below this keeps its parameters and is reported as starved.
  // Range >= 0.
  double starved_below_points = 1;

  // Threads that share the tiles of a mini-batch. The result does not depend on it. Range [1, 256].
  int threads = 1;
};

// What `mixture`, `components` and `family` come to, with families by their canonical names.
// Errors: no formula; a family that does not exist; components beyond [1, 4096].
Result<MixtureFormula> formula_of(const LearnerOptions& options);

}  // namespace emulsion
