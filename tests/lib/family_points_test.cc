// The contract of family.h, for every family of the registry: what points do to it, and it to them.
#include <catch2/catch.hpp>

#include "emulsion/learner.h"
#include "lib/family_example.h"

namespace emulsion {
namespace {

using namespace testing;

TEST_CASE("a row's log density does not depend on its neighbours or its place in the tile, to the last bit",
          "[family]") {
  const auto c = any_family();
  const bool incomplete = GENERATE(false, true);
  if (incomplete && (!c.keeps(Law::missing_coordinates) || c.dimension < 2)) return;
  const Example e(c);
  Eigen::VectorXd point = e.points.col(3);
  if (incomplete) point[1] = std::nan("");
  const Eigen::MatrixXd alone = log_densities(*e.bank, tile_of(point));
  Sampler sampler(9);
  bool same = true;
  for (Index place = 0; place < kTilePoints; ++place) {
    // A tile that goes on for a few rows, full of other points, some of them incomplete, far away or of no component.
    const Index size = std::min(kTilePoints, place + 1 + place % 11);
    Eigen::MatrixXd points = std::pow(10.0, static_cast<double>(place % 7)) * sampler.normals(c.dimension, size);
    if (place % 2 == 0)
      points.leftCols(std::min(size, e.points.cols())) = e.points.leftCols(std::min(size, e.points.cols()));
    if (place % 3 == 0 && c.dimension > 1) points(place % c.dimension, size / 2) = std::nan("");
    points.col(place) = point;
    same &= same_bits(log_densities(*e.bank, tile_of(points)).row(place), alone.row(0));
  }
  CHECK(same);
}

TEST_CASE("a point of a component is not refused, and has a finite density", "[family]") {
  const auto c = any_family();
  const Example e(c);
  for (Index k = 0; k < e.bank->size(); ++k) {
    const Eigen::MatrixXd points = draw_points(c, 200, 21, k);
    CHECK(log_densities(*e.bank, tile_of(points)).col(k).allFinite());
    for (Index i = 0; i < 200; ++i) {
      const auto reason = e.family->refusal({points.col(i).data(), static_cast<std::size_t>(c.dimension)});
      if (reason) FAIL_CHECK(*reason);
    }
  }
}

TEST_CASE(
    "a point outside the support is refused by its coordinate and value, is as improbable as can be, and counts for "
    "nothing",
    "[family]") {
  const auto c = any_family();
  const Example e(c);
  Eigen::MatrixXd points(c.dimension, 100 + static_cast<Index>(c.refused.size()));
  Eigen::MatrixXd shares = Eigen::MatrixXd::Zero(points.cols(), e.bank->size());
  points.leftCols(100) = e.points.leftCols(100);
  shares.topRows(100) = e.shares.topRows(100);
  for (std::size_t i = 0; i < c.refused.size(); ++i) {
    const Eigen::VectorXd& point = c.refused[i].point;
    CAPTURE(c.refused[i].reason);
    const auto reason = e.family->refusal({point.data(), static_cast<std::size_t>(c.dimension)});
    REQUIRE(reason);
    CHECK(*reason == c.refused[i].reason);
    const Eigen::MatrixXd found = log_densities(*e.bank, tile_of(point));
    for (Index k = 0; k < found.cols(); ++k) CHECK_FALSE(found(0, k) > -1e300);  // NaN is allowed
    points.col(100 + static_cast<Index>(i)) = point;
  }
  CHECK(difference(statistics_of(*e.bank, points, shares), e.statistics(0, 100)) < 1e-14);
}

TEST_CASE("the density of an incomplete point is a number", "[family]") {
  const auto c = any_family();
  if (!c.keeps(Law::missing_coordinates)) return;
  const Example e(c);
  const Eigen::MatrixXd points = with_losses(e.points, 0.5, 12);
  const Eigen::MatrixXd found = log_densities(*e.bank, tile_of(points));
  for (Index k = 0; k < e.bank->size(); ++k)
    for (Index i = 0; i < points.cols(); ++i)
      if (e.shares(i, k) > 0) CHECK(std::isfinite(found(i, k)));
  for (Index i = 0; i < points.cols(); ++i)
    CHECK_FALSE(e.family->refusal({points.col(i).data(), static_cast<std::size_t>(c.dimension)}));
}

// Each density integrates to the same as the others: a point that is drawn from one of K components at random belongs
// to component k with probability 1/K on average.
TEST_CASE("points drawn from the components are given back to each in its proportion", "[family]") {
  const auto c = any_family();
  const auto bank = bank_of(c, c.parameters);
  const Index n = 30000, components = bank->size();
  const Eigen::MatrixXd points = draw_points(c, n, 31);
  const Mixture mixture({bank}, Eigen::VectorXd::Constant(components, 1.0 / static_cast<double>(components)));
  Eigen::MatrixXd all(n, components);
  for (Index first = 0; first < n; first += kTilePoints) {
    const Index size = std::min(kTilePoints, n - first);
    Expectation expectation(components);
    mixture.expect(tile_of(points.middleCols(first, size)), covering_lanes(0, size), expectation);
    all.middleRows(first, size) = expectation.responsibilities.topRows(size).matrix();
  }
  for (Index k = 0; k < components; ++k) {
    const double mean = all.col(k).mean();
    const double deviation = std::sqrt((all.col(k).array() - mean).square().mean());
    CAPTURE(k, mean, deviation);
    CHECK(std::abs(mean - 1.0 / static_cast<double>(components)) <
          5 * deviation / std::sqrt(static_cast<double>(n)) + 1e-9);
  }
}

TEST_CASE("the means and variances that a bank tells are those of its points", "[family]") {
  const auto c = any_family();
  const auto bank = bank_of(c, c.parameters);
  REQUIRE(bank->means().rows() == c.dimension);
  REQUIRE(bank->variances().cols() == c.parameters.cols());
  CHECK(bank->means().allFinite());
  CHECK((bank->variances().array() > 0).all());
  if (!c.keeps(Law::moments)) return;
  const double n = 30000;
  for (Index k = 0; k < bank->size(); ++k) {
    const Eigen::MatrixXd points = draw_points(c, static_cast<Index>(n), 41, k);
    for (Index j = 0; j < c.dimension; ++j) {
      CAPTURE(k, j);
      const double mean = points.row(j).mean();
      const Eigen::ArrayXd squares = (points.row(j).array() - mean).square();
      const double variance = squares.mean();
      CHECK(std::abs(mean - bank->means()(j, k)) < 5 * std::sqrt(variance / n));
      CHECK(std::abs(variance - bank->variances()(j, k)) < 5 * std::sqrt((squares - variance).square().mean() / n));
    }
  }
}

TEST_CASE("an M-step never makes the points less probable, whether or not they are complete", "[family]") {
  const auto c = any_family();
  const bool incomplete = GENERATE(false, true);
  if (incomplete && !c.keeps(Law::missing_coordinates)) return;
  Example e(c);
  if (incomplete) e.points = with_losses(e.points, 0.3, 11);
  auto bank = e.bank;
  double before = expected_log_density(*bank, e.points, e.shares);
  const double first = before;
  for (int step = 0; step < 5; ++step) {
    bank = maximise(statistics_of(*bank, e.points, e.shares), *bank, e.prior).bank;
    const double after = expected_log_density(*bank, e.points, e.shares);
    CAPTURE(step, before, after);
    CHECK(after >= before - 1e-11 * std::abs(before));
    before = after;
  }
  if (c.keeps(Law::moved_by_points)) CHECK(before > first + 1);
}

TEST_CASE("many points of a component give its distribution back", "[family]") {
  const auto c = any_family();
  if (!c.keeps(Law::moved_by_points)) return;
  const Index n = 8 * kTilePoints;
  for (Index k = 0; k < c.parameters.cols(); ++k) {
    const Eigen::MatrixXd points = draw_points(c, n, 51, k);
    const auto truth = bank_of(c, c.parameters.col(k));
    auto bank = bank_of(c, c.parameters.col((k + 1) % c.parameters.cols()));
    const Prior prior = prior_of(points, no_prior_options());
    const Eigen::MatrixXd whole = Eigen::MatrixXd::Ones(kTilePoints, 1);
    for (int step = 0; step < 60; ++step) {
      BankStatistics statistics = bank->family().empty(c.dimension, 1);
      for (Index first = 0; first < n; first += kTilePoints)
        statistics.family->merge(statistics, statistics_of(*bank, points.middleCols(first, kTilePoints), whole));
      bank = maximise(statistics, *bank, prior).bank;
    }
    // The gain of the best of P parameters over the true ones is chi-squared with P degrees of freedom, halved (Wilks).
    double gain = 0;
    for (Index first = 0; first < n; first += kTilePoints)
      gain += expected_log_density(*bank, points.middleCols(first, kTilePoints), whole) -
              expected_log_density(*truth, points.middleCols(first, kTilePoints), whole);
    const double freedom = static_cast<double>(bank->family().free_parameters(c.dimension, 1));
    CAPTURE(k, gain, freedom);
    CHECK(gain > -1e-6);
    CHECK(gain < 0.5 * (freedom + 5 * std::sqrt(2 * freedom) + 10));
  }
}

TEST_CASE("with soft assignment batch EM never lowers the log likelihood", "[family]") {
  const auto c = any_family();
  const bool incomplete = GENERATE(false, true);
  if (!c.keeps(Law::moved_by_points) || (incomplete && !c.keeps(Law::missing_coordinates))) return;
  Eigen::MatrixXd points = draw_points(c, 600, 61);
  const Prior scale = prior_of(points, no_prior_options());
  if (incomplete) points = with_losses(points, 0.2, 62);
  const std::vector<Tile> tiles = cut_tiles(PointBatch{points, {}, {}});
  Workers workers(1);
  const Index components = c.parameters.cols();
  Mixture mixture({family_of(c).place(draw_points(c, components, 63), scale.variances)},
                  Eigen::VectorXd::Constant(components, 1.0 / static_cast<double>(components)));
  double before = -HUGE_VAL;
  for (int step = 0; step < 25; ++step) {
    const Statistics statistics = em_pass(mixture, tiles, Assignment::soft, workers);
    CAPTURE(step, before, statistics.log_likelihood);
    CHECK(statistics.log_likelihood >= before - 1e-10 * std::abs(before));
    before = statistics.log_likelihood;
    const auto next = maximise(statistics, no_prior_options(), mixture, 0);
    REQUIRE(next);
    mixture = *next->mixture;
  }
}

TEST_CASE("a learner finds a model of each family in a stream, and goes on from what it published", "[family]") {
  const auto c = any_family();
  LearnerOptions options;
  options.family = c.name;
  options.components = c.parameters.cols();
  auto learner = Learner::make(options, c.dimension);
  REQUIRE(learner);
  const Eigen::MatrixXd points = draw_points(c, 3000, 71);
  const Learned learned = learner->learn(PointBatch{points, {}, {}}, false);
  CHECK(learned.seeded);
  REQUIRE(learned.updates.size() > 5);
  for (const auto& update : learned.updates) CHECK(update.failure.empty());
  const Snapshot model = learner->snapshot();
  const auto mixture = mixture_of(model);
  REQUIRE(mixture);
  CHECK(std::isfinite(model.mean_log_likelihood));
  CHECK(Learner::start_from(options, model));
  // It is about as good as the truth, by the mean over the same points.
  Workers workers(1);
  const std::vector<Tile> tiles = cut_tiles(PointBatch{points, {}, {}});
  const Mixture truth({bank_of(c, c.parameters)},
                      Eigen::VectorXd::Constant(c.parameters.cols(), 1.0 / static_cast<double>(c.parameters.cols())));
  const double found = em_pass(**mixture, tiles, Assignment::soft, workers).log_likelihood / 3000;
  const double best = em_pass(truth, tiles, Assignment::soft, workers).log_likelihood / 3000;
  CAPTURE(found, best);
  CHECK(found > -1e6);
  if (c.keeps(Law::moved_by_points)) CHECK(found > best - 0.1);
}

}  // namespace
}  // namespace emulsion
