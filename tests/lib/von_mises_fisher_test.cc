#include "emulsion/von_mises_fisher.h"

#include <catch2/catch.hpp>

#include "emulsion/batch_em.h"
#include "emulsion/log_bessel.h"
#include "emulsion/seeding.h"
#include "lib/bank_at_work.h"
#include "lib/draw.h"

namespace emulsion {
namespace {

using namespace testing;

// mpmath with 50 digits: log I of order d/2 - 1, the log density at the mean direction, A_d and 1 - A_d.
struct FisherRow {
  int dimension;
  double concentration, log_bessel, log_density, ratio, complement;
};
const std::vector<FisherRow> kFisherTable = {
    {2, 1e-8, 2.5000000000000001e-17, -1.8378770564093455, 5.0e-9, 0.999999995},
    {2, 1e-3, 2.4999998437500175e-7, -1.8368773164093299, 0.00049999993750001043, 0.99950000006249999},
    {2, 1, 0.23591435850717865, -1.0737914249165241, 0.44638996589653451, 0.55361003410346549},
    {2, 10, 7.9429720831186956, 0.21915085047195896, 0.94859982595484596, 0.051400174045154041},
    {2, 700, 695.80569999844345, 2.3564229351472054, 0.99928545881842609, 0.00071454118157390673},
    {2, 1e3, 995.62730888986946, 2.5348140437211898, 0.99949987487480428, 0.0005001251251957198},
    {2, 1e5, 99993.324599984316, 4.8375229492741914, 0.99999499998749987, 5.000012500125002e-6},
    {3, 1e-8, -9.4361317246209101, -2.5310242369692908, 3.3333333333333334e-9, 0.99999999666666667},
    {3, 1e-3, -3.6796688254691348, -2.5300244136359519, 0.00033333331111111323, 0.99966666668888889},
    {3, 1, -0.064351991073531799, -1.6924636085404864, 0.3130352854993313, 0.6869647145006687},
    {3, 10, 7.9297689182371508, 0.46470802864585383, 0.90000000412230725, 0.099999995877692747},
    {3, 700, 695.80552129927362, 4.7132032686340592, 0.99857142857142857, 0.0014285714285714286},
    {3, 1e3, 995.62718382730426, 5.0698782125727916, 0.999, 0.001},
    {3, 1e5, 99993.32459873431, 9.6750483985608829, 0.99999, 1.0e-5},
    {10, 1e-8, -79.633365528397189, -3.2387427694590006, 1.0e-9, 0.999999999},
    {10, 1e-3, -33.581663618516275, -3.2377428294590004, 9.9999999166666681e-5, 0.99990000000083333},
    {10, 1, -5.9008489255013715, -2.2885364065453559, 0.099178382399712559, 0.90082161760028744},
    {10, 10, 7.1119121488375506, 2.9090428910919047, 0.6336683916233054, 0.3663316083766946},
    {10, 700, 695.79426328231838, 21.220672725808514, 0.993587522878638, 0.0064124771213619969},
    {10, 1e3, 995.61930489622782, 22.822330887653997, 0.99550788285570415, 0.0044921171442958491},
    {10, 1e5, 99993.324519983916, 43.537796543917717, 0.99995500078750787, 4.4999212492125192e-5},
    {50, 1e-8, -513.51659958640778, 25.47333508131737, 2.0e-10, 0.9999999998},
    {50, 1e-3, -237.2063884171223, 25.47433506131737, 1.9999999992307693e-5, 0.99998000000000769},
    {50, 1, -71.410263653678902, 26.463336993445265, 0.019992313385191792, 0.98000768661480821},
    {50, 10, -15.176560036018125, 34.491675607641584, 0.19283080165195554, 0.80716919834804446},
    {50, 700, 695.3940175559064, 115.88498382490167, 0.96558816762258078, 0.034411832377419215},
    {50, 1e3, 995.33917859680436, 124.50002143853329, 0.97578812171736426, 0.024211878282635737},
    {50, 1e5, 99993.32171996993, 237.04156452912171, 0.99975502878778746, 0.00024497121221253506},
    {500, 1e-8, -5887.8669240765561, 841.64815224008073, 2.0e-11, 0.99999999998},
    {500, 1e-3, -3021.1484832979692, 841.64915222908073, 1.9999999999920319e-6, 0.99999800000000001},
    {500, 1, -1301.1164188344091, 842.64715223207275, 0.0019999920319357484, 0.99800000796806425},
    {500, 10, -727.67375058668641, 851.54817213986741, 0.019992038190173664, 0.98000796180982634},
    {500, 700, 651.9396277449572, 1219.8101090785142, 0.70503398942927957, 0.29496601057072043},
    {500, 1e3, 964.76902701424341, 1295.7927708499723, 0.78106343716120328, 0.21893656283879672},
    {500, 1e5, 99993.014593594451, 2414.2345805807995, 0.99750810006369555, 0.0024918999363044535},
};

double error(double found, double expected) { return std::abs(found - expected) / std::abs(expected); }

std::shared_ptr<const Bank> bank_of(const Eigen::VectorXd& direction, double concentration) {
  Eigen::VectorXd parameters(direction.size() + 1);
  parameters << direction, concentration;
  const auto bank = von_mises_fisher().unpack(parameters, direction.size());
  if (!bank) FAIL(bank.error().message);
  return *bank;
}

TEST_CASE("log I is that of mpmath, at every order and concentration", "[log_bessel]") {
  for (const FisherRow& row : kFisherTable) {
    CAPTURE(row.dimension, row.concentration);
    const double order = 0.5 * row.dimension - 1;
    const double scaled = log_scaled_bessel(row.dimension - 2, row.concentration);
    // Where order times log kappa takes all of log I with it, that sum is not the one to compare.
    const double size = std::abs(row.log_bessel) + order * std::abs(std::log(row.concentration)) + row.concentration;
    CHECK(std::abs(scaled + order * std::log(row.concentration) + row.concentration - row.log_bessel) < 1e-14 * size);
  }
}

TEST_CASE("the ratio of Bessel functions and what it lacks to 1 have all their digits", "[log_bessel]") {
  for (const FisherRow& row : kFisherTable) {
    CAPTURE(row.dimension, row.concentration);
    const BesselRatio found = bessel_ratio(row.dimension - 2, row.concentration);
    CHECK(error(found.ratio, row.ratio) < 1e-14);
    CHECK(error(found.complement, row.complement) < 1e-13);
  }
}

TEST_CASE("where expansions of the Bessel functions meet, they agree", "[log_bessel]") {
  for (const int d : {2, 3, 10, 50, 500, 1024}) {
    CAPTURE(d);
    const double meeting = std::max(40.0, std::pow(0.5 * d - 1, 2));
    const double below = meeting * (1 - 1e-15), above = meeting * (1 + 1e-15);
    CHECK(error(log_scaled_bessel(d - 2, below), log_scaled_bessel(d - 2, above)) < 2e-14);
    CHECK(error(bessel_ratio(d - 2, below).complement, bessel_ratio(d - 2, above).complement) < 3e-13);
  }
}

TEST_CASE("in three dimensions I and its ratio are elementary", "[log_bessel]") {
  for (const double x : {1e-12, 1e-5, 0.3, 2.0, 39.0, 41.0, 1e4, 1e9, 1e15}) {
    CAPTURE(x);
    // I_1/2(x) = sqrt(2 / (pi x)) sinh x, and coth x - 1/x; the latter by its series where it cancels.
    const double expected = 0.5 * std::log(2 / std::numbers::pi) + std::log(-std::expm1(-2 * x) / (2 * x));
    CHECK(error(log_scaled_bessel(1, x), expected) < 1e-14);
    if (x < 1e-4)
      CHECK(error(bessel_ratio(1, x).ratio, x / 3 - x * x * x / 45) < 1e-14);
    else
      CHECK(error(bessel_ratio(1, x).ratio, 1 / std::tanh(x) - 1 / x) < 1e-14);
    if (x > 20) CHECK(error(bessel_ratio(1, x).complement, 1 / x) < 1e-14);
  }
}

TEST_CASE("the log density at the mean direction is that of mpmath", "[von_mises_fisher]") {
  for (const FisherRow& row : kFisherTable) {
    CAPTURE(row.dimension, row.concentration);
    const Eigen::VectorXd direction = Eigen::VectorXd::Unit(row.dimension, 1);
    CHECK(error(log_density_at(*bank_of(direction, row.concentration), direction), row.log_density) < 1e-12);
  }
}

TEST_CASE("away from the mean direction the log density is less by kappa (1 - cosine)", "[von_mises_fisher]") {
  for (const FisherRow& row : kFisherTable) {
    CAPTURE(row.dimension, row.concentration);
    const auto bank = bank_of(Eigen::VectorXd::Unit(row.dimension, 0), row.concentration);
    Eigen::VectorXd point = Eigen::VectorXd::Zero(row.dimension);
    point.head<2>() << 0.28, 0.96;  // of length 1
    const double expected = row.log_density - 0.72 * row.concentration;
    CHECK(std::abs(log_density_at(*bank, point) - expected) < 1e-12 * std::max(std::abs(expected), row.concentration));
    CHECK(log_density_at(*bank, -Eigen::VectorXd::Unit(row.dimension, 0)) == Approx(row.log_density - 2 * row.concentration).epsilon(1e-12));
  }
}

TEST_CASE("in three dimensions the density is kappa / (4 pi sinh kappa) exp(kappa cosine)", "[von_mises_fisher]") {
  for (const double kappa : {1e-6, 0.5, 1.0, 7.0, 300.0}) {
    CAPTURE(kappa);
    const Eigen::Vector3d direction(0, 0, -1), point(0.6, 0, 0.8);
    const double log_sinh = kappa + std::log(-std::expm1(-2 * kappa)) - std::log(2.0);
    const double expected = std::log(kappa) - std::log(4 * std::numbers::pi) - log_sinh - 0.8 * kappa;
    CHECK(log_density_at(*bank_of(direction, kappa), point) == Approx(expected).epsilon(1e-13));
  }
}

TEST_CASE("a density on the circle integrates to 1", "[von_mises_fisher]") {
  for (const double kappa : {1e-3, 2.0, 60.0}) {
    const auto bank = bank_of(Eigen::Vector2d(0.6, 0.8), kappa);
    double sum = 0;
    const int n = 1000;  // the trapezoidal rule is exact for what is periodic and smooth
    for (int i = 0; i < n; ++i) {
      const double angle = 2 * std::numbers::pi * i / n;
      sum += std::exp(log_density_at(*bank, Eigen::Vector2d(std::cos(angle), std::sin(angle)))) * 2 * std::numbers::pi / n;
    }
    CHECK(sum == Approx(1).epsilon(1e-13));
  }
}

TEST_CASE("an M-step finds the concentration whose mean cosine the points have", "[von_mises_fisher]") {
  for (const FisherRow& row : kFisherTable) {
    CAPTURE(row.dimension, row.concentration);
    const Index d = row.dimension;
    const Eigen::VectorXd direction = Eigen::VectorXd::Constant(d, 1 / std::sqrt(static_cast<double>(d)));
    BankStatistics statistics = von_mises_fisher().empty(d, 1);
    statistics.weight[0] = 70;
    statistics.moments.col(0) << row.ratio * direction, 70 * row.complement * (1 + row.ratio);
    const auto found = maximise(statistics, *bank_of(Eigen::VectorXd::Unit(d, 0), 3), {{0, 1e-3, 0}, Eigen::VectorXd::Ones(d)});
    CHECK(error(found.bank->pack()(d, 0), row.concentration) < 1e-12);
    CHECK((found.bank->pack().col(0).head(d) - direction).norm() < 1e-14);
    CHECK(found.repairs[0] == Repair::none);
  }
}

TEST_CASE("the concentration of points within a millionth of each other keeps its digits", "[von_mises_fisher]") {
  // Two directions at an angle of 2a: the mean cosine is cos a, and kappa is 1 / (1 - cos a) in three dimensions.
  const double a = 1e-6;
  Eigen::MatrixXd points(3, 2);
  points.col(0) << std::cos(a), std::sin(a), 0;
  points.col(1) << std::cos(a), -std::sin(a), 0;
  const auto before = bank_of(Eigen::Vector3d(0, 0.6, 0.8), 1);
  const auto found = maximise(statistics_of(*before, points, Eigen::MatrixXd::Ones(2, 1)), *before, {{0, 1e-3, 0}, Eigen::Vector3d::Ones()});
  CHECK(error(found.bank->pack()(3, 0), 0.5 / std::pow(std::sin(a / 2), 2)) < 1e-9);
  CHECK((found.bank->means().col(0) - Eigen::Vector3d(1, 0, 0)).norm() < 1e-11);
}

TEST_CASE("the prior's points lie evenly over the sphere", "[von_mises_fisher]") {
  // Forty equal points and 2 * 0.5 of the prior's: a mean cosine of 40/41.
  const auto before = bank_of(Eigen::Vector3d(0, 0.6, 0.8), 1);
  const Eigen::MatrixXd points = Eigen::Vector3d(0, 1, 0).replicate(1, 40);
  const auto found = maximise(statistics_of(*before, points, Eigen::MatrixXd::Ones(40, 1)), *before, {{2, 0.5, 0}, Eigen::Vector3d::Ones()});
  CHECK(found.bank->pack()(3, 0) == Approx(41).epsilon(1e-12));  // coth 41 is 1 to rounding
  CHECK(found.repairs[0] == Repair::none);
}

TEST_CASE("points whose mean is no direction leave the direction as it was, and hardly any concentration", "[von_mises_fisher]") {
  const auto before = bank_of(Eigen::Vector3d(0, 0.6, 0.8), 5);
  BankStatistics statistics = von_mises_fisher().empty(3, 1);
  statistics.weight[0] = 10;
  statistics.moments(3, 0) = 10;
  const auto found = maximise(statistics, *before, {{0, 1e-3, 0}, Eigen::Vector3d::Ones()});
  CHECK(same_bits(found.bank->pack().topRows(3), before->pack().topRows(3)));
  CHECK(found.bank->pack()(3, 0) == 1e-12);
  CHECK(log_density_at(*found.bank, Eigen::Vector3d(1, 0, 0)) == Approx(-std::log(4 * std::numbers::pi)).epsilon(1e-12));
}

TEST_CASE("a mean of the least of numbers still points somewhere", "[von_mises_fisher]") {
  const auto before = bank_of(Eigen::Vector3d(0, 0.6, 0.8), 5);
  for (const double size : {1e-100, 1e-162, 5e-324}) {
    BankStatistics statistics = von_mises_fisher().empty(3, 1);
    statistics.weight[0] = 10;
    statistics.moments.col(0) << size, size, 0, 10;
    const auto found = maximise(statistics, *before, {{0, 1e-3, 0}, Eigen::Vector3d::Ones()});
    CHECK((found.bank->pack().col(0).head(3) - Eigen::Vector3d(1, 1, 0).normalized()).norm() < 1e-15);
  }
}

TEST_CASE("a direction written with a few digits counts as the direction that it points in", "[von_mises_fisher]") {
  const auto bank = bank_of(Eigen::Vector3d(0.6, 0.8, 0), 1e4);
  const Eigen::Vector3d point(0.59997, 0.80003, 0.00001), exact = point.normalized();
  CHECK(log_density_at(*bank, point) == Approx(log_density_at(*bank, exact)).epsilon(1e-12));
  CHECK_FALSE(von_mises_fisher().refusal({point.data(), 3}));
  const auto a = statistics_of(*bank, point, Eigen::MatrixXd::Ones(1, 1)), b = statistics_of(*bank, exact, Eigen::MatrixXd::Ones(1, 1));
  CHECK(difference(a.moments.topRows(3), b.moments.topRows(3)) < 1e-15);
}

TEST_CASE("what points in no direction is refused", "[von_mises_fisher]") {
  const auto reason = [](std::vector<double> point) { return von_mises_fisher().refusal(point).value_or("none"); };
  CHECK(reason({0.6, 0.8}) == "none");
  CHECK(reason({3, 4}) == "length 5, expected a direction of length 1");
  CHECK(reason({0, 0}) == "length 0, expected a direction of length 1");
  CHECK(reason({1, std::nan("")}) == "coordinate 1: missing, expected all coordinates of a direction");
  const auto bank = bank_of(Eigen::Vector2d(0.6, 0.8), 2);
  for (const Eigen::Vector2d& point : {Eigen::Vector2d(3, 4), Eigen::Vector2d(0, 0), Eigen::Vector2d(1, std::nan(""))}) {
    CHECK(log_density_at(*bank, point) == -HUGE_VAL);
    CHECK(statistics_of(*bank, point, Eigen::MatrixXd::Ones(1, 1)).weight[0] == 0);
  }
}

TEST_CASE("parameters that are no von Mises-Fisher distribution are refused", "[von_mises_fisher]") {
  const auto reason = [](std::vector<double> parameters, Index d) {
    const auto bank = von_mises_fisher().unpack(Eigen::Map<Eigen::VectorXd>(parameters.data(), static_cast<Index>(parameters.size())), d);
    return bank ? "accepted" : bank.error().message;
  };
  CHECK(reason({0.6, 0.8, 5}, 2) == "accepted");
  CHECK(reason({1, 1, 5}, 2) == "component 1: direction of length 1.4142135623730951, expected 1");
  CHECK(reason({0.6, 0.8, 0}, 2) == "component 1: concentration 0 is not in [1e-12, 1e+15]");
  CHECK(reason({0.6, 0.8, -1}, 2) == "component 1: concentration -1 is not in [1e-12, 1e+15]");
  CHECK(reason({1, 5}, 1) == "von_mises_fisher: directions have 2 or more coordinates, these have 1");
}

TEST_CASE("variances add up to 1 less the squared mean cosine, however concentrated", "[von_mises_fisher]") {
  for (const double kappa : {1e-12, 1e-3, 1.0, 30.0, 1e4, 1e8, 1e15}) {
    CAPTURE(kappa);
    const auto bank = bank_of(Eigen::Vector3d(0.36, 0.48, 0.8), kappa);
    const BesselRatio cosine = bessel_ratio(1, kappa);
    CHECK((bank->variances().array() > 0).all());
    CHECK(bank->variances().sum() == Approx(cosine.complement * (1 + cosine.ratio)).epsilon(1e-7));
  }
}

TEST_CASE("batch EM finds three von Mises-Fisher components within sampling error", "[von_mises_fisher]") {
  const std::vector<Eigen::Vector3d> directions = {{1, 0, 0}, {0, 0.6, 0.8}, {-0.48, 0.6, -0.64}};
  const std::vector<double> concentrations = {20, 50, 8};
  Sampler sampler(3);
  const Index n = 6000;
  Eigen::MatrixXd points(3, n);
  for (Index i = 0; i < n; ++i) {
    const auto k = static_cast<std::size_t>(i % 3);
    points.col(i) = draw_direction(sampler, directions[k], concentrations[k]);
  }
  LearnerOptions options;
  options.family = "von_mises_fisher";
  options.components = 3;
  Workers workers(1);
  const PointBatch batch{points, {}, {}};
  const auto seeded = seed_mixture(batch, options, workers);
  REQUIRE(seeded);
  const std::vector<Tile> tiles = cut_tiles(batch);
  MemoryTiles source(tiles);
  const auto fit = batch_em(source, *seeded, {}, workers);
  REQUIRE(fit);
  const Eigen::MatrixXd found = fit->last.mixture->banks().front()->pack();
  for (std::size_t k = 0; k < 3; ++k) {
    CAPTURE(k, found);
    Index best = 0;
    (directions[k].transpose() * found.topRows(3)).maxCoeff(&best);
    // In three dimensions kappa is estimated with a relative error of 1/sqrt(n), and a direction with one of
    // 1/sqrt(n kappa A) along each axis; clusters that overlap cost a little more.
    CHECK(std::abs(found(3, best) / concentrations[k] - 1) < 5 / std::sqrt(n / 3.0));
    CHECK((found.col(best).head(3) - directions[k]).norm() < 5 / std::sqrt(n / 3.0 * concentrations[k] * 0.85));
    CHECK(std::abs(fit->last.mixture->weights()[best] - 1.0 / 3) < 5 * std::sqrt(2.0 / 9 / n));
  }
}

}  // namespace
}  // namespace emulsion
