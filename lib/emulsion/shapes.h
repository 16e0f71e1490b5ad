// Positive definite matrices of components, as they are made: covariances, or scales.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "emulsion/family.h"
#include "emulsion/inverse_factors.h"
#include "emulsion/prior.h"
#include "emulsion/scatter.h"
#include "emulsion/workers.h"

namespace emulsion {

// S matrices with the inverses of their Cholesky factors. First matrices are set, then factored; threads may share the work.
class Shapes {
 public:
  Shapes(Index dimension, Index count);

  Index dimension() const { return dimension_; }
  Index size() const { return covariances_.cols(); }

  // Sets a matrix. One that was factored before has the same inverse factor again, to the last bit.
  //   covariance  its lower triangle, row by row
  void set(Index s, const ConstColumn& covariance) { covariances_.col(s) = covariance; }

  // Sets the mode of the posterior under an inverse-Wishart prior worth the prior's points.
  //   scatter  its lower triangle, row by row
  void set_mode(Index s, const ConstColumn& scatter, double weight, const Prior& prior);

  // Factors `count` matrices from `first` on; or all.
  void factor(Index first, Index count);
  void factor() { factor(0, size()); }

  // Of a matrix that was factored.
  bool is_positive_definite(Index s) const { return !std::isnan(half_log_determinants_[s]); }
  double half_log_determinant(Index s) const { return half_log_determinants_[s]; }

  // Mends and factors a matrix that was factored before, by the repair ladder; where that ends with what was before, sets that.
  // Returns what had to be done: mostly nothing.
  Repair mend(Index s, const Prior& prior, const ConstColumn& before);

  // Lower triangles, row by row: d(d+1)/2 x S.
  const Eigen::MatrixXd& covariances() const { return covariances_; }
  const Eigen::MatrixXd& inverse_factors() const { return inverse_factors_; }

 private:
  Index dimension_;
  Eigen::MatrixXd covariances_;
  Eigen::MatrixXd inverse_factors_;
  Eigen::VectorXd half_log_determinants_;  // S; NaN where a matrix is not positive definite
};

// Calls task(first, count) for runs of matrices of order d, as many as are factored side by side; with all workers where that pays.
template <typename Task>
void for_each_run_of_shapes(Index size, Index d, Workers& workers, const Task& task) {
  constexpr Index kWorthSharing = 1 << 15;  // so many operations take longer than to wake somebody
  const Index at_once = matrices_at_once(d);
  const auto run = [&](Index i) { task(i * at_once, std::min(at_once, size - i * at_once)); };
  const Index runs = (size + at_once - 1) / at_once;
  if (size * d * d * d >= kWorthSharing) {
    workers.for_each(runs, run);
  } else {
    for (Index i = 0; i < runs; ++i) run(i);
  }
}

}  // namespace emulsion
