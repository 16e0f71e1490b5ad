#include "lib/gaussian_example.h"

namespace emulsion::testing {

GaussianCase any_gaussian() {
  const GaussianCase c = GENERATE(from_range(gaussian_cases()));
  UNSCOPED_INFO(c.name);
  return c;
}

GaussianExample::GaussianExample(const GaussianCase& c, double offset, Index n)
    : components(example_components(c.shape, kDimension, kComponents, offset)),
      bank(bank_of(c, components)),
      points((3 * Sampler(7).normals(kDimension, n)).array() + offset),
      shares(some_shares(n, kComponents, 8)) {}

BankStatistics GaussianExample::statistics(Index first, Index count) const {
  return statistics_of(*bank, points.middleCols(first, count), shares.middleRows(first, count));
}

}  // namespace emulsion::testing
