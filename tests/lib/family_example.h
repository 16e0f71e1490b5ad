// What the tests of the contract of family.h share.
#pragma once

#include "emulsion/em_pass.h"
#include "emulsion/mixture.h"
#include "lib/families_under_test.h"

namespace emulsion::testing {

inline FamilyCase any_family() {
  const FamilyCase c = GENERATE(from_range(family_cases()));
  UNSCOPED_INFO(c.name);
  return c;
}

inline const Family& family_of(const FamilyCase& c) {
  const auto family = find_family(c.name);
  if (!family) FAIL(family.error().message);
  return **family;
}

inline std::shared_ptr<const Bank> bank_of(const FamilyCase& c, const Eigen::MatrixXd& parameters) {
  auto bank = family_of(c).unpack(parameters, c.dimension);
  if (!bank) FAIL(bank.error().message);
  return *bank;
}

// d x n: points of the components in turn, or of one of them.
inline Eigen::MatrixXd draw_points(const FamilyCase& c, Index n, std::uint64_t seed, Index only = -1) {
  Sampler sampler(seed);
  Eigen::MatrixXd points(c.dimension, n);
  for (Index i = 0; i < n; ++i)
    points.col(i) = c.draw(sampler, c.parameters.col(only < 0 ? i % c.parameters.cols() : only));
  return points;
}

inline Eigen::MatrixXd with_losses(const Eigen::MatrixXd& points, double fraction, std::uint64_t seed) {
  PointBatch batch{points, {}, {}};
  lose_coordinates(batch, fraction, seed);
  return batch.points;
}

inline PriorOptions no_prior_options() { return {0, 1e-3, 0}; }

// Up to 256 points of the example components, and how much of each belongs to which of them: nothing where it cannot be
// of the component.
struct Example {
  explicit Example(const FamilyCase& c, Index n = 200)
      : family(&family_of(c)),
        bank(bank_of(c, c.parameters)),
        points(draw_points(c, n, 7)),
        shares(some_shares(n, bank->size(), 8)),
        prior(prior_of(points, no_prior_options())) {
    const Eigen::MatrixXd densities = log_densities(*bank, tile_of(points));
    shares = (densities.array() > -1e300).select(shares, 0.0);
  }

  BankStatistics statistics(Index first, Index count) const {
    return statistics_of(*bank, points.middleCols(first, count), shares.middleRows(first, count));
  }

  const Family* family;
  std::shared_ptr<const Bank> bank;
  Eigen::MatrixXd points;
  Eigen::MatrixXd shares;
  Prior prior;  // none: maximum likelihood, but the stream's own scale
};

// The points' log densities under their components, weighted with their shares.
inline double expected_log_density(const Bank& bank, const Eigen::MatrixXd& points, const Eigen::MatrixXd& shares) {
  const Eigen::MatrixXd densities = log_densities(bank, tile_of(points));
  double sum = 0;
  for (Index k = 0; k < shares.cols(); ++k)
    for (Index i = 0; i < shares.rows(); ++i)
      if (shares(i, k) > 0) sum += shares(i, k) * densities(i, k);
  return sum;
}

// What maximise or place made is a distribution.
inline void check_usable(const Bank& bank) {
  const Eigen::MatrixXd packed = bank.pack();
  CAPTURE(packed);
  CHECK(packed.allFinite());
  CHECK(bank.means().allFinite());
  CHECK(bank.variances().allFinite());
  const auto again = bank.family().unpack(packed, bank.dimension());
  CAPTURE(again ? std::string() : again.error().message);
  CHECK(again);
}

}  // namespace emulsion::testing
