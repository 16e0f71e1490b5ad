// The laws of family.h for families of a user's own.
#include <catch2/catch.hpp>

#include "../../docs/examples/inverse_gaussian/inverse_gaussian.cc"
#include "emulsion/custom_family_adapter.h"
#include "lib/bank_at_work.h"
#include "lib/custom_families.h"

namespace emulsion {
namespace {

using namespace testing;

Prior no_prior(Index d) { return {{0, 1e-3, 0}, Eigen::VectorXd::Ones(d)}; }

// Some components of one family, and points that they can have given.
struct Adapted {
  std::unique_ptr<const Family> family;
  Index dimension = 1;
  std::shared_ptr<const Bank> bank;
  Eigen::MatrixXd points;
  Eigen::MatrixXd shares;

  Adapted(std::unique_ptr<const CustomFamily> custom, Index d, const Eigen::MatrixXd& parameters) : dimension(d) {
    auto made = make_custom_family(std::move(custom));
    if (!made) FAIL(made.error().message);
    family = std::move(*made);
    const auto unpacked = family->unpack(parameters, d);
    if (!unpacked) FAIL(unpacked.error().message);
    bank = *unpacked;
    points = Sampler(7).normals(d, 200).array().exp();
    shares = some_shares(200, parameters.cols(), 8);
  }

  BankStatistics statistics(Index first, Index count) const {
    return statistics_of(*bank, points.middleCols(first, count), shares.middleRows(first, count));
  }
};

Switch& sound() {
  static Switch never;
  return never;
}

Adapted inverse_gaussians() {
  return {std::make_unique<InverseGaussian>(), 1, (Eigen::MatrixXd(2, 3) << 1, 2, 0.5, 3, 1, 0.25).finished()};
}

Adapted normals() {
  const Eigen::MatrixXd parameters = Sampler(3).normals(6, 3).array().exp();
  return {std::make_unique<Breakable>(sound()), 3, parameters};
}

Adapted any_adapted() { return GENERATE(false, true) ? inverse_gaussians() : normals(); }

TEST_CASE("a custom family has the parts that it names, and as many free parameters") {
  const Adapted e = normals();
  CHECK(e.family->name() == "breakable");
  const auto parts = e.family->layout(3);
  REQUIRE(parts.size() == 2);
  CHECK(parts[1].name == "deviation");
  CHECK(parts[1].shape == PartShape::vector);
  CHECK(parts[1].size == 3);
  CHECK(e.family->layout(1)[1].shape == PartShape::scalar);
  CHECK(e.family->free_parameters(3, 4) == 24);
  CHECK_FALSE(e.family->is_noise());
}

TEST_CASE("statistics of a custom family are a commutative monoid") {
  const Adapted e = any_adapted();
  const auto a = e.statistics(0, 20), b = e.statistics(20, 100), c = e.statistics(120, 80);
  const auto none = e.family->empty(e.dimension, 3);
  CHECK(difference(merged(merged(a, b), c), e.statistics(0, 200)) < 1e-13);
  CHECK(difference(merged(merged(a, b), c), merged(a, merged(b, c))) < 1e-13);
  CHECK(difference(merged(a, b), merged(b, a)) < 1e-13);
  CHECK(same_bits(merged(a, none), a));
  CHECK(same_bits(merged(none, a), a));
  CHECK(same_bits(merged(none, none), none));
}

TEST_CASE("scaling statistics of a custom family scales weights, not parameters") {
  const Adapted e = any_adapted();
  const auto a = e.statistics(0, 100), b = e.statistics(100, 100);
  CHECK(difference(scaled(scaled(a, 0.3), 7), scaled(a, 2.1)) < 1e-15);
  CHECK(difference(merged(scaled(a, 0.2), scaled(b, 0.2)), scaled(merged(a, b), 0.2)) < 1e-14);
  CHECK(difference(merged(scaled(a, 0), b), b) < 1e-15);
  const Prior prior = no_prior(e.dimension);
  CHECK(difference(maximise(scaled(a, 0.37), *e.bank, prior).bank->pack(), maximise(a, *e.bank, prior).bank->pack()) < 1e-13);
}

TEST_CASE("the statistics of a custom family are the weighted means of what it gives for each point") {
  const Adapted e = inverse_gaussians();
  const auto found = e.statistics(0, 200);
  for (Index k = 0; k < 3; ++k) {
    long double weight = 0, sum = 0, inverse = 0;
    for (Index i = 0; i < 200; ++i) {
      weight += e.shares(i, k);
      sum += static_cast<long double>(e.shares(i, k)) * e.points(0, i);
      inverse += static_cast<long double>(e.shares(i, k)) / e.points(0, i);
    }
    CHECK(found.weight[k] == Approx(double(weight)).epsilon(1e-14));
    CHECK(found.moments(0, k) == Approx(double(sum / weight)).epsilon(1e-13));
    CHECK(found.moments(1, k) == Approx(double(inverse / weight)).epsilon(1e-13));
  }
}

TEST_CASE("a component of a custom family without a share of any point has no statistics, a point of weight 2 equals two") {
  Adapted e = any_adapted();
  e.shares.col(1).setZero();
  const auto a = e.statistics(0, 100);
  CHECK(a.weight[1] == 0);
  CHECK(a.moments.col(1).isZero(0));
  Eigen::MatrixXd twice(e.dimension, 100), shares_twice(100, 3);
  for (Index i = 0; i < 50; ++i) {
    twice.col(2 * i) = twice.col(2 * i + 1) = e.points.col(i);
    shares_twice.row(2 * i) = shares_twice.row(2 * i + 1) = e.shares.row(i);
  }
  CHECK(difference(statistics_of(*e.bank, e.points.leftCols(50), 2 * e.shares.topRows(50)),
                   statistics_of(*e.bank, twice, shares_twice)) < 1e-13);
}

TEST_CASE("a row's log density under a custom family does not depend on its place, and other rows are left alone") {
  const Adapted e = any_adapted();
  const Eigen::MatrixXd all = log_densities(*e.bank, tile_of(e.points));
  for (Index i = 0; i < 200; ++i) CHECK(same_bits(log_densities(*e.bank, tile_of(e.points.col(i))), all.row(i)));
  LaneMatrix out = LaneMatrix::Constant(kTilePoints, 6, 42);
  e.bank->log_densities(tile_of(e.points), {16, 32}, out, 2);
  CHECK(same_bits(Eigen::MatrixXd(out.block(16, 2, 16, 3)), all.middleRows(16, 16)));
  CHECK((out.leftCols(2) == 42).all());
  CHECK((out.rightCols(1) == 42).all());
  CHECK((out.topRows(16) == 42).all());
  CHECK((out.bottomRows(kTilePoints - 32) == 42).all());
}

TEST_CASE("the example's density is that of the inverse Gaussian") {
  const Adapted e = inverse_gaussians();
  const auto found = log_densities(*e.bank, tile_of((Eigen::MatrixXd(1, 2) << 1, 0.5).finished()));
  // Mean 1, shape 3 at the mean: log sqrt(3 / (2 pi)).
  CHECK(found(0, 0) == Approx(0.5 * std::log(3 / (2 * std::numbers::pi))).epsilon(1e-14));
  // Mean 2, shape 1 at 1/2: sqrt(8 / (2 pi)) exp(-(3/2)^2 / (2 * 4 / 2)).
  CHECK(found(1, 1) == Approx(0.5 * std::log(8 / (2 * std::numbers::pi)) - 2.25 / 4).epsilon(1e-14));
  // And it integrates to 1, by the trapezoidal rule in log x.
  long double integral = 0;
  for (Index i = -4000; i < 4000; i += 200) {
    Eigen::MatrixXd x(1, 200);
    for (Index j = 0; j < 200; ++j) x(0, j) = std::exp(double(i + j) / 400);
    integral += (log_densities(*e.bank, tile_of(x)).col(0).array().exp() * x.row(0).transpose().array()).sum() / 400;
  }
  CHECK(double(integral) == Approx(1).epsilon(1e-10));
}

TEST_CASE("the example's M-step, by hand") {
  const Adapted e = inverse_gaussians();
  const Eigen::MatrixXd points = (Eigen::MatrixXd(1, 3) << 1, 2, 4).finished();
  // Mean 7/3, mean of 1/x 7/12, 1/shape = 7/12 - 3/7 = 13/84.
  const auto statistics = statistics_of(*e.bank, points, Eigen::MatrixXd::Ones(3, 3));
  const auto found = maximise(statistics, *e.bank, no_prior(1)).bank->pack();
  CHECK(found(0, 0) == Approx(7.0 / 3).epsilon(1e-14));
  CHECK(found(1, 0) == Approx(84.0 / 13).epsilon(1e-14));
  // Equal points have no width but that of the prior: 2 points of 10 with 4 imagined ones of variance 0.1 * 5.
  const auto equal = statistics_of(*e.bank, Eigen::MatrixXd::Constant(1, 2, 10), Eigen::MatrixXd::Ones(2, 3));
  const auto held = maximise(equal, *e.bank, Prior{{4, 0.1, 0}, Eigen::VectorXd::Constant(1, 5)}).bank;
  CHECK(held->variances()(0, 0) == Approx(4 * 0.5 / 6).epsilon(1e-12));
}

TEST_CASE("packing and unpacking a bank of a custom family are inverse, bit for bit") {
  const Adapted e = any_adapted();
  const auto learned =
      maximise(e.statistics(0, 200), *e.bank, Prior{{1, 1e-3, 0}, Eigen::VectorXd::Constant(e.dimension, 9)}).bank;
  for (const auto& bank : {learned, e.bank}) {
    const auto again = e.family->unpack(bank->pack(), e.dimension);
    REQUIRE(again);
    CHECK(same_bits((*again)->pack(), bank->pack()));
    CHECK(same_bits(log_densities(**again, tile_of(e.points)), log_densities(*bank, tile_of(e.points))));
    CHECK(same_bits((*again)->means(), bank->means()));
    CHECK((*again)->size() == 3);
    CHECK((*again)->dimension() == e.dimension);
    CHECK(&(*again)->family() == e.family.get());
  }
}

TEST_CASE("the expected statistics of a custom family give the bank back, those of 0 points weigh nothing") {
  const Adapted e = any_adapted();
  const auto expected = e.family->expected(*e.bank, Eigen::Vector3d(10, 0.5, 1e6));
  CHECK(expected.weight == Eigen::Vector3d(10, 0.5, 1e6));
  CHECK(difference(maximise(expected, *e.bank, no_prior(e.dimension)).bank->pack(), e.bank->pack()) < 1e-13);
  const auto a = e.statistics(0, 50);
  CHECK(difference(merged(e.family->expected(*e.bank, Eigen::Vector3d::Zero()), a), a) < 1e-15);
}

TEST_CASE("a component of a custom family that is kept keeps its parameters, to the last bit") {
  const Adapted e = any_adapted();
  const auto found = e.family->maximise(e.statistics(0, 200), no_prior(e.dimension), *e.bank, {false, true, false}, Workers::alone()).bank->pack();
  CHECK(same_bits(found.col(1), e.bank->pack().col(1)));
  CHECK_FALSE(same_bits(found.col(0), e.bank->pack().col(0)));
}

TEST_CASE("components of a custom family are placed where and as wide as they are told") {
  const Adapted e = any_adapted();
  const Eigen::MatrixXd centres = e.points.leftCols(3);
  const Eigen::VectorXd variances = Eigen::VectorXd::LinSpaced(e.dimension, 0.5, 2);
  const auto placed = e.family->place(centres, variances);
  CHECK(difference(placed->means(), centres) < 1e-14);
  CHECK(difference(placed->variances(), Eigen::MatrixXd(variances.replicate(1, 3))) < 1e-14);
}

TEST_CASE("parameters that are none of a custom family are refused with the size or the component") {
  const Adapted e = inverse_gaussians();
  const auto refusal = [&](const Eigen::MatrixXd& parameters, Index d) {
    const auto bank = e.family->unpack(parameters, d);
    return bank ? "accepted" : bank.error().message;
  };
  Eigen::MatrixXd good = e.bank->pack();
  CHECK(refusal(good.topRows(1), 1) == "inverse_gaussian: 1 parameters, expected 2 in 1 dimensions");
  CHECK(refusal(good, 2) == "family \"inverse_gaussian\": 2 coordinates: expected 1");
  for (const double bad : {std::nan(""), HUGE_VAL}) {
    Eigen::MatrixXd parameters = good;
    parameters(0, 1) = bad;
    CHECK(refusal(parameters, 1) == "component 2: a parameter is not a finite number");
  }
  good(1, 1) = -1;
  CHECK(refusal(good, 1) ==
        "component 2: family \"inverse_gaussian\": variance gave (-8) with the parameters (mean = 2, shape = -1)");
}

TEST_CASE("a point outside the support of a custom family is impossible, refused with the reason, and leaves no statistics") {
  const Adapted e = inverse_gaussians();
  const double negative = -1;
  CHECK(e.family->refusal({&negative, 1}) == std::optional<std::string>("expected a number > 0"));
  const auto found = log_densities(*e.bank, tile_of(Eigen::MatrixXd::Constant(1, 1, negative)));
  CHECK((found.array() == -HUGE_VAL).all());
  const auto statistics = statistics_of(*e.bank, Eigen::MatrixXd::Constant(1, 1, negative), Eigen::MatrixXd::Ones(1, 3));
  CHECK(same_bits(statistics, e.family->empty(1, 3)));
  CHECK(statistics.failure.empty());
}

TEST_CASE("a custom family takes a point with all coordinates or with none") {
  const Adapted e = normals();
  const double nan = std::nan("");
  const std::vector<double> whole{1, 2, 3}, part{1, nan, 3}, none{nan, nan, nan};
  CHECK(e.family->refusal(whole) == std::nullopt);
  CHECK(e.family->refusal(part) == std::optional<std::string>("1 of 3 coordinates missing, expected all"));
  CHECK(e.family->refusal(none) == std::nullopt);
  // Nothing is known of a point without coordinates: it counts as each component's average one.
  Tile tile(4);
  const double row[] = {5, nan, nan, nan};
  tile.push(row, 1, 1);
  const std::vector<Index> columns{1, 2, 3};
  const Tile empty = tile.with_columns(columns);
  CHECK(log_densities(*e.bank, empty).isZero(0));
  LaneMatrix shares = LaneMatrix::Zero(kTilePoints, 3);
  shares.row(0) << 0.5, 0, 0.25;
  BankStatistics statistics = e.bank->family().empty(e.bank->dimension(), e.bank->size());
  e.bank->accumulate(empty, shares, 0, statistics);
  const auto expected = e.family->expected(*e.bank, Eigen::Vector3d(0.5, 0, 0.25));
  CHECK(statistics.weight == expected.weight);
  CHECK(same_bits(statistics.moments.col(0), expected.moments.col(0)));
  CHECK(statistics.moments.col(1).isZero(0));
}

}  // namespace
}  // namespace emulsion
