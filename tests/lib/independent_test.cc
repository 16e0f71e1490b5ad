// The families whose coordinates are independent: densities and M-steps beside exact numbers.
#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>

#include "lib/bank_at_work.h"
#include "lib/family_example.h"
#include "lib/reference.h"

namespace emulsion {
namespace {

using namespace testing;

std::shared_ptr<const Bank> one(const std::string& name, const std::vector<double>& parameters) {
  auto bank = known_family(name).unpack(
      Eigen::Map<const Eigen::VectorXd>(parameters.data(), static_cast<Index>(parameters.size())), 1);
  if (!bank) FAIL(bank.error().message);
  return *bank;
}

double log_density(const std::string& name, const std::vector<double>& parameters, double x) {
  return log_densities(*one(name, parameters), tile_of(Eigen::MatrixXd::Constant(1, 1, x)))(0, 0);
}

struct Exact {
  std::string family;
  std::vector<double> parameters;
  double x;
  double log_density;
};

// Computed with mpmath 1.2.1 in 60 digits. scipy.stats 1.10.1 agrees wherever it keeps its digits: it loses them for
// large rates and shapes, up to the third one.
const std::vector<Exact> kExact = {
    {"exponential", {1.0}, 0.0, 0},
    {"exponential", {1e-300}, 1e+300, -691.77552789821371},
    {"exponential", {2.5}, 1e-300, 0.91629073187415507},
    {"exponential", {1e+150}, 3e-150, 342.38776394910685},
    {"exponential", {0.1}, 7000.0, -702.30258509299408},
    {"geometric", {1e-09}, 1000000000.0, -21.723265836446411},
    {"geometric", {0.3}, 1.0, -1.203972804325936},
    {"geometric", {0.3}, 17.0, -6.9107719073456538},
    {"geometric", {0.999999}, 3.0, -27.631022115871537},
    {"geometric", {1e-15}, 1000000000000000.0, -35.538776394910685},
    {"geometric", {0.5}, 1000.0, -693.14718055994531},
    {"poisson", {1000000.0}, 1000000.0, -7.8266938955201431},
    {"poisson", {1000000.0}, 1003000.0, -12.323698387635038},
    {"poisson", {1000000.0}, 0.0, -1000000.0},
    {"poisson", {1e-12}, 0.0, -9.9999999999999998e-13},
    {"poisson", {1e-12}, 3.0, -84.6848228170147},
    {"poisson", {3.5}, 3.0, -1.533470563741951},
    {"poisson", {3.5}, 16.0, -14.127652610154785},
    {"poisson", {20.0}, 15.0, -2.9632872805310267},
    {"poisson", {1000000000000.0}, 1000001000000.0, -15.234449424502197},
    {"poisson", {0.1}, 170.0, -1098.1125280547751},
    {"poisson", {1000000.0}, 1.0, -999986.18448944204},
    {"gamma", {2.0, 1.0}, 1.0, -1.0},
    {"gamma", {0.5, 2.0}, 1e-300, 345.16197259646213},
    {"gamma", {0.001, 1.0}, 1e-05, 4.5942236541214044},
    {"gamma", {7.0, 0.5}, 14.0, -2.5969374982381665},
    {"gamma", {1000000.0, 1000.0}, 1000.5, -1.0443968405317431},
    {"gamma", {100000000.0, 100000000.0}, 1.0001, 7.7913351737714868},
    {"gamma", {1000000000000.0, 1000000.0}, 1000001.0, -1.4189391998711727},
    {"gamma", {3.0, 1.0}, 700.0, -687.59098651047314},
    {"gamma", {0.75, 1e-100}, 1e+100, -231.46179025083586},
    {"gamma", {15.0, 3.0}, 5.5, -1.3455635613790828},
    {"gamma", {40.0, 2.0}, 1.0, -80.905873038245647},
    {"log_normal", {0.0, 1.0}, 1.0, -0.91893853320467274},
    {"log_normal", {0.0, 1.0}, 1e-300, -237895.5583821629},
    {"log_normal", {2.0, 0.25}, 9.0, -2.5008109977918476},
    {"log_normal", {-30.0, 0.0001}, 1e-13, 11.579160393554739},
    {"log_normal", {300.0, 4.0}, 1e+130, -301.00324949666094},
    {"bernoulli", {1e-09}, 1.0, -20.723265836946411},
    {"bernoulli", {1e-09}, 0.0, -1.0000000005000001e-9},
    {"bernoulli", {0.25}, 1.0, -1.3862943611198906},
    {"bernoulli", {0.25}, 0.0, -0.28768207245178093},
};

TEST_CASE("however far a point is from a narrow component, its density is a number") {
  CHECK(log_density("gamma", {1.0, 1e200}, 1e149) == -1e300);
  CHECK(log_density("exponential", {1e200}, 1e149) == -1e300);
  CHECK(std::isfinite(log_density("gamma", {5e-278, 1e46}, 3.0)));
}

TEST_CASE("points merged with others of another size have a mean between theirs") {
  for (const char* name : {"gamma", "exponential"}) {
    const auto bank = one(name, name == std::string("gamma") ? std::vector<double>{1, 1} : std::vector<double>{1});
    const auto at = [&](double x, double weight) { return scaled(statistics_of(*bank, Eigen::MatrixXd::Constant(1, 1, x), Eigen::MatrixXd::Ones(1, 1)), weight); };
    const BankStatistics both = merged(at(1e-128, 1), at(1e-160, 1e17));
    CHECK(both.moments(0, 0) >= 1e-160);
    CHECK(both.moments(0, 0) <= 1e-128);
    CHECK(both.moments.allFinite());
  }
}

TEST_CASE("a log density is exact to 12 digits, at extremes too", "[independent]") {
  for (const Exact& exact : kExact) {
    CAPTURE(exact.family, exact.parameters, exact.x);
    const double found = log_density(exact.family, exact.parameters, exact.x);
    CHECK(std::abs(found - exact.log_density) <= 1e-12 * std::abs(exact.log_density));
  }
}

// The formulas as in any textbook, in long double, of one coordinate with one parameter or two.
Wide by_formula(const std::string& name, const Eigen::VectorXd& parameters, Index coordinate, double of) {
  const Wide x = of, a = parameters[coordinate], b = parameters[parameters.size() - 3 + coordinate];
  if (name == "exponential") return std::log(a) - a * x;
  if (name == "geometric") return std::log(a) + (x - 1) * std::log1p(-a);
  if (name == "poisson") return x * std::log(a) - a - std::lgamma(x + 1);
  if (name == "gamma") return a * std::log(b) + (a - 1) * std::log(x) - b * x - std::lgamma(a);
  if (name == "bernoulli") return x == 1 ? std::log(a) : std::log1p(-a);
  const Wide apart = name == "log_normal" ? std::log(x) - a : x - a;
  const Wide normal = -0.5L * (std::log(2 * std::numbers::pi_v<Wide> * b) + apart * apart / b);
  return name == "log_normal" ? normal - std::log(x) : normal;
}

const std::vector<std::string> kFamilies = {"normal",  "log_normal", "exponential", "gamma",
                                            "poisson", "geometric",  "bernoulli"};

FamilyCase case_of(const std::string& name) {
  for (const FamilyCase& c : family_cases())
    if (c.name == name) return c;
  FAIL(name);
  return {};
}

TEST_CASE("at a thousand random points a log density is that of the textbook, coordinate by coordinate",
          "[independent]") {
  const FamilyCase c = case_of(GENERATE(from_range(kFamilies)));
  CAPTURE(c.name);
  Sampler sampler(101);
  double worst = 0;
  for (int i = 0; i < 1000; ++i) {
    // Parameters within a factor of ten or so of those of the example.
    Eigen::VectorXd parameters = c.parameters.col(i % 3);
    if (c.name != "bernoulli" && c.name != "geometric")
      for (Index p = 0; p < parameters.size(); ++p) parameters[p] *= std::exp(sampler.normal());
    const auto bank = bank_of(c, parameters);
    const Eigen::VectorXd point = c.draw(sampler, parameters);
    Wide expected = 0, size = 0;
    for (Index j = 0; j < 3; ++j) {
      const Wide term = by_formula(c.name, parameters, j, point[j]);
      expected += term;
      size += std::abs(term);
    }
    const double found = log_densities(*bank, tile_of(point))(0, 0);
    worst = std::max(worst, static_cast<double>(std::abs((found - expected) / size)));
  }
  CHECK(worst < 1e-13);
}

TEST_CASE("the density of an incomplete point is that of the coordinates that it has", "[independent]") {
  const FamilyCase c = case_of(GENERATE(from_range(kFamilies)));
  CAPTURE(c.name);
  const auto bank = bank_of(c, c.parameters);
  Eigen::VectorXd point = draw_points(c, 1, 5).col(0);
  for (int lost = 1; lost < 7; ++lost) {
    Eigen::VectorXd incomplete = point;
    Wide expected = 0;
    for (Index j = 0; j < 3; ++j)
      if (lost >> j & 1)
        incomplete[j] = std::nan("");
      else
        expected += by_formula(c.name, c.parameters.col(0), j, point[j]);
    CHECK(log_densities(*bank, tile_of(incomplete))(0, 0) == Approx(static_cast<double>(expected)).epsilon(1e-13));
  }
}

// Parameters of one component that has seen these points once each, on the line.
//   before  what it was
MaximisedBank learned(const std::string& name, const std::vector<double>& before, const std::vector<double>& points,
                      double strength, std::optional<Prior> prior = std::nullopt) {
  const Eigen::MatrixXd row = Eigen::Map<const Eigen::RowVectorXd>(points.data(), static_cast<Index>(points.size()));
  const auto bank = one(name, before);
  const auto statistics = statistics_of(*bank, row, Eigen::MatrixXd::Ones(row.cols(), 1));
  Prior given = prior ? *prior : prior_of(row, {0, 1e-3, 0});
  given.options.covariance_points = strength;
  return maximise(statistics, *bank, given);
}

std::vector<double> parameters_of(const MaximisedBank& maximised) {
  const Eigen::MatrixXd packed = maximised.bank->pack();
  return {packed.data(), packed.data() + packed.size()};
}

void check_parameters(const MaximisedBank& found, const std::vector<double>& expected, double tolerance = 1e-14,
                      Repair repair = Repair::none) {
  const auto parameters = parameters_of(found);
  REQUIRE(parameters.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(parameters[i] == Approx(expected[i]).epsilon(tolerance));
  CHECK(found.repairs.front() == repair);
}

TEST_CASE("M-steps without a prior, by hand", "[independent]") {
  check_parameters(learned("exponential", {3}, {0, 1, 3, 4}, 0), {0.5});
  check_parameters(learned("poisson", {3}, {0, 1, 3, 6}, 0), {2.5});
  check_parameters(learned("geometric", {0.2}, {1, 2, 5, 8}, 0), {0.25});
  check_parameters(learned("bernoulli", {0.2}, {1, 0, 1, 1}, 0), {0.75});
  check_parameters(learned("normal", {0, 1}, {1, 2, 6}, 0), {3, 14.0 / 3});
  check_parameters(learned("log_normal", {0, 1}, {1, std::exp(1.0), std::exp(5.0)}, 0), {2, 14.0 / 3});
}

TEST_CASE("a missing coordinate counts with the component's own expectation", "[independent]") {
  // Two points that are there, of mean 3 together, and one that is not and counts as the mean 9 that the component had.
  const auto with_one_missing = [&](const std::string& name, const std::vector<double>& before,
                                    const std::vector<double>& seen) {
    Eigen::MatrixXd rows(2, 3);  // the other coordinate is there, for a tile keeps no point without any
    rows << seen[0], seen[1], std::nan(""), seen[0], seen[0], seen[0];
    Eigen::VectorXd twice(2 * static_cast<Index>(before.size()));
    for (std::size_t p = 0; p < before.size(); ++p) twice.segment(2 * static_cast<Index>(p), 2).setConstant(before[p]);
    const auto bank = *known_family(name).unpack(twice, 2);
    const auto found =
        maximise(statistics_of(*bank, rows, Eigen::MatrixXd::Ones(3, 1)), *bank, prior_of(rows, no_prior_options()));
    return Eigen::VectorXd(found.bank->pack().col(0));
  };
  CHECK(with_one_missing("exponential", {1.0 / 9}, {2, 4})[0] == Approx(1.0 / 5));
  CHECK(with_one_missing("poisson", {9}, {2, 4})[0] == Approx(5));
  CHECK(with_one_missing("geometric", {1.0 / 9}, {2, 4})[0] == Approx(1.0 / 5));
  CHECK(with_one_missing("bernoulli", {0.5}, {0, 1})[0] == Approx(0.5));
  // Logarithms 1 and 3, and one of mean 5 and variance 7: mean 3, variance (4 + 0 + 4 + 7) / 3.
  const auto logs = with_one_missing("log_normal", {5, 7}, {std::exp(1.0), std::exp(3.0)});
  CHECK(logs[0] == Approx(3));
  CHECK(logs[2] == Approx(5));
}

TEST_CASE("the M-step of a gamma is the maximum likelihood fit", "[independent]") {
  // Exact roots by mpmath 1.2.1 in 60 digits; scipy.stats.gamma.fit(x, floc=0) of scipy 1.10.1 gives 2.671917607304363
  // for the first, 0.07512863267100797 for the second, and 4851922.689445504 for the third, where it loses digits.
  check_parameters(learned("gamma", {1, 1}, {0.5, 1.25, 3, 2, 0.75}, 0), {2.6719176073043626, 1.7812784048695751},
                   1e-13);
  check_parameters(learned("gamma", {1, 1}, {1e-8, 1, 1e4}, 0), {0.075128632670734471, 2.2536336167581047e-5}, 1e-13);
  check_parameters(learned("gamma", {1, 1}, {1000, 1000.5, 999.25, 1000.125}, 0),
                   {4851922.6883642475, 4852.0743156866127}, 1e-12);
}

TEST_CASE("a narrow gamma keeps its digits when its statistics are merged", "[independent]") {
  const auto bank = one("gamma", {1, 1});
  const auto of = [&](std::vector<double> points) {
    const Eigen::MatrixXd row = Eigen::Map<const Eigen::RowVectorXd>(points.data(), static_cast<Index>(points.size()));
    return statistics_of(*bank, row, Eigen::MatrixXd::Ones(row.cols(), 1));
  };
  const auto all = merged(of({1000, 1000.5}), of({999.25, 1000.125}));
  const auto found = maximise(all, *bank, prior_of(Eigen::RowVector3d(999, 1000, 1001), no_prior_options()));
  CHECK(found.bank->pack()(0, 0) == Approx(4851922.6883642475).epsilon(1e-12));
}

// The stream's own scale: mean 5, variance 4.
Prior stream_prior(double fraction) {
  return {{0, fraction, 0},
          Eigen::VectorXd::Constant(1, 4),
          Eigen::VectorXd::Constant(1, 5),
          Eigen::VectorXd::Constant(1, 0),
          Eigen::VectorXd::Constant(1, 9)};
}

TEST_CASE("the prior is some points at the stream's mean, or of its width", "[independent]") {
  // Two points of prior at a fraction of a half make one imagined point at 5, or one failure at 4.
  check_parameters(learned("exponential", {3}, {0, 0, 0}, 2, stream_prior(0.5)), {4.0 / 5});
  check_parameters(learned("poisson", {3}, {0, 1, 2}, 2, stream_prior(0.5)), {8.0 / 4});
  check_parameters(learned("geometric", {0.5}, {1, 1, 1}, 2, stream_prior(0.5)), {1.0 / 2});
  // Half of two points is a 1.
  check_parameters(learned("bernoulli", {0.5}, {0, 0}, 2, stream_prior(0.5)), {0.25});
  // Sum of squares 8 and 2 * 0.5 * 4, over 2 + 2 points.
  check_parameters(learned("normal", {0, 1}, {1, 5}, 2, stream_prior(0.5)), {3, 12.0 / 4});
  // The same, where the stream's logarithms have a variance of log(1 + 4/25).
  check_parameters(learned("log_normal", {0, 1}, {std::exp(1.0), std::exp(5.0)}, 2, stream_prior(0.5)),
                   {3, (8 + std::log(1.16)) / 4});
  // Two equal points at 4: mean deviance (0 + 2 * 0.5 * (4/16)/2) / (2 + 2) = 1/32, a shape near 16.
  const auto gamma = parameters_of(learned("gamma", {1, 1}, {4, 4}, 2, stream_prior(0.5)));
  CHECK(gamma[0] == Approx(16.165).epsilon(1e-3));
  CHECK(gamma[0] / gamma[1] == Approx(4).epsilon(1e-14));
  // But at 0.1 it is not wider than its mean: a deviance of 1/8.
  CHECK(parameters_of(learned("gamma", {1, 1}, {0.1, 0.1}, 2, stream_prior(0.5)))[0] == Approx(4.162).epsilon(1e-3));
}

TEST_CASE("without a prior equal points stop at a billionth of the stream's scale", "[independent]") {
  const Repair floored = Repair::eigenvalue_floor;
  check_parameters(learned("exponential", {3}, {0, 0, 0}, 0, stream_prior(0.5)), {1 / 5e-9}, 1e-14, floored);
  check_parameters(learned("poisson", {3}, {0, 0, 0}, 0, stream_prior(0.5)), {5e-9}, 1e-14, floored);
  check_parameters(learned("geometric", {0.5}, {1, 1, 1}, 0, stream_prior(0.5)), {1 - 4e-9}, 1e-14, floored);
  check_parameters(learned("bernoulli", {0.5}, {0, 0}, 0, stream_prior(0.5)), {1e-9}, 1e-14, floored);
  check_parameters(learned("bernoulli", {0.5}, {1, 1}, 0, stream_prior(0.5)), {1 - 1e-9}, 1e-14, floored);
  check_parameters(learned("log_normal", {0, 1}, {7, 7}, 0, stream_prior(0.5)), {std::log(7.0), 1e-9 * std::log(1.16)}, 1e-12,
                   floored);
  check_parameters(learned("gamma", {1, 1}, {4, 4}, 0, stream_prior(0.5)), {4e9, 1e9}, 1e-8, floored);
}

TEST_CASE("a stream that never varies makes finite components without repair", "[independent]") {
  const std::string name = GENERATE(from_range(kFamilies));
  CAPTURE(name);
  auto bank = known_family(name).place(Eigen::MatrixXd::Ones(1, 1), Eigen::VectorXd::Ones(1));
  const Eigen::MatrixXd points = Eigen::MatrixXd::Ones(1, 200);
  for (int step = 0; step < 30; ++step) {
    const auto found =
        maximise(statistics_of(*bank, points, Eigen::MatrixXd::Ones(200, 1)), *bank, prior_of(points, {1, 1e-3, 0}));
    CHECK(found.repairs.front() == Repair::none);
    bank = found.bank;
  }
  check_usable(*bank);
  const double density = log_densities(*bank, tile_of(points))(0, 0);
  CHECK(std::isfinite(density));
  CHECK(density > -1.01);  // of an exponential and a Poisson of mean 1; all others have contracted to the point
}

TEST_CASE("a point outside the support counts for nothing even where it has a share", "[independent]") {
  const FamilyCase c =
      case_of(GENERATE("log_normal", "exponential", "gamma", "poisson", "geometric", "bernoulli", "categorical(4)"));
  CAPTURE(c.name);
  const Example e(c);
  Eigen::MatrixXd points(c.dimension, 52);
  points << e.points.leftCols(50), c.refused.front().point, c.refused.front().point;
  Eigen::MatrixXd shares(52, 3);
  shares << e.shares.topRows(50), Eigen::MatrixXd::Ones(2, 3);
  CHECK(difference(statistics_of(*e.bank, points, shares), e.statistics(0, 50)) < 1e-14);
}

TEST_CASE("components are placed at centres, as near as their parameters can", "[independent]") {
  const auto placed = [](const std::string& name, double centre, double variance) {
    const Eigen::MatrixXd packed =
        known_family(name).place(Eigen::MatrixXd::Constant(1, 1, centre), Eigen::VectorXd::Constant(1, variance))->pack();
    return std::vector<double>(packed.data(), packed.data() + packed.size());
  };
  CHECK(placed("exponential", 4, 9)[0] == Approx(0.25));
  CHECK(placed("exponential", -4, 9)[0] == Approx(1 / 3e-3));
  CHECK(placed("poisson", 4, 9)[0] == Approx(4));
  CHECK(placed("poisson", 0, 9)[0] == Approx(3e-3));
  CHECK(placed("geometric", 4, 9)[0] == Approx(0.25));
  CHECK(placed("geometric", 0, 1e-30)[0] < 1);
  CHECK(placed("bernoulli", 0.5, 1)[0] == Approx(0.5));
  CHECK(placed("bernoulli", 1, 1)[0] == Approx(0.95));
  CHECK(placed("gamma", 6, 9)[0] == Approx(4));
  CHECK(placed("gamma", 6, 9)[1] == Approx(4.0 / 6));
  CHECK(placed("log_normal", 6, 9)[0] == Approx(std::log(6.0)));
  CHECK(placed("log_normal", 6, 9)[1] == Approx(std::log(1.25)));
}

TEST_CASE("means and variances of coordinates, by hand", "[independent]") {
  const auto check = [](const std::string& name, const std::vector<double>& parameters, double mean, double variance) {
    CAPTURE(name);
    CHECK(one(name, parameters)->means()(0, 0) == Approx(mean).epsilon(1e-14));
    CHECK(one(name, parameters)->variances()(0, 0) == Approx(variance).epsilon(1e-12));
  };
  check("exponential", {4}, 0.25, 0.0625);
  check("poisson", {4}, 4, 4);
  check("geometric", {0.25}, 4, 12);
  check("bernoulli", {0.25}, 0.25, 0.1875);
  check("gamma", {9, 3}, 3, 1);
  check("log_normal", {1, 2}, std::exp(2.0), std::exp(4.0) * (std::exp(2.0) - 1));
  check("log_normal", {1000, 2}, 1e150, 1e300);  // as much as can be squared
}

TEST_CASE("parameters outside their range are refused with their place", "[independent]") {
  const auto reason = [](const std::string& name, const Eigen::MatrixXd& parameters) {
    const auto bank = known_family(name).unpack(parameters, 2);
    return bank ? "accepted" : bank.error().message;
  };
  const auto two = [](double a, double b) { return Eigen::MatrixXd(Eigen::Vector2d(a, b)); };
  CHECK(reason("exponential", two(1, 0)) == "component 1: coordinate 1: rate is not a finite number > 0");
  CHECK(reason("poisson", two(-1, 1)) == "component 1: coordinate 0: rate is not a finite number > 0");
  CHECK(reason("geometric", two(0.5, 1)) == "component 1: coordinate 1: p is not between 0 and 1");
  CHECK(reason("geometric", two(0, 0.5)) == "component 1: coordinate 0: p is not between 0 and 1");
  CHECK(reason("bernoulli", two(0.5, 1)) == "component 1: coordinate 1: probability is not between 0 and 1");
  CHECK(reason("gamma", Eigen::Vector4d(1, 1, 1, -1)) ==
        "component 1: coordinate 1: shape or rate is not a finite number > 0");
  CHECK(reason("log_normal", Eigen::Vector4d(1, 1, 1, 0)) ==
        "component 1: coordinate 1: variance_log is not a finite number > 0");
  CHECK(reason("log_normal", Eigen::Vector4d(1, -1, 1, 1)) == "accepted");
}

TEST_CASE("parts of the layout have the names that people know", "[independent]") {
  const auto parts = [](const std::string& name) {
    std::string all;
    for (const ParameterPart& part : known_family(name).layout(2)) all += part.name + ":" + std::to_string(part.size) + " ";
    return all;
  };
  CHECK(parts("exponential") == "rate:2 ");
  CHECK(parts("geometric") == "p:2 ");
  CHECK(parts("poisson") == "rate:2 ");
  CHECK(parts("gamma") == "shape:2 rate:2 ");
  CHECK(parts("log_normal") == "mean_log:2 variance_log:2 ");
  CHECK(parts("normal") == "mean:2 covariance:2 ");
  CHECK(parts("bernoulli") == "probability:2 ");
  CHECK(known_family("gamma").free_parameters(2, 3) == 12);
  CHECK(known_family("poisson").free_parameters(2, 3) == 6);
}

TEST_CASE("a family has other names that people know it by", "[independent]") {
  CHECK((*find_family("lognormal"))->name() == "log_normal");
  CHECK((*find_family("log-normal"))->name() == "log_normal");
}

}  // namespace
}  // namespace emulsion
