#include "emulsion/mixture.h"

#include <catch2/catch.hpp>

#include "lib/gaussian_at_work.h"

namespace emulsion {
namespace {

using namespace testing;

const GaussianCase kFull{"gaussian(full)", Shape::full};

Mixture mixture_of(const std::vector<Gaussian>& components) {
  Eigen::VectorXd weights(components.size());
  for (std::size_t k = 0; k < components.size(); ++k)
    weights[static_cast<Index>(k)] = static_cast<double>(components[k].weight);
  return Mixture({bank_of(kFull, components)}, weights);
}

Expectation expect(const Mixture& mixture, const Tile& tile) {
  Expectation expectation(mixture.size());
  mixture.expect(tile, covering_lanes(0, tile.size()), expectation);
  return expectation;
}

BankStatistics expected_of(const Mixture& mixture, double first, double second) {
  const Bank& bank = *mixture.banks().front();
  return bank.family().expected(bank, Eigen::Vector2d(first, second));
}

TEST_CASE("responsibilities are the posterior probabilities of the formula") {
  const auto components = example_components(Shape::full, 3, 4);
  const Eigen::MatrixXd points = 3 * Sampler(1).normals(3, 100);
  const auto found = expect(mixture_of(components), tile_of(points));
  const auto expected = posterior(components, points);
  for (Index i = 0; i < 100; ++i) {
    CHECK(found.log_density[i] == Approx(static_cast<double>(expected.log_density[i])).epsilon(1e-12));
    Index best = 0;
    expected.responsibilities.row(i).maxCoeff(&best);
    CHECK(found.most_probable[static_cast<std::size_t>(i)] == best);
    for (Index k = 0; k < 4; ++k)
      CHECK(std::abs(found.responsibilities(i, k) - static_cast<double>(expected.responsibilities(i, k))) < 1e-13);
  }
}

TEST_CASE("a point far from every component still gets finite values that sum to 1") {
  const auto mixture = mixture_of(example_components(Shape::full, 2, 3));
  const Eigen::MatrixXd points = (Eigen::MatrixXd(2, 4) << 1e5, -1e20, 1e150, -1e150, 0, 1e20, 1e150, 1e150).finished();
  const auto found = expect(mixture, tile_of(points));
  for (Index i = 0; i < 4; ++i) {
    CHECK(std::isfinite(found.log_density[i]));
    CHECK(found.log_density[i] < -1e8);
    CHECK(found.responsibilities.row(i).sum() == Approx(1).epsilon(1e-12));
    CHECK(found.responsibilities.row(i).minCoeff() >= 0);
  }
}

TEST_CASE("a point too far from narrow components for its density to be a number counts as the least probable") {
  const auto bank =
      find_family("gaussian(full)").value()->place(Eigen::MatrixXd::Zero(2, 2), Eigen::Vector2d(1e-40, 1e-40));
  const Mixture mixture({bank}, Eigen::Vector2d(0.5, 0.5));
  auto found = expect(mixture, tile_of(Eigen::Vector2d(1e150, -1e150)));
  CHECK(std::isfinite(found.log_density[0]));
  CHECK(found.responsibilities.row(0).sum() == Approx(1));
  Statistics statistics = mixture.empty_statistics();
  mixture.accumulate(tile_of(Eigen::Vector2d(1e150, -1e150)), found, Assignment::soft, statistics);
  CHECK(all_finite(statistics));
}

TEST_CASE("of equally probable components the first one is named") {
  auto components = example_components(Shape::full, 2, 3);
  components[1] = components[2] = components[0];
  for (auto& g : components) g.weight = 1.0L / 3;
  const auto found = expect(mixture_of(components), tile_of(Sampler(2).normals(2, 10)));
  for (std::size_t i = 0; i < 10; ++i) CHECK(found.most_probable[i] == 0);
}

TEST_CASE("a component of weight 0 is responsible for nothing") {
  auto components = example_components(Shape::full, 2, 2);
  components[0].weight = 0;
  components[1].weight = 1;
  const auto found = expect(mixture_of(components), tile_of(Sampler(2).normals(2, 10)));
  for (Index i = 0; i < 10; ++i) {
    CHECK(found.responsibilities(i, 0) < 1e-300);
    CHECK(found.most_probable[static_cast<std::size_t>(i)] == 1);
  }
}

TEST_CASE("hard assignment gives each point whole to its most probable component") {
  const Index points = GENERATE(Index{120}, kTilePoints);  // a full tile is not weighed where assignment is soft
  CAPTURE(points);
  const auto mixture = mixture_of(example_components(Shape::full, 2, 3));
  const Tile tile = tile_of(3 * Sampler(3).normals(2, points));
  auto expectation = expect(mixture, tile);
  Statistics found = mixture.empty_statistics();
  mixture.accumulate(tile, expectation, Assignment::hard, found);
  Eigen::VectorXd counts = Eigen::VectorXd::Zero(3);
  for (Index i = 0; i < points; ++i) ++counts[expectation.most_probable[static_cast<std::size_t>(i)]];
  CHECK(found.banks.front().weight == counts);
  CHECK(found.weight == static_cast<double>(points));
}

TEST_CASE("maximising weighs components by their points and the Dirichlet prior") {
  const auto components = example_components(Shape::full, 2, 2);
  const Mixture mixture = mixture_of(components);
  Statistics statistics = mixture.empty_statistics();
  statistics.banks.front() = expected_of(mixture, 30, 10);
  statistics.weight = 40;
  PriorOptions prior;
  prior.weight_points = 5;
  const auto found = maximise(statistics, prior, mixture, 1);
  REQUIRE(found);
  CHECK(found->mixture->weights()[0] == Approx(35.0 / 50));
  CHECK(found->mixture->weights()[1] == Approx(15.0 / 50));
  CHECK(found->starved == std::vector<bool>{false, false});
}

TEST_CASE("a component of less weight than the threshold is starved and keeps its parameters") {
  const Mixture mixture = mixture_of(example_components(Shape::full, 2, 2));
  Statistics statistics = mixture.empty_statistics();
  statistics.banks.front() = expected_of(mixture, 30, 2.9);
  statistics.banks.front().moments.array() += 1;
  statistics.weight = 32.9;
  const auto found = maximise(statistics, {}, mixture, 3);
  REQUIRE(found);
  CHECK(found->starved == std::vector<bool>{false, true});
  const auto before = mixture.banks().front()->pack(), after = found->mixture->banks().front()->pack();
  CHECK(same_bits(after.col(1), before.col(1)));
  CHECK_FALSE(same_bits(after.col(0), before.col(0)));
  CHECK(maximise(statistics, {}, mixture, 2.9)->starved == std::vector<bool>{false, false});
}

TEST_CASE("statistics that hold no number or no points cannot be maximised") {
  const Mixture mixture = mixture_of(example_components(Shape::full, 2, 2));
  Statistics statistics = mixture.empty_statistics();
  PriorOptions none;
  none.weight_points = 0;
  CHECK(maximise(statistics, none, mixture, 1).error().message == "the statistics have no points");
  statistics.banks.front().moments(0, 0) = std::nan("");
  CHECK(maximise(statistics, none, mixture, 1).error().message ==
        "the statistics of the mini-batch hold a number that is not finite");
}

}  // namespace
}  // namespace emulsion
