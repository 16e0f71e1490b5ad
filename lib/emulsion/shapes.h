// Positive definite matrices of components, as they are made: covariances, or scales.
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <functional>
#include <vector>

#include "emulsion/family.h"
#include "emulsion/prior.h"
#include "emulsion/scatter.h"
#include "emulsion/workers.h"

namespace emulsion {

// S matrices with the inverses of their Cholesky factors. They are set one by one, and factored some at a time.
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

  // Factors all of them.
  void factor() { factor(0, size()); }

  // The M-step: sets, factors and mends all of them; with all workers where that pays.
  //   estimate(s)  sets matrix s, by set_mode; or returns false: then the matrix is what it was before. Called by any thread
  //   keep         S: these are what they were before, and not estimated
  //   before       d(d+1)/2 x S: lower triangles, row by row, which were factored once
  // Returns what had to be done for each: kept_previous also where nothing was estimated that should have been.
  std::vector<Repair> maximise(const std::function<bool(Index)>& estimate, const std::vector<bool>& keep, const Eigen::MatrixXd& before,
                               const Prior& prior, Workers& workers);

  // Of a matrix that was factored.
  bool is_positive_definite(Index s) const { return !std::isnan(half_log_determinants_[s]); }
  double half_log_determinant(Index s) const { return half_log_determinants_[s]; }

  // Lower triangles, row by row: d(d+1)/2 x S.
  const Eigen::MatrixXd& covariances() const { return covariances_; }
  const Eigen::MatrixXd& inverse_factors() const { return inverse_factors_; }

 private:
  void factor(Index first, Index count);
  Repair mend(Index s, const Prior& prior, const ConstColumn& before);

  Index dimension_;
  Eigen::MatrixXd covariances_;
  Eigen::MatrixXd inverse_factors_;
  Eigen::VectorXd half_log_determinants_;  // S; NaN where a matrix is not positive definite
};

}  // namespace emulsion
