#include "clients/scenario.h"

#include <Eigen/Eigenvalues>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>

using namespace emulsion;
using namespace emulsion::client;

namespace {

Scenario scenario_of(std::string_view name, const ScenarioOptions& options = {}) {
  auto scenario = Scenario::make(name, options);
  INFO((scenario ? "" : scenario.error().message));
  REQUIRE(scenario);
  return std::move(*scenario);
}

// Points of each label, d x n.
std::map<std::int64_t, Eigen::MatrixXd> by_label(const LabelledPoints& points) {
  std::map<std::int64_t, std::vector<Index>> columns;
  for (Index i = 0; i < points.batch.size(); ++i) columns[points.labels[static_cast<std::size_t>(i)]].push_back(i);
  std::map<std::int64_t, Eigen::MatrixXd> result;
  for (const auto& [label, chosen] : columns) result[label] = points.batch.points(Eigen::all, chosen);
  return result;
}

// Five standard errors: a fixed seed that passes always passes, and a wrong formula does not.
constexpr double kErrors = 5;

// Mean, covariance and number of the points of each component against the truth at `t`.
void check_moments(const LabelledPoints& points, const std::vector<TrueComponent>& truth) {
  const auto groups = by_label(points);
  REQUIRE(groups.size() == truth.size());
  const auto total = static_cast<double>(points.batch.size());
  for (const TrueComponent& component : truth) {
    const Eigen::MatrixXd& group = groups.at(component.label);
    const auto n = static_cast<double>(group.cols());
    const double w = component.weight;
    CHECK(std::abs(n / total - w) <= kErrors * std::sqrt(w * (1 - w) / total));
    const Eigen::VectorXd mean = group.rowwise().mean();
    const Eigen::MatrixXd centred = group.colwise() - mean;
    const Eigen::MatrixXd covariance = centred * centred.transpose() / n;
    const Eigen::MatrixXd& expected = component.covariance;
    for (Index i = 0; i < mean.size(); ++i) {
      CHECK(std::abs(mean[i] - component.mean[i]) <= kErrors * std::sqrt(expected(i, i) / n));
      for (Index j = 0; j < mean.size(); ++j) {
        const double error = std::sqrt((expected(i, i) * expected(j, j) + expected(i, j) * expected(i, j)) / n);
        CHECK(std::abs(covariance(i, j) - expected(i, j)) <= kErrors * error);
      }
    }
  }
}

// The same bits, where NaN equals NaN.
bool same(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() &&
         ((a.array() == b.array()) || (a.array().isNaN() && b.array().isNaN())).all();
}

}  // namespace

TEST_CASE("uniform numbers are the generator's upper 53 bits, and normals follow Box and Muller", "[scenario]") {
  Random random(5489);  // the seed for which the C++ standard states the generator's 10000th number
  double last = 0;
  for (int i = 0; i < 10000; ++i) last = random.uniform();
  CHECK(last == std::ldexp(static_cast<double>(9981545732273789042u >> 11), -53));
  Random pair(1), same_bits(1);
  const double u = pair.uniform(), v = pair.uniform();
  CHECK(same_bits.normal() == Approx(std::sqrt(-2 * std::log(1 - u)) * std::cos(2 * M_PI * v)));
  CHECK(same_bits.normal() == Approx(std::sqrt(-2 * std::log(1 - u)) * std::sin(2 * M_PI * v)));
}

TEST_CASE("a stationary scenario has the moments that its truth says", "[scenario]") {
  for (const Index d : {1, 2, 5}) {
    ScenarioOptions options;
    options.points = 60000;
    options.dimension = d;
    options.components = 4;
    options.separation = 10;
    Scenario scenario = scenario_of("stationary", options);
    const auto truth = scenario.truth(0);
    for (const auto& a : truth) {
      const auto variances = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(a.covariance).eigenvalues();
      CHECK(variances.minCoeff() >= 0.25 - 1e-12);
      CHECK(variances.maxCoeff() <= 1 + 1e-12);
      CHECK(a.covariance == a.covariance.transpose());
      for (const auto& b : truth) CHECK((a.label == b.label || (a.mean - b.mean).norm() >= 10));
    }
    check_moments(scenario.next(60000), truth);
    CHECK(scenario.done());
    CHECK_FALSE(scenario.moving());
  }
}

TEST_CASE("two-gaussians is the stream of the notebook", "[scenario]") {
  ScenarioOptions options;
  options.points = 100000;
  Scenario scenario = scenario_of("two-gaussians", options);
  const std::vector<TrueComponent> expected = {
      {0, 0.5, Eigen::Vector2d(0, 5), Eigen::Vector2d(2, 3).asDiagonal()},
      {1, 0.5, Eigen::Vector2d(5, 0), Eigen::Vector2d(4, 1).asDiagonal()},
  };
  const LabelledPoints points = scenario.next(100000);
  check_moments(points, expected);
  const auto truth = scenario.truth(99999);
  REQUIRE(truth.size() == 2);
  for (std::size_t k = 0; k < 2; ++k) {
    CHECK(truth[k].weight == 0.5);
    CHECK(truth[k].mean == expected[k].mean);
    CHECK(truth[k].covariance == expected[k].covariance);
  }
  // Shuffled: a label follows the other half of the time.
  int changes = 0;
  for (std::size_t i = 1; i < points.labels.size(); ++i) changes += points.labels[i] != points.labels[i - 1];
  CHECK(std::abs(changes - 50000) < kErrors * std::sqrt(25000));
}

TEST_CASE("the same seed gives the same points, however many are asked for at a time", "[scenario]") {
  for (const ScenarioEntry& entry : scenarios()) {
    INFO(entry.name);
    ScenarioOptions options;
    options.points = 999;
    options.seed = 7;
    const LabelledPoints whole = scenario_of(entry.name, options).next(5000);
    REQUIRE(whole.batch.size() == 999);
    Scenario pieces = scenario_of(entry.name, options);
    Index at = 0;
    while (!pieces.done()) {
      const LabelledPoints piece = pieces.next(10);
      CHECK(same(piece.batch.points, whole.batch.points.middleCols(at, piece.batch.size())));
      for (std::size_t i = 0; i < piece.labels.size(); ++i) {
        CHECK(piece.labels[i] == whole.labels[static_cast<std::size_t>(at) + i]);
      }
      at += piece.batch.size();
    }
    CHECK(at == 999);
    CHECK(pieces.next(10).batch.size() == 0);
    options.seed = 8;
    CHECK_FALSE(same(scenario_of(entry.name, options).next(999).batch.points, whole.batch.points));
  }
}

TEST_CASE("every point of a moving scenario is drawn from the truth at its moment", "[scenario]") {
  for (const std::string_view name : {"drift", "abrupt", "born", "dying", "splitting", "merging"}) {
    INFO(name);
    ScenarioOptions options;
    options.points = 30000;
    Scenario scenario = scenario_of(name, options);
    CHECK(scenario.moving());
    // Standardised by the truth at its moment, all points together are standard normal, and each component has as many
    // as its weights add up to.
    std::map<std::int64_t, double> expected, seen;
    Eigen::Vector2d sum = Eigen::Vector2d::Zero();
    Eigen::Matrix2d squares = Eigen::Matrix2d::Zero();
    for (std::uint64_t t = 0; t < options.points; ++t) {
      const auto truth = scenario.truth(t);
      const LabelledPoints point = scenario.next(1);
      const TrueComponent* own = nullptr;
      for (const auto& component : truth) {
        expected[component.label] += component.weight;
        if (component.label == point.labels[0]) own = &component;
      }
      REQUIRE(own != nullptr);
      seen[own->label] += 1;
      const Eigen::Vector2d z =
          Eigen::Matrix2d(own->covariance.llt().matrixL()).inverse() * (point.batch.points.col(0) - own->mean);
      sum += z;
      squares += z * z.transpose();
    }
    const auto n = static_cast<double>(options.points);
    CHECK((sum / n).cwiseAbs().maxCoeff() < kErrors / std::sqrt(n));
    CHECK((squares / n - Eigen::Matrix2d::Identity()).cwiseAbs().maxCoeff() < kErrors * std::sqrt(2 / n));
    for (const auto& [label, count] : expected) CHECK(std::abs(seen[label] - count) < kErrors * std::sqrt(n) / 2);
  }
}

TEST_CASE("drift is linear, and keeps its clusters apart", "[scenario]") {
  ScenarioOptions options;
  options.points = 1000;
  options.separation = 6;
  const Scenario scenario = scenario_of("drift", options);
  const auto start = scenario.truth(0), quarter = scenario.truth(250), half = scenario.truth(500);
  for (std::size_t k = 0; k < start.size(); ++k) {
    CHECK((half[k].mean - start[k].mean).norm() >= 0.25 * 6 - 1e-9);
    CHECK((2 * (quarter[k].mean - start[k].mean) - (half[k].mean - start[k].mean)).norm() < 1e-9);
    CHECK(half[k].weight == start[k].weight);
  }
  for (std::uint64_t t = 0; t < 1000; t += 50) {
    const auto now = scenario.truth(t);
    for (const auto& a : now) {
      for (const auto& b : now) CHECK((a.label == b.label || (a.mean - b.mean).norm() >= 3 - 1e-9));
    }
  }
}

TEST_CASE("an abrupt change happens half way and nowhere else", "[scenario]") {
  ScenarioOptions options;
  options.points = 1000;
  const Scenario scenario = scenario_of("abrupt", options);
  const auto first = scenario.truth(0), before = scenario.truth(499), after = scenario.truth(500);
  for (std::size_t k = 0; k < first.size(); ++k) {
    CHECK(before[k].mean == first[k].mean);
    CHECK((after[k].mean - first[k].mean).norm() >= 8);
    CHECK(scenario.truth(999)[k].mean == after[k].mean);
  }
}

TEST_CASE("components come, go, split and merge in the middle third", "[scenario]") {
  ScenarioOptions options;
  options.points = 900;
  options.components = 4;
  const auto count = [&](std::string_view name, std::uint64_t t) { return scenario_of(name, options).truth(t).size(); };
  const auto weight = [&](std::string_view name, std::uint64_t t, std::size_t k) {
    return scenario_of(name, options).truth(t)[k].weight;
  };
  CHECK(count("born", 299) == 3);
  CHECK(count("born", 310) == 4);
  CHECK(weight("born", 899, 3) > weight("born", 310, 3));
  CHECK(count("dying", 590) == 4);
  CHECK(count("dying", 600) == 3);
  CHECK(count("splitting", 299) == 3);
  CHECK(weight("splitting", 299, 2) == Approx(2 * weight("splitting", 300, 2)));
  const auto split = scenario_of("splitting", options).truth(300);
  REQUIRE(split.size() == 4);
  CHECK((split[2].mean - split[3].mean).norm() < 1e-9);
  const auto apart = scenario_of("splitting", options).truth(600);
  CHECK((apart[2].mean - apart[3].mean).norm() >= 8);
  const auto apart_first = scenario_of("merging", options).truth(0);
  REQUIRE(apart_first.size() == 4);
  CHECK((apart_first[2].mean - apart_first[3].mean).norm() >= 8);
  CHECK(count("merging", 599) == 4);
  CHECK(count("merging", 600) == 3);
  for (const std::string_view name : {"born", "dying", "splitting", "merging"}) {
    for (const std::uint64_t t : {0, 299, 300, 450, 600, 899}) {
      double sum = 0;
      for (const auto& component : scenario_of(name, options).truth(t)) sum += component.weight;
      CHECK(sum == Approx(1));
    }
  }
}

TEST_CASE("a fraction of the coordinates is missing, and never all of a point", "[scenario]") {
  ScenarioOptions options;
  options.points = 20000;
  options.dimension = 3;
  options.fraction = 0.3;
  const Eigen::MatrixXd points = scenario_of("missing", options).next(20000).batch.points;
  const Eigen::VectorXd missing = points.array().isNaN().cast<double>().matrix().colwise().sum().transpose();
  CHECK(missing.maxCoeff() == 2);
  const double fraction = missing.sum() / (3 * 20000);
  CHECK(std::abs(fraction - (0.3 - 0.027 / 3)) < kErrors * std::sqrt(0.3 * 0.7 / 60000));
}

TEST_CASE("a fraction of the points is far from every component", "[scenario]") {
  ScenarioOptions options;
  options.points = 20000;
  options.fraction = 0.2;
  Scenario scenario = scenario_of("outliers", options);
  const auto truth = scenario.truth(0);
  LabelledPoints points = scenario.next(20000);
  const Eigen::MatrixXd outliers = by_label(points).at(kOutlier);
  const auto n = static_cast<double>(outliers.cols());
  CHECK(std::abs(n / 20000 - 0.2) < kErrors * std::sqrt(0.2 * 0.8 / 20000));
  for (const auto& component : truth) {
    const Eigen::MatrixXd inverse = component.covariance.inverse();
    for (Index i = 0; i < outliers.cols(); ++i) {
      const Eigen::VectorXd away = outliers.col(i) - component.mean;
      CHECK(away.dot(inverse * away) > 16);
    }
  }
  double sum = 0;
  for (const auto& component : truth) sum += component.weight;
  CHECK(sum == Approx(1));
}

TEST_CASE("a scenario that cannot be is refused with what is allowed", "[scenario]") {
  const auto error = [](std::string_view name, auto change) {
    ScenarioOptions options;
    change(options);
    const auto scenario = Scenario::make(name, options);
    REQUIRE_FALSE(scenario);
    return scenario.error().message;
  };
  CHECK(error("drfit", [](auto&) {}) ==
        "no scenario \"drfit\"; there are: stationary, two-gaussians, drift, abrupt, born, dying, splitting, merging, "
        "missing, outliers");
  CHECK(error("stationary", [](auto& o) { o.points = 0; }) == "points is out of range; allowed: 1 to 10^15");
  CHECK(error("stationary", [](auto& o) { o.dimension = 0; }) == "dimension is out of range; allowed: 1 to 1024");
  CHECK(error("missing", [](auto& o) { o.dimension = 1; }) == "dimension is out of range; allowed: 2 to 1024");
  CHECK(error("splitting", [](auto& o) { o.components = 1; }) == "components is out of range; allowed: 2 to 1024");
  CHECK(error("stationary", [](auto& o) { o.separation = NAN; }) ==
        "separation is out of range; allowed: above 0, up to 1000");
  CHECK(error("outliers", [](auto& o) { o.fraction = 1; }) == "fraction is out of range; allowed: 0 to 0.9");
  CHECK(error("drift", [](auto& o) { o.fraction = 0.1; }) ==
        "fraction is an option of the scenarios missing and outliers alone");
  CHECK(error("two-gaussians", [](auto& o) { o.components = 3; }) ==
        "two-gaussians has 2 components in 2 dimensions, always at the same distance");
}
