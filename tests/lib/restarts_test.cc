#include "emulsion/restarts.h"

#include <catch2/catch.hpp>

#include "emulsion/seeding.h"
#include "lib/bank_at_work.h"

namespace emulsion {
namespace {

using namespace testing;

// Points of three clusters, and starts for them.
struct RestartsExample {
  explicit RestartsExample(std::uint64_t seed = 1) {
    options.components = 3;
    options.seed.random_seed = seed;
  }

  Result<RestartFit> fit(const RestartOptions& restarts, const BatchOptions& em = {},
                         const std::function<bool(const RestartIteration&)>& told = {}) {
    auto starts = StartingMixtures::make(batch, tiles, options);
    REQUIRE(starts);
    MemoryTiles source(tiles);
    Workers workers(1);
    return fit_from_starts(source, [&] { return starts->next(); }, restarts, em, workers, told);
  }

  PointBatch batch = draw(three_clusters(), 600, 3);
  std::vector<Tile> tiles = cut_tiles(batch);
  LearnerOptions options;
};

Eigen::MatrixXd packed(const RestartFit& fit) { return fit.fit.last.mixture->banks().front()->pack(); }

TEST_CASE("one start is batch EM and nothing else", "[restarts]") {
  RestartsExample example;
  RestartOptions restarts;
  restarts.starts = 1;
  const auto fit = example.fit(restarts);
  REQUIRE(fit);
  auto starts = StartingMixtures::make(example.batch, example.tiles, example.options);
  MemoryTiles source(example.tiles);
  Workers workers(1);
  const auto alone = batch_em(source, starts->next(), {}, workers);
  CHECK(same_bits(packed(*fit), alone->last.mixture->banks().front()->pack()));
  CHECK(fit->fit.last.number == alone->last.number);
  CHECK(fit->fit.converged);
}

TEST_CASE("no start that was screened ends above the one that wins", "[restarts]") {
  RestartsExample example;
  example.options.seed.kind = SeedKind::random;
  example.options.components = 6;
  RestartOptions restarts;
  std::vector<double> reached(10, -1e300);
  const auto fit = example.fit(restarts, {}, [&](const RestartIteration& told) {
    reached[static_cast<std::size_t>(told.start)] = told.iteration.mean_log_likelihood;
    return true;
  });
  REQUIRE(fit);
  for (const double likelihood : reached) CHECK(fit->fit.last.mean_log_likelihood >= likelihood - 1e-9);
  CHECK(fit->fit.last.mean_log_likelihood == reached[static_cast<std::size_t>(fit->start)]);
}

TEST_CASE("iterations of a start count on over both rounds, and their likelihood never falls", "[restarts]") {
  RestartsExample example;
  example.options.seed.kind = SeedKind::random;
  RestartOptions restarts;
  restarts.starts = 4;
  restarts.screening_iterations = 3;
  std::vector<std::vector<double>> told(4);
  const auto fit = example.fit(restarts, {}, [&](const RestartIteration& iteration) {
    auto& start = told[static_cast<std::size_t>(iteration.start)];
    CHECK(iteration.iteration.number == static_cast<Index>(start.size()));
    CHECK(iteration.screening == (start.size() <= 3));
    if (!start.empty()) CHECK(iteration.iteration.mean_log_likelihood >= start.back() - 1e-12);
    start.push_back(iteration.iteration.mean_log_likelihood);
    return true;
  });
  REQUIRE(fit);
  CHECK(fit->fit.last.number == static_cast<Index>(told[static_cast<std::size_t>(fit->start)].size()) - 1);
}

TEST_CASE("all iterations together are no more than were allowed", "[restarts]") {
  RestartsExample example;
  example.options.seed.kind = SeedKind::random;
  RestartOptions restarts;
  restarts.starts = 5;
  restarts.screening_iterations = 3;
  BatchOptions em;
  em.max_iterations = 5;
  const auto fit = example.fit(restarts, em);
  REQUIRE(fit);
  CHECK(fit->fit.last.number == 5);
  CHECK_FALSE(fit->fit.converged);
}

TEST_CASE("whoever is told of the iterations can end them", "[restarts]") {
  RestartsExample example;
  int calls = 0;
  const auto fit = example.fit({}, {}, [&](const RestartIteration&) { return ++calls < 7; });
  REQUIRE(fit);
  CHECK(calls == 7);
  CHECK(fit->fit.last.mixture != nullptr);
}

TEST_CASE("without points no start can be fitted, and the first reason is told", "[restarts]") {
  RestartsExample example;
  auto starts = StartingMixtures::make(example.batch, example.tiles, example.options);
  MemoryTiles nothing({});
  Workers workers(1);
  const auto fit = fit_from_starts(nothing, [&] { return starts->next(); }, {}, {}, workers);
  REQUIRE_FALSE(fit);
  CHECK(fit.error().message == "start 1: there are no points");
}

}  // namespace
}  // namespace emulsion
