// How a learner starts: from a model, from a saved state, or not at all.
#include <catch2/catch.hpp>
#include <limits>

#include "emulsion/learner.h"
#include "lib/learning.h"
#include "lib/same_state.h"

namespace emulsion {
namespace {

using namespace testing;

TEST_CASE("a given model is used as it is, and weighs as much as it says") {
  LearnerOptions options = clusters(1);
  options.step.kind = StepKind::cumulative;
  options.batch_points = 100;
  const Gaussian given{1, WideVector::Constant(2, 7), 4 * WideMatrix::Identity(2, 2)};
  const double weight = GENERATE(0.0, 50.0, 1e6);
  Learner em = started(options, model_of("gaussian(full)", Shape::full, {given}, weight));
  CHECK(em.has_model());
  CHECK(em.snapshot().version == 1);
  CHECK(em.snapshot().learned == 0);
  CHECK(em.snapshot().effective_sample_size == weight);
  CHECK(em.ids() == std::vector<std::uint64_t>{1});
  const PointBatch batch{Sampler(1).normals(2, 100), {}, {}};
  const Learned learned = em.learn(batch, false);
  CHECK(learned.labels.log_densities[0] ==
        Approx(static_cast<double>(log_density(given, batch.points.col(0)))).epsilon(1e-13));
  const Eigen::Vector2d expected = (weight * Eigen::Vector2d(7, 7) + batch.points.rowwise().sum()) / (weight + 100);
  CHECK((em.snapshot().components[0].parameters.head(2) - expected).norm() < 1e-12);
  CHECK(em.snapshot().effective_sample_size == weight + 100);
}

TEST_CASE("a given model brings the scale of its stream along") {
  const auto c = GENERATE(from_range(gaussian_cases()));
  CAPTURE(c.name);
  LearnerOptions options = clusters(2);
  options.family = c.name;
  // Means 0 and 10, variances 1 and 3, weights 1/4 and 3/4: mean 7.5, variance 2.5 + 75/4. If tied, 3 and 3: 3 + 75/4.
  const Wide first = c.shape == Shape::tied ? 3 : 1;
  const std::vector<Gaussian> given{{0.25L, WideVector::Constant(2, 0), first * WideMatrix::Identity(2, 2)},
                                    {0.75L, WideVector::Constant(2, 10), 3 * WideMatrix::Identity(2, 2)}};
  const Learner em = started(options, model_of(c.name, c.shape, given, 40));
  const CoordinateMoments& moments = em.progress().statistics.coordinates;
  CHECK(moments.weight == Eigen::Vector2d(40, 40));
  CHECK(moments.mean[1] == Approx(7.5));
  CHECK(variances(moments)[0] == Approx(static_cast<double>(0.25L * first + 0.75L * 3) + 18.75));
}

TEST_CASE("averaging may be turned on and off between runs") {
  LearnerOptions options = clusters();
  options.averaging = true;
  Learner averaged = learner(options, 2);
  averaged.learn(draw(three_clusters(), 2000, 1), false);
  options.averaging = false;
  auto plain = Learner::restore(options, averaged.state());
  REQUIRE(plain);
  CHECK(same_bits(*plain->progress().published, *averaged.progress().mixture));
  CHECK_FALSE(plain->progress().average);
  options.averaging = true;
  auto again = Learner::restore(options, plain->state());
  REQUIRE(again);
  CHECK(same_bits(*again->progress().published, *averaged.progress().mixture));
  // The average starts anew: after one update it is that of one update.
  CHECK(again->learn(draw(three_clusters(), 256, 2), false).updates.size() == 1);
  CHECK(again->progress().average->weight == Approx(1));
}

TEST_CASE("a mere guess is replaced by the first mini-batch, whatever the schedule") {
  LearnerOptions options = clusters(1);
  options.step.kind = GENERATE(StepKind::power_law, StepKind::cumulative);
  options.step.exponent = 0.6;
  options.batch_points = 64;
  Learner em = started(options, model_of("gaussian(full)", Shape::full,
                                         {{1, WideVector::Constant(2, 1e6), WideMatrix::Identity(2, 2)}}, 0));
  em.learn(PointBatch{Sampler(1).normals(2, 64), {}, {}}, false);
  CHECK(em.snapshot().components[0].parameters.head(2).norm() < 1);
}

TEST_CASE("a model goes through a snapshot and back, for every family") {
  const auto c = GENERATE(from_range(gaussian_cases()));
  LearnerOptions options = clusters();
  options.family = c.name;
  Learner em = learner(options, 2);
  em.learn(draw(three_clusters(), 3000, 1), false);
  const Snapshot model = em.snapshot();
  Learner again = started(options, model);
  const Snapshot back = again.snapshot();
  CHECK(back.effective_sample_size == model.effective_sample_size);
  CHECK(back.mean_log_likelihood == Approx(model.mean_log_likelihood).epsilon(1e-14));
  for (std::size_t k = 0; k < 3; ++k) {
    CHECK(same_bits(back.components[k].parameters, model.components[k].parameters));
    CHECK(back.components[k].weight == Approx(model.components[k].weight).epsilon(1e-15));
    CHECK(back.components[k].family == c.name);
  }
  const PointBatch probe = draw(three_clusters(), 50, 2);
  CHECK((again.label(probe, false).components == em.label(probe, false).components));
}

TEST_CASE("a model that does not fit is refused with what was expected") {
  const LearnerOptions options = clusters(2);
  const Snapshot good = model_of("gaussian(full)", Shape::full, example_components(Shape::full, 2, 2), 10);
  CHECK(Learner::start_from(options, good));
  const auto refusal = [&](auto spoil) {
    Snapshot model = good;
    spoil(model);
    const auto made = Learner::start_from(options, model);
    return made ? "accepted" : made.error().message;
  };
  CHECK(refusal([](Snapshot& m) { m.components.pop_back(); }) == "the model has 1 components, expected 2");
  CHECK(refusal([](Snapshot& m) { m.components[1].family = "gaussian(tied)"; }) ==
        "component 2: family gaussian(tied), expected gaussian(full)");
  for (const double bad : {0.0, -1.0, std::nan(""), HUGE_VAL})
    CHECK(refusal([&](Snapshot& m) { m.components[1].weight = bad; }) ==
          "component 2: weight is not a finite number > 0");
  CHECK(refusal([](Snapshot& m) { m.components[1].parameters.conservativeResize(4); }) ==
        "component 2: its parameters are not as many as those of component 1");
  CHECK(refusal([](Snapshot& m) { m.dimension = 3; }) == "gaussian(full): 5 parameters, expected 9 in 3 dimensions");
  CHECK(refusal([](Snapshot& m) { m.dimension = 0; }).starts_with("dimension: 0"));
  CHECK(refusal([](Snapshot& m) { m.components[1].parameters[2] = -1; }) ==
        "component 2: covariance is not positive definite");
  CHECK(refusal([](Snapshot& m) { m.components[0].parameters[0] = HUGE_VAL; }) ==
        "component 1: a parameter is not a finite number");
  for (const double bad : {-1.0, std::nan(""), HUGE_VAL})
    CHECK(
        refusal([&](Snapshot& m) { m.effective_sample_size = bad; }).starts_with("the model's effective sample size"));
}

TEST_CASE("an option out of its range is refused by name, with the range") {
  const auto refusal = [](auto spoil, Index dimension = 2) {
    LearnerOptions options;
    spoil(options);
    const auto made = Learner::make(options, dimension);
    return made ? "accepted" : made.error().message;
  };
  CHECK(refusal([](auto&) {}) == "accepted");
  CHECK(refusal([](auto&) {}, 0).starts_with("dimension: 0, expected 1 to "));
  CHECK(refusal([](auto& o) { o.components = 0; }) == "components: 0, expected 1 to 4096");
  CHECK(refusal([](auto& o) { o.components = 4097; }) == "components: 4097, expected 1 to 4096");
  CHECK(refusal([](auto& o) { o.batch_points = 0; }) == "batch points: 0, expected 1 to 1048576");
  CHECK(refusal([](auto& o) { o.batch_points = 1048577; }) == "batch points: 1048577, expected 1 to 1048576");
  CHECK(refusal([](auto& o) { o.seed.points = -1; }).starts_with("seed points: -1, expected 0 to "));
  CHECK(refusal([](auto& o) { o.seed.restarts = 0; }) == "seed restarts: 0, expected 1 to 1000");
  CHECK(refusal([](auto& o) { o.seed.passes = 1001; }) == "seed passes: 1001, expected 1 to 1000");
  CHECK(refusal([](auto& o) { o.threads = 0; }) == "threads: 0, expected 1 to 256");
  CHECK(refusal([](auto& o) { o.threads = 257; }) == "threads: 257, expected 1 to 256");
  CHECK(refusal([](auto& o) { o.family = "gauss"; }).starts_with("family \"gauss\" is unknown"));
  CHECK(refusal([](auto& o) { o.step.exponent = 2; }) == "step exponent: not in (0.5, 1]");
  for (const double bad : {-1.0, std::nan(""), HUGE_VAL}) {
    CHECK(refusal([&](auto& o) { o.batch_seconds = bad; }).starts_with("batch seconds: "));
    CHECK(refusal([&](auto& o) { o.prior.covariance_points = bad; }).starts_with("prior covariance points: "));
    CHECK(refusal([&](auto& o) { o.prior.covariance_fraction = bad; }).starts_with("prior covariance fraction: "));
    CHECK(refusal([&](auto& o) { o.prior.weight_points = bad; }).starts_with("prior weight points: "));
    CHECK(refusal([&](auto& o) { o.starved_below_points = bad; }).starts_with("starved below points: "));
  }
  CHECK(refusal([](auto& o) { o.prior.covariance_fraction = 0; }) ==
        "prior covariance fraction: 0, expected more than 0");
}

TEST_CASE("a saved state that does not fit the options is refused") {
  Learner em = learner(clusters(), 2);
  em.learn(draw(three_clusters(), 200, 1), false);
  CHECK(Learner::restore(clusters(2), em.state()).error().message ==
        "the saved model is 3*gaussian(full), the configuration says 2*gaussian(full)");
  LearnerOptions other = clusters();
  other.family = "gaussian(tied)";
  CHECK(Learner::restore(other, em.state()).error().message ==
        "the saved model is 3*gaussian(full), the configuration says 3*gaussian(tied)");
  other.family = "no";
  CHECK(Learner::restore(other, em.state()).error().message.starts_with("family \"no\" is unknown"));
}

TEST_CASE("options may change between runs: a smaller mini-batch or seed than what already waits is closed at once") {
  LearnerOptions options = clusters();
  options.batch_points = 200;
  Learner em = learner(options, 2);
  em.learn(draw(three_clusters(), 250, 1), false);
  CHECK(em.points_waiting() == 100);
  options.batch_points = 50;
  auto smaller = Learner::restore(options, em.state());
  REQUIRE(smaller);
  const Learned learned = smaller->learn(draw(three_clusters(), 60, 2), false);
  REQUIRE(learned.updates.size() == 2);
  CHECK(learned.updates[0].learned == 251);
  CHECK(learned.updates[1].learned == 301);

  Learner waiting = learner(options, 2);
  waiting.learn(draw(three_clusters(), 149, 1), false);
  options.seed.points = 100;
  auto eager = Learner::restore(options, waiting.state());
  REQUIRE(eager);
  const Learned seeded = eager->learn(draw(three_clusters(), 10, 2), false);
  CHECK(seeded.seeded);
  CHECK(seeded.labels.components.size() == 159);
  CHECK(eager->progress().learned == 149);
  CHECK(eager->points_waiting() == 10);
}

}  // namespace
}  // namespace emulsion
