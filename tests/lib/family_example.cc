#include "lib/family_example.h"

namespace emulsion::testing {

FamilyCase any_family() {
  const FamilyCase c = GENERATE(from_range(family_cases()));
  UNSCOPED_INFO(c.name);
  return c;
}

const Family& family_of(const FamilyCase& c) {
  const auto family = find_family(c.name);
  if (!family) FAIL(family.error().message);
  return **family;
}

std::shared_ptr<const Bank> bank_of(const FamilyCase& c, const Eigen::MatrixXd& parameters) {
  auto bank = family_of(c).unpack(parameters, c.dimension);
  if (!bank) FAIL(bank.error().message);
  return *bank;
}

Eigen::MatrixXd draw_points(const FamilyCase& c, Index n, std::uint64_t seed, Index only) {
  Sampler sampler(seed);
  Eigen::MatrixXd points(c.dimension, n);
  for (Index i = 0; i < n; ++i)
    points.col(i) = c.draw(sampler, c.parameters.col(only < 0 ? i % c.parameters.cols() : only));
  return points;
}

Example::Example(const FamilyCase& c, Index n)
    : family(&family_of(c)),
      bank(bank_of(c, c.parameters)),
      points(draw_points(c, n, 7)),
      shares(some_shares(n, bank->size(), 8)),
      prior(prior_of(points, no_prior_options())) {
  const Eigen::MatrixXd densities = log_densities(*bank, tile_of(points));
  shares = (densities.array() > -1e300).select(shares, 0.0);
}

BankStatistics Example::statistics(Index first, Index count) const {
  return statistics_of(*bank, points.middleCols(first, count), shares.middleRows(first, count));
}

Eigen::MatrixXd with_losses(const Eigen::MatrixXd& points, double fraction, std::uint64_t seed) {
  PointBatch batch{points, {}, {}};
  lose_coordinates(batch, fraction, seed);
  return batch.points;
}

double expected_log_density(const Bank& bank, const Eigen::MatrixXd& points, const Eigen::MatrixXd& shares) {
  const Eigen::MatrixXd densities = log_densities(bank, tile_of(points));
  double sum = 0;
  for (Index k = 0; k < shares.cols(); ++k)
    for (Index i = 0; i < shares.rows(); ++i)
      if (shares(i, k) > 0) sum += shares(i, k) * densities(i, k);
  return sum;
}

void check_usable(const Bank& bank) {
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
