// The contract of family.h, for every family of the registry. The names of the tests are the contract.
#include <catch2/catch.hpp>

#include "lib/family_example.h"

namespace emulsion {
namespace {

using namespace testing;

TEST_CASE("every family of the registry is under test", "[family]") {
  std::vector<std::string> names;
  for (const auto& c : family_cases()) names.push_back(c.name);
  CHECK(names == family_names());
}

TEST_CASE("a family is found by its name, an unknown one is refused with the names there are", "[family]") {
  const auto c = any_family();
  REQUIRE(find_family(c.name));
  CHECK((*find_family(c.name))->name() == c.name);
  const auto unknown = find_family("gauss");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().message ==
        "family \"gauss\" is unknown; there are: gaussian(full), gaussian(diagonal), gaussian(spherical), "
        "gaussian(tied)");
}

TEST_CASE("merging equals having seen both batches", "[family]") {
  const auto c = any_family();
  const auto [offset, tolerance] = GENERATE(table<double, double>({{0, 1e-13}, {1e8, 1e-7}}));
  const Example e(c, offset);
  const BankStatistics both = merged(e.statistics(0, 80), e.statistics(80, 120));
  CHECK(difference(both, e.statistics(0, 200)) < tolerance);
  // And both equal the sums by the textbook.
  std::vector<Moments> all;
  for (Index k = 0; k < kComponents; ++k)
    all.push_back(moments(e.components[static_cast<std::size_t>(k)], e.points, e.shares.col(k).cast<Wide>()));
  const auto found = maximise(both, *e.bank, no_prior(kDimension));
  check_equal(components_of(c, *found.bank), m_step(c.shape, all, 0, WideVector::Ones(kDimension)), tolerance);
}

TEST_CASE("merging is associative and commutative", "[family]") {
  const auto c = any_family();
  const Example e(c);
  const auto a = e.statistics(0, 20), b = e.statistics(20, 100), d = e.statistics(120, 80);
  CHECK(difference(merged(merged(a, b), d), merged(a, merged(b, d))) < 1e-13);
  CHECK(difference(merged(a, b), merged(b, a)) < 1e-13);
}

TEST_CASE("merging with no points changes nothing", "[family]") {
  const auto c = any_family();
  const Example e(c);
  const auto none = family_of(c).empty(kDimension, kComponents);
  const auto a = e.statistics(0, 50);
  CHECK(same_bits(merged(a, none), a));
  CHECK(same_bits(merged(none, a), a));
  CHECK(same_bits(merged(none, none), none));
  CHECK(none.weight.isZero(0));
  CHECK(none.weight.size() == kComponents);
  CHECK(none.family == &family_of(c));
}

TEST_CASE("scaling by a and then by b is scaling by a*b, and scales weights, not parameters", "[family]") {
  const auto c = any_family();
  const Example e(c);
  const auto a = e.statistics(0, 100);
  CHECK(difference(scaled(scaled(a, 0.3), 7), scaled(a, 2.1)) < 1e-15);
  CHECK(same_bits(scaled(a, 1), a));
  CHECK(same_bits(scaled(a, 4).weight, 4 * a.weight));
  const auto before = maximise(a, *e.bank, no_prior(kDimension)).bank->pack();
  CHECK(difference(maximise(scaled(a, 0.37), *e.bank, no_prior(kDimension)).bank->pack(), before) < 1e-13);
}

TEST_CASE("scaling by 0 leaves what weighs nothing", "[family]") {
  const auto c = any_family();
  const Example e(c);
  const auto a = e.statistics(0, 50), b = e.statistics(50, 50);
  CHECK(difference(merged(scaled(a, 0), b), b) < 1e-15);
}

TEST_CASE("scaling and then merging is merging and then scaling", "[family]") {
  const auto c = any_family();
  const Example e(c);
  const auto a = e.statistics(0, 50), b = e.statistics(50, 50);
  CHECK(difference(merged(scaled(a, 0.2), scaled(b, 0.2)), scaled(merged(a, b), 0.2)) < 1e-14);
}

TEST_CASE("a point of weight 2 equals two points", "[family]") {
  const auto c = any_family();
  const Example e(c);
  auto points = e.points;
  points(1, 4) = points(0, 7) = points(2, 7) = std::nan("");
  Eigen::MatrixXd twice(kDimension, 100), shares_twice(100, kComponents);
  for (Index i = 0; i < 50; ++i) {
    twice.col(2 * i) = twice.col(2 * i + 1) = points.col(i);
    shares_twice.row(2 * i) = shares_twice.row(2 * i + 1) = e.shares.row(i);
  }
  CHECK(difference(statistics_of(*e.bank, points.leftCols(50), 2 * e.shares.topRows(50)),
                   statistics_of(*e.bank, twice, shares_twice)) < 1e-13);
}

TEST_CASE("a component without a share of any point has no statistics", "[family]") {
  const auto c = any_family();
  Example e(c);
  e.shares.col(1).setZero();
  const auto a = e.statistics(0, 200);
  CHECK(a.weight[1] == 0);
  CHECK(a.moments.col(1).isZero(0));
  CHECK(a.moments.allFinite());
}

TEST_CASE("rows past the end of a tile and columns of other banks are left out", "[family]") {
  const auto c = any_family();
  const Example e(c);
  LaneMatrix wide = LaneMatrix::Zero(kTilePoints, kComponents + 3);
  wide.col(0).setConstant(1e9);
  wide.block(0, 2, 90, kComponents) = e.shares.topRows(90).array();
  const auto found = e.bank->accumulate(tile_of(e.points.leftCols(90)), wide, 2);
  CHECK(same_bits(found, e.statistics(0, 90)));

  LaneMatrix out = LaneMatrix::Constant(kTilePoints, kComponents + 3, 42);
  e.bank->log_densities(tile_of(e.points), {16, 32}, out, 2);
  const Eigen::MatrixXd alone = log_densities(*e.bank, tile_of(e.points));
  CHECK(same_bits(Eigen::MatrixXd(out.block(16, 2, 16, kComponents)), alone.middleRows(16, 16)));
  CHECK((out.leftCols(2) == 42).all());
  CHECK((out.rightCols(1) == 42).all());
  CHECK((out.topRows(16) == 42).all());
  CHECK((out.bottomRows(kTilePoints - 32) == 42).all());
}

TEST_CASE("a log density is that of the formula", "[family]") {
  const auto c = any_family();
  const double offset = GENERATE(0.0, 1e8, -1e8);
  const Example e(c, offset);
  // What the bank holds is what the doubles of its packing say.
  const auto components = components_of(c, *e.bank);
  const auto found = log_densities(*e.bank, tile_of(e.points));
  double worst = 0;
  for (Index i = 0; i < e.points.cols(); ++i)
    for (Index k = 0; k < kComponents; ++k) {
      const Wide expected = log_density(components[static_cast<std::size_t>(k)], e.points.col(i));
      worst = std::max(worst, static_cast<double>(std::abs((found(i, k) - expected) / expected)));
    }
  CHECK(worst < 1e-13);
}

TEST_CASE("a standard normal has log density -0.9189 at its mean and half a nat less one deviation off", "[family]") {
  const auto c = any_family();
  const auto bank = family_of(c).place(Eigen::MatrixXd::Zero(1, 1), Eigen::VectorXd::Ones(1));
  const auto found = log_densities(*bank, tile_of((Eigen::MatrixXd(1, 2) << 0, -1).finished()));
  CHECK(found(0, 0) == Approx(-0.9189385332046727).epsilon(1e-15));
  CHECK(found(1, 0) == Approx(-1.4189385332046727).epsilon(1e-15));
}

TEST_CASE("a row's log density does not depend on its neighbours or its place in the tile, to the last bit",
          "[family]") {
  const auto c = any_family();
  const bool incomplete = GENERATE(false, true);
  const Example e(c);
  Eigen::VectorXd point = e.points.col(3);
  if (incomplete) point[1] = std::nan("");
  const Eigen::MatrixXd alone = log_densities(*e.bank, tile_of(point));
  Sampler sampler(9);
  bool same = true;
  for (Index place = 0; place < kTilePoints; ++place) {
    // A tile that goes on for a few rows, full of other points, some of them incomplete or far away.
    const Index size = std::min(kTilePoints, place + 1 + place % 11);
    Eigen::MatrixXd points = std::pow(10.0, static_cast<double>(place % 7)) * sampler.normals(kDimension, size);
    if (place % 3 == 0) points(place % kDimension, size / 2) = std::nan("");
    points.col(place) = point;
    same &= same_bits(log_densities(*e.bank, tile_of(points)).row(place), alone.row(0));
  }
  CHECK(same);
}

TEST_CASE("the density of an incomplete point is the marginal of the coordinates that it has", "[family]") {
  const auto c = any_family();
  const Example e(c);
  for (int lost = 1; lost < 7; ++lost) {  // each way to lose some coordinates, but not all
    Eigen::VectorXd point = e.points.col(lost);
    for (Index j = 0; j < kDimension; ++j)
      if (lost >> j & 1) point[j] = std::nan("");
    const auto found = log_densities(*e.bank, tile_of(point));
    for (Index k = 0; k < kComponents; ++k)
      CHECK(found(0, k) ==
            Approx(static_cast<double>(log_density(e.components[static_cast<std::size_t>(k)], point))).epsilon(1e-13));
  }
}

TEST_CASE("the marginal of one coordinate, by hand", "[family]") {
  const auto c = any_family();
  // Mean (1, 2), variances 4 and 4: N(x = 3; 1, 4) = -log(2 sqrt(2 pi)) - 1/2.
  const auto bank = family_of(c).place(Eigen::Vector2d(1, 2), Eigen::Vector2d(4, 4));
  const auto found = log_densities(*bank, tile_of(Eigen::Vector2d(3, std::nan(""))));
  CHECK(found(0, 0) == Approx(-0.6931471805599453 - 0.9189385332046727 - 0.5).epsilon(1e-15));
}

TEST_CASE("an M-step with missing values is that of Ghahramani and Jordan", "[family]") {
  const auto c = any_family();
  const auto [offset, tolerance] = GENERATE(table<double, double>({{0, 1e-12}, {1e8, 1e-7}}));
  Example e(c, offset);
  PointBatch batch{e.points, {}, {}};
  lose_coordinates(batch, 0.3, 11);
  e.points = batch.points;
  std::vector<Moments> all;
  for (Index k = 0; k < kComponents; ++k)
    all.push_back(moments(e.components[static_cast<std::size_t>(k)], e.points, e.shares.col(k).cast<Wide>()));
  const auto found = maximise(e.statistics(0, 200), *e.bank, no_prior(kDimension));
  check_equal(components_of(c, *found.bank), m_step(c.shape, all, 0, WideVector::Ones(kDimension)), tolerance);
}

TEST_CASE("the prior counts as its points, at its fraction of the stream's variances", "[family]") {
  const auto c = any_family();
  const Example e(c);
  const Prior prior{{5, 0.25, 0}, Eigen::Vector3d(1, 40, 300)};
  std::vector<Moments> all;
  for (Index k = 0; k < kComponents; ++k)
    all.push_back(moments(e.components[static_cast<std::size_t>(k)], e.points, e.shares.col(k).cast<Wide>()));
  const auto found = maximise(e.statistics(0, 200), *e.bank, prior);
  check_equal(components_of(c, *found.bank), m_step(c.shape, all, 5, WideVector(0.25L * prior.variances.cast<Wide>())),
              1e-12);
  CHECK(found.repairs == std::vector<Repair>(kComponents, Repair::none));
}

TEST_CASE("pack and unpack are inverse, bit for bit, and keep the log densities", "[family]") {
  const auto c = any_family();
  const Example e(c);
  const auto learned = maximise(e.statistics(0, 200), *e.bank, Prior{{1, 1e-3, 0}, Eigen::Vector3d(9, 9, 9)}).bank;
  const auto placed = family_of(c).place(e.points.leftCols(kComponents), Eigen::Vector3d(2, 3, 5));
  for (const auto& bank : {learned, placed, e.bank}) {
    const auto again = family_of(c).unpack(bank->pack(), kDimension);
    REQUIRE(again);
    CHECK(same_bits((*again)->pack(), bank->pack()));
    CHECK(same_bits(log_densities(**again, tile_of(e.points)), log_densities(*bank, tile_of(e.points))));
    CHECK(&(*again)->family() == &family_of(c));
    CHECK((*again)->size() == kComponents);
    CHECK((*again)->dimension() == kDimension);
  }
}

TEST_CASE("parameters are packed in the layout that the header promises", "[family]") {
  const auto c = any_family();
  const auto components = example_components(c.shape, kDimension, kComponents);
  CHECK(same_bits(bank_of(c, components)->pack(), pack(c.shape, components)));
}

TEST_CASE("a bank tells the mean and the variance of each component along each coordinate", "[family]") {
  const auto c = any_family();
  const auto components = example_components(c.shape, kDimension, kComponents);
  const auto bank = bank_of(c, components);
  for (std::size_t k = 0; k < components.size(); ++k) {
    const auto column = static_cast<Index>(k);
    CHECK(same_bits(bank->means().col(column), components[k].mean.cast<double>().eval()));
    CHECK(same_bits(bank->variances().col(column), components[k].covariance.diagonal().cast<double>().eval()));
  }
}

TEST_CASE("components are placed where and as wide as they are told", "[family]") {
  const auto c = any_family();
  const Eigen::MatrixXd centres = (Eigen::MatrixXd(2, 3) << 1, 2, 3, -4, -5, -6).finished();
  const auto placed = components_of(c, *family_of(c).place(centres, Eigen::Vector2d(2, 4)));
  for (Index k = 0; k < 3; ++k) {
    const Gaussian& g = placed[static_cast<std::size_t>(k)];
    CHECK(same_bits(Eigen::VectorXd(g.mean.cast<double>()), centres.col(k)));
    // One variance for all coordinates is the mean of them.
    const Eigen::Vector2d wide = c.shape == Shape::spherical ? Eigen::Vector2d(3, 3) : Eigen::Vector2d(2, 4);
    CHECK(same_bits(Eigen::MatrixXd(g.covariance.cast<double>()), Eigen::MatrixXd(wide.asDiagonal())));
  }
}

TEST_CASE("the expected statistics of a bank give the bank back", "[family]") {
  const auto c = any_family();
  const double offset = GENERATE(0.0, 1e8);
  const Example e(c, offset);
  const auto expected = family_of(c).expected(*e.bank, Eigen::Vector3d(10, 0.5, 1e6));
  CHECK(expected.weight == Eigen::Vector3d(10, 0.5, 1e6));
  const auto back = maximise(expected, *e.bank, no_prior(kDimension));
  check_equal(components_of(c, *back.bank), components_of(c, *e.bank), 1e-14);
}

TEST_CASE("the expected statistics of 0 points weigh nothing", "[family]") {
  const auto c = any_family();
  const Example e(c);
  const auto a = e.statistics(0, 50);
  CHECK(difference(merged(family_of(c).expected(*e.bank, Eigen::Vector3d::Zero()), a), a) < 1e-15);
}

TEST_CASE("a component that is kept keeps its parameters, to the last bit", "[family]") {
  const auto c = any_family();
  const Example e(c);
  const auto found =
      family_of(c).maximise(e.statistics(0, 200), no_prior(kDimension), *e.bank, {false, true, false}).bank->pack();
  // A tied covariance belongs to all.
  const Index kept = c.shape == Shape::tied ? kDimension : found.rows();
  CHECK(same_bits(found.col(1).head(kept), e.bank->pack().col(1).head(kept)));
  CHECK_FALSE(same_bits(found.col(0).head(kept), e.bank->pack().col(0).head(kept)));
}

std::string refusal(const FamilyCase& c, const Eigen::MatrixXd& parameters, Index d) {
  const auto bank = family_of(c).unpack(parameters, d);
  return bank ? "accepted" : bank.error().message;
}

TEST_CASE("parameters of the wrong size are refused with the size that was expected", "[family]") {
  const auto c = any_family();
  const auto good = pack(c.shape, example_components(c.shape, 2, 2));
  CHECK(refusal(c, good, 2) == "accepted");
  const std::string rows = std::to_string(good.rows());
  CHECK(refusal(c, good.topRows(good.rows() - 1), 2) ==
        c.name + ": " + std::to_string(good.rows() - 1) + " parameters, expected " + rows + " in 2 dimensions");
  CHECK(refusal(c, Eigen::MatrixXd::Ones(0, 2), 2) == c.name + ": 0 parameters, expected " + rows + " in 2 dimensions");
}

TEST_CASE("parameters that are no distribution are refused by the number of their component", "[family]") {
  const auto c = any_family();
  const auto good = pack(c.shape, example_components(c.shape, 2, 3));
  const auto with = [&](Index row, double value) {
    Eigen::MatrixXd bad = good;
    bad(row, 1) = value;
    return refusal(c, bad, 2);
  };
  for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    CHECK(with(0, bad).starts_with("component 2: "));
    CHECK(with(good.rows() - 1, bad).starts_with("component 2: "));
  }
  CHECK(with(good.rows() - 1, 0).starts_with("component 2: "));
  CHECK(with(good.rows() - 1, -1).starts_with("component 2: "));
  if (dense(c)) CHECK(with(3, 1e3).starts_with("component 2: covariance is not positive definite"));
  if (c.shape == Shape::tied) {
    CHECK(with(2, good(2, 1) * 1.5) ==
          "component 2: covariance differs from that of component 1, expected one for all");
  }
}

}  // namespace
}  // namespace emulsion
