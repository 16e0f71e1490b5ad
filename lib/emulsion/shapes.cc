#include "emulsion/shapes.h"

#include <algorithm>
#include <cassert>

#include "emulsion/inverse_factors.h"
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

std::vector<Repair> Shapes::maximise(const std::function<bool(Index)>& estimate, const std::vector<bool>& keep, const Eigen::MatrixXd& before,
                                     const Prior& prior, Workers& workers) {
  constexpr Index kWorthSharing = 1 << 15;  // so many operations take longer than to wake somebody
  const Index at_once = matrices_at_once(dimension_);
  std::vector<Repair> repairs(keep.size(), Repair::none);
  const auto run = [&](Index number) {
    const Index first = number * at_once, end = std::min(first + at_once, size());
    for (Index s = first; s < end; ++s) {
      const bool kept = keep[static_cast<std::size_t>(s)];
      if (!kept && estimate(s)) continue;
      set(s, before.col(s));
      if (!kept) repairs[static_cast<std::size_t>(s)] = Repair::kept_previous;
    }
    factor(first, end - first);
    for (Index s = first; s < end; ++s) {
      Repair& repair = repairs[static_cast<std::size_t>(s)];
      if (!keep[static_cast<std::size_t>(s)] && repair == Repair::none) repair = mend(s, prior, before.col(s));
    }
  };
  const Index runs = (size() + at_once - 1) / at_once;
  if (size() * dimension_ * dimension_ * dimension_ >= kWorthSharing)
    workers.for_each(runs, run);
  else
    for (Index number = 0; number < runs; ++number) run(number);
  return repairs;
}

// Mends a matrix that was factored, by the repair ladder; where that ends with what was before, sets that. Returns what had to be done.
Repair Shapes::mend(Index s, const Prior& prior, const ConstColumn& before) {
  if (is_positive_definite(s) && is_regular(covariances_.col(s), inverse_factors_.col(s))) return Repair::none;
  const Repair repair = repair_covariance(covariances_.col(s), prior.variances);
  if (repair == Repair::kept_previous) set(s, before);
  factor(s, 1);
  assert(is_positive_definite(s));
  return repair;
}

}  // namespace emulsion
