// A mixture model: density(x) = sum over k of weight_k * density_k(x).
//
// Immutable; may be shared between threads.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <memory>
#include <vector>

#include "emulsion/family.h"
#include "emulsion/kernels/kernels.h"
#include "emulsion/learner_options.h"
#include "emulsion/statistics.h"

namespace emulsion {

// What a mixture says of the rows of one tile. Reused from tile to tile.
struct Expectation {
  explicit Expectation(Index components);

  // Empties the lists of the blocks of some rows, and sets their responsibilities to 0; all of them, unless it is `sparse` already.
  void clear_lists(LaneRange lanes);

  LaneMatrix responsibilities;                       // 256 x K: posterior probabilities; each row sums to 1
  Eigen::Array<double, kTilePoints, 1> log_density;  // of the point under the whole mixture, nats; finite
  std::array<std::int32_t, kTilePoints> most_probable;  // component with the highest responsibility; the first of equals
  kernels::ListedComponents listed;  // used by a mixture that has been screened
  bool sparse = false;               // true: only responsibilities of listed components may be other than 0
  LaneMatrix shares;      // 256 x K: what each row counts for each component; used by `accumulate`
  Index shared_rows = 0;  // all later rows of `shares` are 0
};

class Mixture {
 public:
  //   banks    of the same dimension; together K components
  //   weights  K, each >= 0, sum 1
  Mixture(std::vector<std::shared_ptr<const Bank>> banks, Eigen::VectorXd weights);

  Index dimension() const { return banks_.front()->dimension(); }
  Index size() const { return weights_.size(); }
  const Eigen::VectorXd& weights() const { return weights_; }
  const std::vector<std::shared_ptr<const Bank>>& banks() const { return banks_; }

  // The same mixture, which leaves out components that cannot matter for a point: it says the same bits, faster where there
  // are many components, or dimensions. Takes some work, which some thousand points are worth.
  Mixture screened() const;

  // Posterior probability of each component for some rows of a tile, in log space, so that a point far from every
  // component still gets finite values. A responsibility below e^-36 of the highest, 2e-16, is 0.
  // Source: Bishop, Pattern Recognition and Machine Learning (2006), eq. 9.13 and 9.23.
  void expect(const Tile& tile, LaneRange lanes, Expectation& out) const;

  // The statistics of a tile for which `expectation` has been computed, its rows weighted as they count at its end.
  //   expectation  its shares are overwritten
  //   statistics   some of this mixture, to be overwritten
  void accumulate(const Tile& tile, Expectation& expectation, Assignment assignment, Statistics& statistics) const;

  // What `expect` needs is fetched; see prefetch.h.
  void prefetch(int step) const;

  // Statistics of no points.
  Statistics empty_statistics() const;

  // True if statistics have the form of those.
  bool leaves(const Statistics& statistics) const;

 private:
  void take_noise_off(Eigen::Array<double, kTilePoints, 1>& weights, const LaneMatrix& shares) const;

  std::vector<std::shared_ptr<const Bank>> banks_;
  std::vector<std::shared_ptr<const Screen>> screens_;  // one for each bank, null if it has none; or empty
  Eigen::VectorXd weights_;
  Eigen::VectorXd log_weights_;
};

struct MaximisedMixture {
  std::shared_ptr<const Mixture> mixture;
  std::vector<Repair> repairs;  // K
  std::vector<bool> starved;    // K
};

// The M-step: the mixture that makes the statistics most probable under the prior.
//   previous              its components keep their parameters where they are starved
//   starved_below_points  a component of less weight is starved
//   workers               share the work; without them, the calling thread does it
// Errors: the statistics hold a number that is not finite.
Result<MaximisedMixture> maximise(const Statistics& statistics, const PriorOptions& prior, const Mixture& previous,
                                  double starved_below_points, Workers& workers);
Result<MaximisedMixture> maximise(const Statistics& statistics, const PriorOptions& prior, const Mixture& previous,
                                  double starved_below_points);

}  // namespace emulsion
