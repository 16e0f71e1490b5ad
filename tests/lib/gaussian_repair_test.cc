// The repair ladder in the families of Gaussians.
#include <catch2/catch.hpp>
#include <limits>

#include "lib/gaussian_example.h"

namespace emulsion {
namespace {

using namespace testing;

// What maximise makes of points by the thousand is usable: finite, and a distribution.
void check_usable_update(const GaussianCase& c, const MaximisedBank& found) {
  const auto packed = found.bank->pack();
  CHECK(packed.allFinite());
  const auto again = family_of(c).unpack(packed, found.bank->dimension());
  CAPTURE(again ? std::string() : again.error().message);
  CHECK(again);
  Tile tile = tile_of(packed.topRows(found.bank->dimension()));
  CHECK(log_densities(*found.bank, tile).allFinite());
}

struct Repaired {
  MaximisedBank maximised;
  Eigen::MatrixXd covariance;  // of component 1
};

Repaired one_component(const GaussianCase& c, const Eigen::MatrixXd& points, double strength) {
  const auto bank = family_of(c).place(points.leftCols(1), Eigen::VectorXd::Ones(points.rows()));
  const auto statistics = statistics_of(*bank, points, Eigen::MatrixXd::Ones(points.cols(), 1));
  const Prior prior{{strength, 1e-3, 0}, Eigen::VectorXd::Ones(points.rows())};
  auto found = maximise(statistics, *bank, prior);
  check_usable_update(c, found);
  return {found, components_of(c, *found.bank).front().covariance.cast<double>()};
}

TEST_CASE("points on a line make a covariance that needs jitter only where coordinates may correlate", "[gaussian]") {
  const auto c = any_gaussian();
  // Along (1, 1): variances 2/3, covariance 2/3.
  const auto found = one_component(c, (Eigen::MatrixXd(2, 3) << -1, 0, 1, -1, 0, 1).finished(), 0);
  CHECK(found.maximised.repairs.front() == (dense(c) ? Repair::jitter : Repair::none));
  CHECK(found.covariance(0, 0) == Approx(2.0 / 3).epsilon(1e-9));
  if (dense(c)) CHECK(found.covariance(1, 0) == Approx(2.0 / 3).epsilon(1e-9));
}

TEST_CASE("points that are all equal make a covariance at the bottom of the ladder, relative to the stream",
          "[gaussian]") {
  const auto c = any_gaussian();
  const auto found = one_component(c, Eigen::MatrixXd::Constant(2, 9, 1e8), 0);
  CHECK(found.maximised.repairs.front() == (dense(c) ? Repair::jitter : Repair::eigenvalue_floor));
  CHECK(found.covariance(0, 0) == Approx(dense(c) ? 1e-12 : 1e-9));
  // With a prior it is the prior's: 9 points at 0 and 1 at 1e-3.
  const auto held = one_component(c, Eigen::MatrixXd::Constant(2, 9, 1e8), 1);
  CHECK(held.maximised.repairs.front() == Repair::none);
  CHECK(held.covariance(0, 0) == Approx(1e-4));
}

TEST_CASE("a single point without a prior still makes a distribution", "[gaussian]") {
  const auto c = any_gaussian();
  const auto found = one_component(c, Eigen::Vector2d(3, 4), 0);
  CHECK(found.maximised.repairs.front() != Repair::none);
  CHECK(found.maximised.bank->pack()(0, 0) == 3);
}

TEST_CASE("scatter that no points can have is repaired from its good directions, or kept", "[gaussian]") {
  const auto c = any_gaussian();
  const auto bank = family_of(c).place(Eigen::MatrixXd::Zero(2, 1), Eigen::Vector2d(7, 7));
  BankStatistics statistics = family_of(c).empty(2, 1);
  statistics.weight[0] = 1;
  if (dense(c))
    statistics.moments.col(0) << 0, 0, 1, 2, 1;  // eigenvalues 3 and -1
  else
    statistics.moments.col(0) << 0, 0, -1, -1;
  const auto found = maximise(statistics, *bank, no_prior(2));
  check_usable_update(c, found);
  CHECK(found.repairs.front() == Repair::eigenvalue_floor);
}

TEST_CASE("beyond repair a component keeps all of its last good parameters", "[gaussian]") {
  const auto c = any_gaussian();
  const double bad = GENERATE(std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN());
  const auto bank = family_of(c).place(Eigen::MatrixXd::Constant(2, 1, 5), Eigen::Vector2d(7, 7));
  BankStatistics statistics = family_of(c).empty(2, 1);
  statistics.weight[0] = 1;
  statistics.moments.col(0).setConstant(1);
  statistics.moments.col(0).tail(1).setConstant(bad);
  auto found = maximise(statistics, *bank, no_prior(2));
  CHECK(found.repairs.front() == Repair::kept_previous);
  CHECK(same_bits(found.bank->pack(), bank->pack()));

  statistics.moments.col(0).setConstant(1);
  statistics.moments(0, 0) = bad;
  found = maximise(statistics, *bank, no_prior(2));
  CHECK(found.repairs.front() == Repair::kept_previous);
  const Index kept = c.shape == Shape::tied ? 2 : found.bank->pack().rows();  // a tied covariance belongs to all
  CHECK(same_bits(found.bank->pack().topRows(kept), bank->pack().topRows(kept)));
}

TEST_CASE("no points and no prior leave the last good covariance", "[gaussian]") {
  const auto c = any_gaussian();
  const auto bank = family_of(c).place(Eigen::MatrixXd::Constant(2, 2, 5), Eigen::Vector2d(7, 7));
  const auto found = maximise(family_of(c).empty(2, 2), *bank, no_prior(2));
  check_usable_update(c, found);
  CHECK(components_of(c, *found.bank).front().covariance(0, 0) == 7);
}

TEST_CASE("in any unit maximising and packing yield finite numbers", "[gaussian]") {
  const auto c = any_gaussian();
  const double unit = GENERATE(1e-150, 1e-100, 1e-30, 1.0, 1e30, 1e100, 1e149);
  const double strength = GENERATE(0.0, 1.0);
  CAPTURE(unit, strength);
  const Eigen::MatrixXd points = unit * Sampler(3).normals(kDimension, 40);
  const Eigen::VectorXd spread = Eigen::VectorXd::Constant(kDimension, unit * unit);
  const auto bank = family_of(c).place(points.leftCols(kComponents), spread);
  for (const double share : {1e-300, 1e-12, 1.0, 1e6}) {
    CAPTURE(share);
    const auto statistics = statistics_of(*bank, points, Eigen::MatrixXd::Constant(40, kComponents, share));
    REQUIRE(statistics.moments.allFinite());
    check_usable_update(c, maximise(statistics, *bank, {{strength, 1e-3, 0}, spread}));
  }
}

}  // namespace
}  // namespace emulsion
