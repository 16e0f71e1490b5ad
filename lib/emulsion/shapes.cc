#include "emulsion/shapes.h"

#include <cassert>

#include "emulsion/repair.h"

namespace emulsion {

Shapes::Shapes(Index dimension, Index count)
    : dimension_(dimension),
      covariances_(triangle(dimension), count),
      inverse_factors_(triangle(dimension), count),
      half_log_determinants_(count) {}

void Shapes::set_mode(Index s, const ConstColumn& scatter, double weight, const Prior& prior) {
  const double strength = prior.options.covariance_points;
  const double points = weight + strength;
  auto covariance = covariances_.col(s);
  covariance = scatter / points;
  const double of_prior = strength * prior.options.covariance_fraction / points;
  for (Index i = 0; i < dimension_; ++i) covariance[triangle(i) + i] += of_prior * prior.variances[i];
}

void Shapes::factor(Index first, Index count) {
  invert_cholesky(covariances_.middleCols(first, count), inverse_factors_.middleCols(first, count), half_log_determinants_.segment(first, count));
}

Repair Shapes::mend(Index s, const Prior& prior, const ConstColumn& before) {
  if (is_positive_definite(s) && is_regular(covariances_.col(s), inverse_factors_.col(s))) return Repair::none;
  const Repair repair = repair_covariance(covariances_.col(s), prior.variances);
  if (repair == Repair::kept_previous) set(s, before);
  factor(s, 1);
  assert(is_positive_definite(s));
  return repair;
}

}  // namespace emulsion
