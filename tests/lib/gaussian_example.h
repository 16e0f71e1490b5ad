// What the tests of the Gaussian families share.
#pragma once

#include "lib/gaussian_at_work.h"

namespace emulsion::testing {

inline constexpr Index kDimension = 3;
inline constexpr Index kComponents = 3;

GaussianCase any_gaussian();

struct GaussianExample {
  explicit GaussianExample(const GaussianCase& c, double offset = 0, Index n = 200);

  BankStatistics statistics(Index first, Index count) const;

  std::vector<Gaussian> components;
  std::shared_ptr<const Bank> bank;
  Eigen::MatrixXd points;
  Eigen::MatrixXd shares;
};

inline bool dense(const GaussianCase& c) { return c.shape == Shape::full || c.shape == Shape::tied; }

}  // namespace emulsion::testing
