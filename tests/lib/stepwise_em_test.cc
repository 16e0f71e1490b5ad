// What a step of stepwise EM computes, compared with the textbook.
#include "emulsion/stepwise_em.h"

#include <catch2/catch.hpp>

#include "lib/learning.h"
#include "lib/same_state.h"

namespace emulsion {
namespace {

using namespace testing;

LearnerOptions options_for(const GaussianCase& c, Index components, StepKind kind) {
  LearnerOptions options;
  options.family = c.name;
  options.components = components;
  options.step.kind = kind;
  return options;
}

void check_near(const std::vector<Gaussian>& found, const std::vector<Gaussian>& expected, double tolerance) {
  for (std::size_t k = 0; k < expected.size(); ++k) {
    CAPTURE(k);
    CHECK(std::abs(static_cast<double>(found[k].weight - expected[k].weight)) < tolerance);
    CHECK(difference(found[k].mean, expected[k].mean) < tolerance);
    CHECK(difference(found[k].covariance, expected[k].covariance) < tolerance);
  }
}

std::vector<Gaussian> components_of(const Snapshot& model, Shape shape) {
  std::vector<Gaussian> result;
  for (const auto& c : model.components) {
    result.push_back(unpack(shape, c.parameters, model.dimension));
    result.back().weight = c.weight;
  }
  return result;
}

TEST_CASE("with step 1/t, one frozen-model pass equals one batch EM step") {
  const auto c = GENERATE(from_range(gaussian_cases()));
  const bool hard = GENERATE(false, true);
  CAPTURE(c.name, hard);
  LearnerOptions options = options_for(c, 3, StepKind::cumulative);
  options.assignment = hard ? Assignment::hard : Assignment::soft;
  options.batch_points = 100000;
  const auto guess = example_components(c.shape, 2, 3);
  PointBatch batch = draw(three_clusters(), 1500, 21);
  batch.points *= 0.3;
  lose_coordinates(batch, 0.1, 22);
  batch.weights = Eigen::VectorXd::Ones(1500);
  for (Index i = 0; i < 1500; i += 2) batch.weights[i] = 1.5;

  Learner em = started(options, model_of(c.name, c.shape, guess, 0));
  learn_in_messages(em, batch, 400);
  CHECK(em.progress().version == 1);
  em.flush(false);
  CHECK(em.progress().version == 2);
  const auto expected = em_step(c.shape, guess, batch, hard, options.prior.covariance_points,
                                options.prior.covariance_fraction, options.prior.weight_points);
  check_near(components_of(em.snapshot(), c.shape), expected, 1e-10);
  CHECK(em.snapshot().mean_log_likelihood ==
        Approx(static_cast<double>(batch.weights.cast<Wide>().dot(posterior(guess, batch.points).log_density) /
                                   batch.weights.sum()))
            .epsilon(1e-12));

  // A power law of exponent 1 is the same schedule.
  options.step.kind = StepKind::power_law;
  options.step.exponent = 1;
  Learner power = started(options, model_of(c.name, c.shape, guess, 0));
  power.learn(batch, false);
  power.flush(false);
  check_near(components_of(power.snapshot(), c.shape), expected, 1e-10);
}

// One component, so that statistics do not depend on the model and have a closed form: the weighted moments of all
// points.
struct OneComponent {
  Gaussian of(const PointBatch& batch, const WideVector& weights) const {
    const Gaussian none{1, WideVector::Zero(2), WideMatrix::Identity(2, 2)};
    const Moments m = moments(none, batch.points, weights);
    const Wide strength = options.prior.covariance_points;
    PointBatch weighted = batch;
    weighted.weights = weights.cast<double>();
    const WideVector prior = static_cast<Wide>(options.prior.covariance_fraction) * coordinate_variances(weighted);
    return m_step(Shape::full, {m}, strength, prior).front();
  }

  void check(const Learner& learned, const PointBatch& batch, const WideVector& weights) const {
    const Snapshot found = learned.snapshot();
    CHECK(found.effective_sample_size == Approx(static_cast<double>(weights.sum())).epsilon(1e-9));
    check_near({components_of(found, Shape::full)}, {of(batch, weights)}, 1e-9);
  }

  LearnerOptions options;
};

PointBatch changing_stream(Index before, Index after) {
  PointBatch batch;
  batch.points = Sampler(31).normals(2, before + after);
  batch.points.rightCols(after).colwise() += Eigen::Vector2d(20, -5);
  return batch;
}

TEST_CASE("after an abrupt change a half-life of points forgets at exactly the rate of its formula") {
  OneComponent one;
  one.options.components = 1;
  one.options.step.kind = StepKind::half_life;
  one.options.step.half_life_points = 128;
  one.options.batch_points = GENERATE(1, 64, 256, 500);
  one.options.seed.points = GENERATE(50, 600);
  const PointBatch batch = changing_stream(700, 628);
  Learner em = learner(one.options, 2);
  Index learned = 0;
  for (const Index upto : {700, 828, 956, 1328}) {
    em.learn(slice(batch, learned, upto - learned), false);
    learned = upto;
    em.flush(false);
    // What was before the end of the stream by so many points counts 2^(-points / 128).
    WideVector weights(upto);
    for (Index i = 0; i < upto; ++i) weights[i] = std::exp2(-static_cast<Wide>(upto - 1 - i) / 128);
    one.check(em, slice(batch, 0, upto), weights);
  }
}

TEST_CASE("a point that has faded below what a number can hold leaves its component as it was") {
  const auto c = GENERATE(from_range(gaussian_cases()));
  CAPTURE(c.name);
  LearnerOptions options = options_for(c, 2, StepKind::half_life);
  options.batch_points = 16;
  options.step.half_life_points = 15.0 / 1072;  // of the first of 16 points 2^-1072 is left, and a number ends at 2^-1074
  options.starved_below_points = 0;
  const std::vector<Gaussian> given = {{0.5, WideVector::Zero(2), WideMatrix::Identity(2, 2)},
                                       {0.5, WideVector::Constant(2, 1000), WideMatrix::Identity(2, 2)}};
  PointBatch batch;
  batch.points = Eigen::MatrixXd::Constant(2, 16, 1000);
  batch.points.col(0).setConstant(0.37);
  Learner em = started(options, model_of(c.name, c.shape, given, 0));
  em.learn(batch, false);
  REQUIRE(em.progress().version == 2);
  CHECK(components_of(em.snapshot(), c.shape).front().mean == given.front().mean);
}

TEST_CASE("a half-life of seconds forgets by event time, however many points there are") {
  OneComponent one;
  one.options.components = 1;
  one.options.step.kind = StepKind::half_life;
  one.options.step.half_life_points = 0;
  one.options.step.half_life_seconds = 20;
  one.options.batch_points = GENERATE(1, 100);
  one.options.batch_seconds = GENERATE(0.0, 2.5);
  PointBatch batch = changing_stream(400, 400);
  std::int64_t now = 1'000'000'000;
  for (Index i = 0; i < 800; ++i) batch.unix_nanoseconds.push_back(now += i % 50 == 0 ? 3'000'000'000 : 40'000'000);
  Learner em = learner(one.options, 2);
  learn_in_messages(em, batch, 37);
  em.flush(false);
  WideVector weights(800);
  for (Index i = 0; i < 800; ++i)
    weights[i] = std::exp2(-static_cast<Wide>(now - batch.unix_nanoseconds[static_cast<std::size_t>(i)]) / 20e9L);
  one.check(em, batch, weights);
}

TEST_CASE("a constant step counts a point (1 - size)^age") {
  OneComponent one;
  one.options.components = 1;
  one.options.step.kind = StepKind::constant;
  one.options.step.size = 0.02;
  const PointBatch batch = changing_stream(300, 200);
  Learner em = learner(one.options, 2);
  em.learn(batch, false);
  em.flush(false);
  WideVector weights(500);
  for (Index i = 0; i < 500; ++i) weights[i] = std::pow(0.98L, static_cast<Wide>(499 - i));
  one.check(em, batch, weights);
}

TEST_CASE("under a power law the statistics are the stepwise averages of the definition") {
  OneComponent one;
  one.options.components = 1;
  one.options.step.exponent = 0.7;
  one.options.seed.points = 100;
  one.options.batch_points = 64;
  const PointBatch batch = changing_stream(400, 400);
  Learner em = learner(one.options, 2);
  em.learn(batch, false);
  em.flush(false);
  // s <- (1 - gamma_t) s + gamma_t s_t: the share of each point in s; then S = s / gamma_t.
  const Wide offset = std::pow(100.0L, 1 / 0.7L);
  WideVector shares = WideVector::Constant(800, 0.01L);
  Wide gamma = 0;
  for (Index t = 1; t <= 700; ++t) {
    gamma = std::pow(static_cast<Wide>(t) + offset, -0.7L);
    shares.head(99 + t) *= 1 - gamma;
    shares[99 + t] = gamma;
  }
  one.check(em, batch, shares / gamma);
}

TEST_CASE("a point of weight 2 is learned as two points are") {
  OneComponent one;
  one.options.components = 1;
  one.options.step.kind = StepKind::half_life;
  one.options.step.half_life_points = 100;
  PointBatch twice = changing_stream(200, 200), weighted = twice;
  weighted.weights = Eigen::VectorXd::Constant(400, 2);
  Learner em = learner(one.options, 2);
  em.learn(weighted, false);
  em.flush(false);
  WideVector weights(400);
  for (Index i = 0; i < 400; ++i) weights[i] = 2 * std::exp2(-static_cast<Wide>(399 - i) * 2 / 100);
  one.check(em, twice, weights);
}

TEST_CASE("what is published with averaging is the mean of the statistics of all updates") {
  OneComponent one;
  one.options.components = 1;
  one.options.averaging = true;
  one.options.step.kind = StepKind::half_life;
  one.options.step.half_life_points = 80;
  one.options.seed.points = 50;
  one.options.batch_points = 30;
  const PointBatch batch = changing_stream(170, 180);
  Learner em = learner(one.options, 2);
  em.learn(batch, false);
  CHECK(em.progress().batches == 10);
  WideVector mean = WideVector::Zero(350);
  Wide size = 0;
  for (int u = 1; u <= 10; ++u) {
    WideVector weights = WideVector::Zero(350);
    for (Index i = 0; i < 50 + 30 * u; ++i) weights[i] = std::exp2(-static_cast<Wide>(49 + 30 * u - i) / 80);
    size = weights.sum();
    mean += weights / size / 10;
  }
  const Snapshot found = em.snapshot();
  check_near(components_of(found, Shape::full), {one.of(batch, mean * size)}, 1e-9);
  CHECK(found.effective_sample_size == Approx(static_cast<double>(size)));
}

TEST_CASE("labels are those of the averaged model while the plain one learns") {
  LearnerOptions options = options_for(gaussian_cases().front(), 3, StepKind::constant);
  options.averaging = true;
  options.batch_points = 64;
  const PointBatch batch = draw(three_clusters(), 2000, 5);
  Learner em = learner(options, 2);
  em.learn(slice(batch, 0, 1000), false);
  em.flush(false);
  const PointBatch next = slice(batch, 1000, 64);
  const auto expected = posterior(components_of(em.snapshot(), Shape::full), next.points);
  const Learned learned = em.learn(next, true);
  for (Index i = 0; i < 64; ++i) {
    CHECK(learned.labels.log_densities[static_cast<std::size_t>(i)] ==
          Approx(static_cast<double>(expected.log_density[i])).epsilon(1e-10));
    for (Index k = 0; k < 3; ++k)
      CHECK(std::abs(learned.labels.responsibilities[static_cast<std::size_t>(3 * i + k)] -
                     static_cast<double>(expected.responsibilities(i, k))) < 1e-10);
  }
}

TEST_CASE("averaging follows no model but its own: without it the same points give the same learning model") {
  LearnerOptions options = options_for(gaussian_cases().front(), 3, StepKind::power_law);
  const PointBatch batch = draw(three_clusters(), 3000, 5);
  Learner plain = learner(options, 2);
  plain.learn(batch, false);
  options.averaging = true;
  Learner averaged = learner(options, 2);
  averaged.learn(batch, false);
  CHECK(same_bits(*plain.progress().mixture, *averaged.progress().mixture));
  CHECK(same_bits(plain.progress().statistics, averaged.progress().statistics));
  CHECK_FALSE(same_bits(*plain.progress().published, *averaged.progress().published));
}

TEST_CASE("two halves learned under one frozen model merge into the whole") {
  LearnerOptions options = options_for(gaussian_cases().front(), 3, StepKind::cumulative);
  options.batch_points = 100000;
  const Snapshot model = model_of("gaussian(full)", Shape::full, example_components(Shape::full, 2, 3), 0);
  const PointBatch batch = draw(three_clusters(), 4000, 8);
  const auto statistics = [&](Index first, Index count) {
    Learner em = started(options, model);
    em.learn(slice(batch, first, count), false);
    em.flush(false);
    return em.progress().statistics;
  };
  Statistics halves = statistics(0, 1777);
  merge(halves, statistics(1777, 2223));
  const Statistics whole = statistics(0, 4000);
  CHECK(halves.weight == 4000);
  CHECK(difference(halves.banks[0].weight, whole.banks[0].weight) < 1e-12);
  CHECK(difference(halves.banks[0].moments, whole.banks[0].moments) < 1e-12);
  CHECK(halves.log_likelihood == Approx(whole.log_likelihood).epsilon(1e-12));
  CHECK(difference(halves.coordinates.squares, whole.coordinates.squares) < 1e-12);
}

TEST_CASE("mini-batches are closed by event time before the point that is too late") {
  LearnerOptions options = options_for(gaussian_cases().front(), 1, StepKind::cumulative);
  options.batch_points = 5;
  options.batch_seconds = 2;
  const std::vector<Gaussian> guess{{1, WideVector::Zero(1), WideMatrix::Identity(1, 1)}};
  Learner em = started(options, model_of("gaussian(full)", Shape::full, guess, 10));
  PointBatch batch{Sampler(1).normals(1, 14), {}, {}};
  //                        closed by time    by count                          by time: exactly 2   an earlier one does
  //                        not close
  for (const double second : {0.0, 0.5, 1.9, /**/ 2.5, 2.5, 2.6, 2.7, 2.8, /**/ 3.0, 4.9, /**/ 5.0, 1.0, 6.9, /**/ 7.0})
    batch.unix_nanoseconds.push_back(static_cast<std::int64_t>(std::llround(second * 1e9)));
  const Learned learned = em.learn(batch, false);
  std::vector<std::uint64_t> at;
  for (const Update& update : learned.updates) at.push_back(update.learned);
  CHECK(at == std::vector<std::uint64_t>{3, 8, 10, 13});
  CHECK(em.points_waiting() == 1);
}

TEST_CASE("times as far apart as numbers go are only far apart") {
  LearnerOptions options = options_for(gaussian_cases().front(), 1, StepKind::half_life);
  options.step.half_life_points = 0;
  options.step.half_life_seconds = 1;
  options.batch_seconds = 1;
  options.seed.points = 3;
  Learner em = learner(options, 1);
  constexpr auto kLast = std::numeric_limits<std::int64_t>::max();
  em.learn(PointBatch{Sampler(1).normals(1, 6), {}, {-kLast, -kLast, kLast, -kLast, kLast, kLast}}, false);
  em.flush(false);
  CHECK(em.progress().latest_time == kLast);
  CHECK(em.snapshot().effective_sample_size == Approx(4).margin(1e-12));
}

}  // namespace
}  // namespace emulsion
