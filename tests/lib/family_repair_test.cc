// The contract of family.h where points are hardly enough: whatever they are, parameters stay usable.
#include <catch2/catch.hpp>
#include <limits>

#include "lib/family_example.h"

namespace emulsion {
namespace {

using namespace testing;

TEST_CASE("components can be placed anywhere, and are usable there", "[family]") {
  const auto c = any_family();
  const double unit = GENERATE(1e-30, 1.0, 1e3, 1e30);
  const Eigen::MatrixXd centres = unit * Sampler(5).normals(c.dimension, 7);
  const auto bank = family_of(c).place(centres, Eigen::VectorXd::Constant(c.dimension, unit * unit));
  CHECK(bank->size() == 7);
  CHECK(bank->dimension() == c.dimension);
  check_usable(*bank);
  check_usable(*family_of(c).place(Eigen::MatrixXd::Zero(c.dimension, 2), Eigen::VectorXd::Ones(c.dimension)));
}

TEST_CASE("components placed at points of the support give them a density", "[family]") {
  const auto c = any_family();
  const Example e(c);
  const auto bank = e.family->place(e.points.leftCols(6), e.prior.variances);
  check_usable(*bank);
  const Eigen::MatrixXd found = log_densities(*bank, tile_of(e.points.leftCols(6)));
  for (Index k = 0; k < 6; ++k) CHECK(found(k, k) > -1e300);
}

TEST_CASE("maximising and packing never yield a number that is not finite", "[family]") {
  const auto c = any_family();
  const double strength = GENERATE(0.0, 1.0);
  CAPTURE(strength);
  const Example e(c);
  const Index components = e.bank->size();
  const Index different = GENERATE(1, 2, 60);  // one point over and over, two points, many
  CAPTURE(different);
  Eigen::MatrixXd points(c.dimension, 60);
  for (Index i = 0; i < 60; ++i) points.col(i) = e.points.col(i % different * components);  // of component 1
  for (const double share : {1e-300, 1e-12, 1.0, 1e6}) {
    CAPTURE(share);
    Eigen::MatrixXd shares = Eigen::MatrixXd::Zero(60, components);
    shares.col(0).setConstant(share);
    const auto statistics = statistics_of(*e.bank, points, shares);
    REQUIRE(statistics.moments.allFinite());
    for (const Eigen::MatrixXd& stream : {e.points, points}) {
      const auto found = maximise(statistics, *e.bank, prior_of(stream, {strength, 1e-3, 0}));
      check_usable(*found.bank);
      CHECK(log_densities(*found.bank, tile_of(points)).col(0).allFinite());
    }
  }
}

TEST_CASE("components of points that are all equal stay usable for as long as they learn them", "[family]") {
  const auto c = any_family();
  const double strength = GENERATE(0.0, 1.0);
  CAPTURE(strength);
  const Example e(c);
  const Eigen::MatrixXd points = e.points.col(0).replicate(1, 40);
  const Prior prior = prior_of(points, {strength, 1e-3, 0});
  auto bank = e.bank;
  Eigen::MatrixXd shares = Eigen::MatrixXd::Zero(40, bank->size());
  shares.col(0).setOnes();
  for (int step = 0; step < 200; ++step) bank = maximise(statistics_of(*bank, points, shares), *bank, prior).bank;
  check_usable(*bank);
  CHECK(std::isfinite(log_densities(*bank, tile_of(points))(0, 0)));
}

TEST_CASE("no points and no prior leave components usable", "[family]") {
  const auto c = any_family();
  const Example e(c);
  check_usable(*maximise(e.family->empty(c.dimension, e.bank->size()), *e.bank, e.prior).bank);
}

TEST_CASE("from statistics that hold no numbers a component keeps all of its last good parameters", "[family]") {
  const auto c = any_family();
  const double bad = GENERATE(std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN());
  if (!c.keeps(Law::moved_by_points)) return;
  const Example e(c);
  auto statistics = e.statistics(0, 200);
  statistics.moments.col(1).setConstant(bad);
  const auto found = maximise(statistics, *e.bank, e.prior);
  check_usable(*found.bank);
  CHECK(same_bits(found.bank->pack().col(1), c.parameters.col(1)));
  if (c.keeps(Law::own_parameters))
    CHECK(found.repairs == std::vector<Repair>{Repair::none, Repair::kept_previous, Repair::none});
}

TEST_CASE("a component that is kept keeps its parameters, to the last bit", "[family]") {
  const auto c = any_family();
  if (!c.keeps(Law::own_parameters)) return;
  const Example e(c);
  Workers two(2);
  const auto found = e.family->maximise(e.statistics(0, 200), e.prior, *e.bank, {false, true, false}, two).bank->pack();
  CHECK(same_bits(found.col(1), c.parameters.col(1)));
  if (c.keeps(Law::moved_by_points)) CHECK_FALSE(same_bits(found.col(0), c.parameters.col(0)));
}

}  // namespace
}  // namespace emulsion
