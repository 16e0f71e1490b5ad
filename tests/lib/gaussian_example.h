// What the tests of the Gaussian families share.
#pragma once

#include "lib/gaussian_at_work.h"

namespace emulsion::testing {

inline constexpr Index kDimension = 3;
inline constexpr Index kComponents = 3;

inline GaussianCase any_gaussian() {
  const GaussianCase c = GENERATE(from_range(gaussian_cases()));
  UNSCOPED_INFO(c.name);
  return c;
}

struct GaussianExample {
  explicit GaussianExample(const GaussianCase& c, double offset = 0, Index n = 200)
      : components(example_components(c.shape, kDimension, kComponents, offset)),
        bank(bank_of(c, components)),
        points((3 * Sampler(7).normals(kDimension, n)).array() + offset),
        shares(some_shares(n, kComponents, 8)) {}

  BankStatistics statistics(Index first, Index count) const {
    return statistics_of(*bank, points.middleCols(first, count), shares.middleRows(first, count));
  }

  std::vector<Gaussian> components;
  std::shared_ptr<const Bank> bank;
  Eigen::MatrixXd points;
  Eigen::MatrixXd shares;
};

inline bool dense(const GaussianCase& c) { return c.shape == Shape::full || c.shape == Shape::tied; }

}  // namespace emulsion::testing
