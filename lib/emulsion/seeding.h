// The first mixture of a stream, from its first points.
#pragma once

#include <memory>

#include "emulsion/learner_options.h"
#include "emulsion/mixture.h"
#include "emulsion/workers.h"

namespace emulsion {

// Points that the first model needs, by the options or, if they leave it open, by K and d.
Index points_to_seed(const LearnerOptions& options, Index dimension);

// A mixture fitted to a buffer of points by batch EM.
//
// Several starts, each by greedy k-means++ and Lloyd's algorithm on standardised coordinates and a few EM passes; the most
// likely one is kept and improved further. Deterministic: the same points and options give the same bits.
//   batch  at least one point; fewer points than components leave some components on equal places
// Errors: unknown family.
// Source: Arthur & Vassilvitskii (2007), k-means++: the advantages of careful seeding, section 2.2 and 3 (greedy choice).
Result<std::shared_ptr<const Mixture>> seed_mixture(const PointBatch& batch, const LearnerOptions& options, Workers& workers);

}  // namespace emulsion
