// The contract of family.h, for every family of the registry: statistics and parameters. The names of the tests are the
// contract.
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "lib/family_example.h"

namespace emulsion {
namespace {

using namespace testing;

TEST_CASE("every family of the registry is under test", "[family]") {
  std::set<std::string> tested;
  for (const auto& c : family_cases()) tested.insert(c.name);
  for (const std::string& name : family_names()) {
    CAPTURE(name);
    // One that is made for a number is tested for some number.
    const std::size_t bracket = name.find("(N)");
    const auto of_some_number = [&](const std::string& other) {
      return bracket != std::string::npos && other.starts_with(name.substr(0, bracket + 1));
    };
    CHECK((tested.contains(name) || std::any_of(tested.begin(), tested.end(), of_some_number)));
  }
}

TEST_CASE("a family is found by its name", "[family]") {
  const auto c = any_family();
  REQUIRE(find_family(c.name));
  CHECK((*find_family(c.name))->name() == c.name);
  CHECK(*find_family(c.name) == *find_family(c.name));
}

TEST_CASE("an unknown family is refused with the names there are", "[family]") {
  std::string names;
  for (const std::string& name : family_names()) names += (names.empty() ? "" : ", ") + name;
  const auto unknown = find_family("gauss");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().message == "family \"gauss\" is unknown; there are: " + names);
  // Parentheses hold what makes a family, not columns.
  CHECK(find_family("normal(a)").error().message == "family \"normal(a)\" is unknown; columns stand in brackets, as in \"normal[0]\"");
  CHECK(find_family("gaussian(a)").error().message.ends_with("; there are: " + names));
}

TEST_CASE("the parts of the layout have names of their own and together the rows of a packing", "[family]") {
  const auto c = any_family();
  REQUIRE(family_of(c).check_dimension(c.dimension));
  Index rows = 0;
  std::set<std::string> names;
  for (const ParameterPart& part : family_of(c).layout(c.dimension)) {
    CAPTURE(part.name);
    CHECK(names.insert(part.name).second);
    CHECK_FALSE(part.name.empty());
    CHECK(part.size >= 1);
    switch (part.shape) {
      case PartShape::scalar:
        CHECK(part.size == 1);
        break;
      case PartShape::vector:
        CHECK(part.order == 0);
        break;
      case PartShape::symmetric:
        CHECK(part.size == part.order * (part.order + 1) / 2);
        break;
      case PartShape::diagonal:
        CHECK(part.size == part.order);
        break;
      case PartShape::isotropic:
        CHECK((part.size == 1 && part.order >= 1));
        break;
    }
    rows += part.size;
  }
  CHECK(rows == c.parameters.rows());
  CHECK(bank_of(c, c.parameters)->pack().rows() == rows);
}

TEST_CASE("components are free to choose no more numbers than they have, and more of them no fewer", "[family]") {
  const auto c = any_family();
  const Index one = family_of(c).free_parameters(c.dimension, 1), five = family_of(c).free_parameters(c.dimension, 5);
  CHECK(one >= 0);
  CHECK(one <= c.parameters.rows());
  CHECK(five >= one);
  CHECK(five <= 5 * one);
}

TEST_CASE("merging equals having seen both batches at once", "[family]") {
  const auto c = any_family();
  const Example e(c);
  CHECK(difference(merged(e.statistics(0, 80), e.statistics(80, 120)), e.statistics(0, 200)) < 1e-13);
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
  const auto none = e.family->empty(c.dimension, e.bank->size());
  const auto a = e.statistics(0, 50);
  CHECK(same_bits(merged(a, none), a));
  CHECK(same_bits(merged(none, a), a));
  CHECK(same_bits(merged(none, none), none));
  CHECK(none.weight.isZero(0));
  CHECK(none.weight.size() == e.bank->size());
  CHECK(none.family == e.family);
}

TEST_CASE("scaling by a and then by b is scaling by a*b, and scales weights, not parameters", "[family]") {
  const auto c = any_family();
  const Example e(c);
  const auto a = e.statistics(0, 100);
  CHECK(difference(scaled(scaled(a, 0.3), 7), scaled(a, 2.1)) < 1e-15);
  CHECK(same_bits(scaled(a, 1), a));
  CHECK(same_bits(scaled(a, 4).weight, 4 * a.weight));
  const auto before = maximise(a, *e.bank, e.prior).bank->pack();
  CHECK(difference(maximise(scaled(a, 0.37), *e.bank, e.prior).bank->pack(), before) < c.tolerance);
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
  const Eigen::MatrixXd points = c.keeps(Law::missing_coordinates) ? with_losses(e.points, 0.1, 3) : e.points;
  const Index n = 50;
  Eigen::MatrixXd twice(c.dimension, 2 * n), shares_twice(2 * n, e.bank->size());
  for (Index i = 0; i < n; ++i) {
    twice.col(2 * i) = twice.col(2 * i + 1) = points.col(i);
    shares_twice.row(2 * i) = shares_twice.row(2 * i + 1) = e.shares.row(i);
  }
  CHECK(difference(statistics_of(*e.bank, points.leftCols(n), 2 * e.shares.topRows(n)),
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
  CHECK(a.failure.empty());
}

TEST_CASE("rows past the end of a tile and columns of other banks are left out", "[family]") {
  const auto c = any_family();
  const bool incomplete = GENERATE(false, true);
  if (incomplete && (!c.keeps(Law::missing_coordinates) || c.dimension < 2)) return;
  CAPTURE(incomplete);
  const Example e(c);
  const Eigen::MatrixXd points = incomplete ? with_losses(e.points, 0.3, 3) : e.points;
  const Index components = e.bank->size();
  LaneMatrix wide = LaneMatrix::Zero(kTilePoints, components + 3);
  wide.col(0).setConstant(1e9);
  wide.block(0, 2, 90, components) = e.shares.topRows(90).array();
  BankStatistics found = e.bank->family().empty(e.bank->dimension(), e.bank->size());
  e.bank->accumulate(tile_of(points.leftCols(90)), wide, 2, found);
  CHECK(same_bits(found, statistics_of(*e.bank, points.leftCols(90), e.shares.topRows(90))));

  LaneMatrix out = LaneMatrix::Constant(kTilePoints, components + 3, 42);
  e.bank->log_densities(tile_of(points), {16, 32}, out, 2);
  const Eigen::MatrixXd alone = log_densities(*e.bank, tile_of(points));
  CHECK(same_bits(Eigen::MatrixXd(out.block(16, 2, 16, components)), alone.middleRows(16, 16)));
  CHECK((out.leftCols(2) == 42).all());
  CHECK((out.rightCols(1) == 42).all());
  CHECK((out.topRows(16) == 42).all());
  CHECK((out.bottomRows(kTilePoints - 32) == 42).all());
}

TEST_CASE("pack and unpack are inverse, bit for bit, and keep the log densities", "[family]") {
  const auto c = any_family();
  const Example e(c);
  const Index components = e.bank->size();
  const auto learned = maximise(e.statistics(0, 200), *e.bank, prior_of(e.points, {1, 1e-3, 0})).bank;
  const auto placed = e.family->place(e.points.leftCols(components), e.prior.variances);
  CHECK(same_bits(e.bank->pack(), c.parameters));
  for (const auto& bank : {learned, placed, e.bank}) {
    const auto again = e.family->unpack(bank->pack(), c.dimension);
    REQUIRE(again);
    CHECK(same_bits((*again)->pack(), bank->pack()));
    CHECK(same_bits(log_densities(**again, tile_of(e.points)), log_densities(*bank, tile_of(e.points))));
    CHECK(&(*again)->family() == e.family);
    CHECK((*again)->size() == components);
    CHECK((*again)->dimension() == c.dimension);
  }
}

std::string refusal(const FamilyCase& c, const Eigen::MatrixXd& parameters) {
  const auto bank = family_of(c).unpack(parameters, c.dimension);
  return bank ? "accepted" : bank.error().message;
}

TEST_CASE("parameters of the wrong size are refused with the size that was expected", "[family]") {
  const auto c = any_family();
  CHECK(refusal(c, c.parameters) == "accepted");
  const Index rows = c.parameters.rows();
  Eigen::MatrixXd more = Eigen::MatrixXd::Ones(rows + 1, c.parameters.cols());
  more.topRows(rows) = c.parameters;
  const std::string expected = " parameters, expected " + std::to_string(rows);
  CHECK(refusal(c, c.parameters.topRows(rows - 1)).starts_with(c.name + ": " + std::to_string(rows - 1) + expected));
  CHECK(refusal(c, more).starts_with(c.name + ": " + std::to_string(rows + 1) + expected));
  CHECK(refusal(c, Eigen::MatrixXd::Ones(0, 2)).starts_with(c.name + ": 0" + expected));
}

TEST_CASE("parameters that are not finite are refused by the number of their component", "[family]") {
  const auto c = any_family();
  for (Index row = 0; row < c.parameters.rows(); ++row)
    for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
      Eigen::MatrixXd parameters = c.parameters;
      parameters(row, 1) = bad;
      const std::string reason = refusal(c, parameters);
      CAPTURE(row, bad, reason);
      CHECK(reason.find("component 2: ") != std::string::npos);
    }
}

TEST_CASE("the expected statistics of a bank give the bank back", "[family]") {
  const auto c = any_family();
  const Example e(c);
  const Eigen::Vector3d points(10, 0.5, 1e6);
  const auto expected = e.family->expected(*e.bank, points);
  CHECK(expected.weight == points);
  CHECK(expected.family == e.family);
  CHECK(expected.moments.allFinite());
  if (!c.keeps(Law::moved_by_points)) return;
  const Eigen::MatrixXd back = maximise(expected, *e.bank, e.prior).bank->pack();
  for (Index k = 0; k < back.cols(); ++k) CHECK(difference(back.col(k), c.parameters.col(k)) < c.tolerance);
}

TEST_CASE("the expected statistics of 0 points weigh nothing", "[family]") {
  const auto c = any_family();
  const Example e(c);
  const auto a = e.statistics(0, 50);
  CHECK(difference(merged(e.family->expected(*e.bank, Eigen::Vector3d::Zero()), a), a) < 1e-15);
}

}  // namespace
}  // namespace emulsion
