// The first mixture of some points.
//
// Deterministic: the same points and options give the same bits.
// Source: Arthur & Vassilvitskii (2007), k-means++: the advantages of careful seeding, section 2.2 and 3 (greedy choice);
// Cuesta-Albertos, Gordaliza & Matrán (1997), Trimmed k-means: an attempt to robustify quantizers, for mixtures with noise.
#pragma once

#include <memory>
#include <vector>

#include "emulsion/learner_options.h"
#include "emulsion/mixture.h"
#include "emulsion/random.h"
#include "emulsion/workers.h"

namespace emulsion {

// Points that the first model needs, by the options or, if they leave it open, by K and d.
Index points_to_seed(const LearnerOptions& options, Index dimension);

// First guesses at a mixture, one after another, each another one.
//
// kmeans++: centres by greedy k-means++ and Lloyd's algorithm on standardised coordinates, each cluster given to a component
// at random where there are several families, and one M-step from that hard assignment.
// With noise in the mixture, k-means sets aside some of the points that are farthest from all centres; they begin as noise.
// How many, no one knows: a tenth, a twentieth, a fifth and none, in turn.
// random: components at points of the data, as wide as half of its variance, with equal weights.
// Components of noise get a twentieth of the points each.
class StartingMixtures {
 public:
  //   batch   at least one point; fewer points than components leave some components on equal places
  //   tiles   the same points, which the caller keeps
  // Errors: options whose formula is none, or does not suit the dimension.
  static Result<StartingMixtures> make(const PointBatch& batch, const std::vector<Tile>& tiles, const LearnerOptions& options);
  ~StartingMixtures();
  StartingMixtures(StartingMixtures&&) noexcept;

  std::shared_ptr<const Mixture> next();

 private:
  struct State;
  explicit StartingMixtures(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// A mixture fitted to a buffer of points: several starts, each with a few EM passes; the most likely one is kept and
// improved further. Where EM fails, for overflow or because a family fails, the start is what is left.
//   batch  as above
// Errors: as above.
Result<std::shared_ptr<const Mixture>> seed_mixture(const PointBatch& batch, const LearnerOptions& options, Workers& workers);

}  // namespace emulsion
