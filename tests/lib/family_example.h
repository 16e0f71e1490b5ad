// What the tests of the contract of family.h share.
#pragma once

#include "lib/bank_at_work.h"

namespace emulsion::testing {

inline constexpr Index kDimension = 3;
inline constexpr Index kComponents = 3;

inline FamilyCase any_family() {
  const FamilyCase c = GENERATE(from_range(family_cases()));
  UNSCOPED_INFO(c.name);
  return c;
}

struct Example {
  explicit Example(const FamilyCase& c, double offset = 0, Index n = 200)
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

inline BankStatistics merged(BankStatistics a, const BankStatistics& b) {
  a.family->merge(a, b);
  return a;
}

inline BankStatistics scaled(BankStatistics a, double factor) {
  a.family->scale(a, factor);
  return a;
}

inline bool dense(const FamilyCase& c) { return c.shape == Shape::full || c.shape == Shape::tied; }

}  // namespace emulsion::testing
