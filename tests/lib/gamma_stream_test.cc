// A stream of gammas, learned as it comes, beside the same points fitted in passes.
#include <catch2/catch.hpp>

#include "emulsion/batch_em.h"
#include "emulsion/learner.h"
#include "lib/draw.h"
#include "lib/family_example.h"

namespace emulsion {
namespace {

using namespace testing;

// Two gammas that overlap a little: shapes 2 and 20, rates 1 and 2 (means 2 and 10), weights 0.4 and 0.6.
Eigen::MatrixXd two_gammas(Index n, std::uint64_t seed) {
  Sampler sampler(seed);
  Eigen::MatrixXd points(1, n);
  for (Index i = 0; i < n; ++i)
    points(0, i) = sampler.uniform() < 0.4 ? draw_gamma(sampler, 2, 1) : draw_gamma(sampler, 20, 2);
  return points;
}

// Weight, shape and rate of the component of the lower mean, and of the other.
struct Found {
  Eigen::Vector3d lower, upper;
};

Found found(const Mixture& mixture) {
  const Eigen::MatrixXd packed = mixture.banks().front()->pack(), means = mixture.banks().front()->means();
  const Index lower = means(0, 0) < means(0, 1) ? 0 : 1, upper = 1 - lower;
  const auto of = [&](Index k) { return Eigen::Vector3d(mixture.weights()[k], packed(0, k), packed(1, k)); };
  return {of(lower), of(upper)};
}

TEST_CASE("one pass over a stream of two gammas comes to what batch EM finds in the same points", "[independent]") {
  const std::uint64_t seed = GENERATE(1, 2, 3);
  const Index n = 40000;
  const Eigen::MatrixXd points = two_gammas(n, seed);
  LearnerOptions options;
  options.family = "gamma";
  options.components = 2;
  options.averaging = true;
  auto learner = Learner::make(options, 1);
  REQUIRE(learner);
  learner->learn(PointBatch{points, {}, {}}, false);
  const auto online = mixture_of(learner->snapshot());
  REQUIRE(online);

  const std::vector<Tile> tiles = cut_tiles(PointBatch{points, {}, {}});
  MemoryTiles source(tiles);
  Workers workers(1);
  BatchOptions batch;
  batch.tolerance = 1e-12;
  const auto fit = batch_em(source, *online, batch, workers);
  REQUIRE(fit);
  const double per_point = em_pass(**online, tiles, Assignment::soft, workers).log_likelihood / static_cast<double>(n);
  CAPTURE(per_point, fit->last.mean_log_likelihood, fit->last.number);
  CHECK(fit->last.mean_log_likelihood - per_point < 0.0005);

  // The batch fit is near the truth, and the stream near the batch fit: 16,000 points know a shape to about 1 %.
  const Found batched = found(*fit->last.mixture), streamed = found(**online);
  CAPTURE(batched.lower.transpose(), batched.upper.transpose(), streamed.lower.transpose(), streamed.upper.transpose());
  CHECK((batched.lower - Eigen::Vector3d(0.4, 2, 1)).cwiseAbs().maxCoeff() < 0.1);
  CHECK((batched.upper.array() / Eigen::Array3d(0.6, 20, 2) - 1).abs().maxCoeff() < 0.05);
  CHECK((streamed.lower.array() / batched.lower.array() - 1).abs().maxCoeff() < 0.05);
  CHECK((streamed.upper.array() / batched.upper.array() - 1).abs().maxCoeff() < 0.05);
}

TEST_CASE("with one component one pass over a stream is the batch fit, for a gamma is an exponential family",
          "[independent]") {
  const Eigen::MatrixXd points = two_gammas(3000, 5);
  LearnerOptions options;
  options.family = "gamma";
  options.components = 1;
  options.step.kind = StepKind::cumulative;
  auto learner = Learner::make(options, 1);
  REQUIRE(learner);
  learner->learn(PointBatch{points, {}, {}}, false);
  learner->flush(false);
  const auto bank = find_family("gamma").value()->place(Eigen::MatrixXd::Ones(1, 1), Eigen::VectorXd::Ones(1));
  BankStatistics statistics = bank->family().empty(1, 1);
  for (Index first = 0; first < 3000; first += 250)
    statistics.family->merge(statistics,
                             statistics_of(*bank, points.middleCols(first, 250), Eigen::MatrixXd::Ones(250, 1)));
  const auto whole = maximise(statistics, *bank, prior_of(points, options.prior)).bank->pack();
  CHECK(difference(learner->snapshot().components.front().parameters, whole.col(0)) < 1e-12);
}

TEST_CASE("components of different families share a stream by its support", "[independent]") {
  // Exponential and normal, as mixem's example; the negative points can only be normal.
  Sampler sampler(9);
  Eigen::MatrixXd points(1, 20000);
  for (Index i = 0; i < points.cols(); ++i)
    points(0, i) = sampler.uniform() < 0.5 ? draw_exponential(sampler, 0.5, 0) : draw_normal(sampler, -1, 0.25);
  LearnerOptions options;
  options.mixture = "1*normal + 1*exponential";
  auto learner = Learner::make(options, 1);
  REQUIRE(learner);
  learner->learn(PointBatch{points, {}, {}}, false);
  const Snapshot model = learner->snapshot();
  REQUIRE(model.components.size() == 2);
  CHECK(model.components[0].parameters[0] == Approx(-1).margin(0.08));
  CHECK(model.components[0].parameters[1] == Approx(0.25).margin(0.08));
  CHECK(model.components[1].parameters[0] == Approx(0.5).margin(0.05));
  CHECK(model.components[1].weight == Approx(0.5).margin(0.04));
}

}  // namespace
}  // namespace emulsion
