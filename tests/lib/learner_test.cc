#include "emulsion/learner.h"

#include <catch2/catch.hpp>
#include <limits>

#include "lib/learning.h"
#include "lib/same_state.h"

namespace emulsion {
namespace {

using namespace testing;

LearnerOptions clusters(Index components = 3) {
  LearnerOptions options;
  options.components = components;
  return options;
}

std::vector<Gaussian> found_clusters(const Learner& learned, Shape shape = Shape::full) {
  return components_near(learned.snapshot(), shape, three_clusters().means);
}

// Means relative to the deviations of the clusters, covariances to their largest entry.
void check_close(const std::vector<Gaussian>& a, const std::vector<Gaussian>& b, double tolerance) {
  for (std::size_t k = 0; k < b.size(); ++k) {
    CAPTURE(k);
    CHECK(std::abs(static_cast<double>(a[k].weight - b[k].weight)) < tolerance);
    CHECK(static_cast<double>((a[k].mean - b[k].mean).norm() / std::sqrt(b[k].covariance.trace())) < tolerance);
    CHECK(difference(a[k].covariance, b[k].covariance) < tolerance);
  }
}

TEST_CASE("points wait until there are enough; then each gets its label at once, and the rest follow") {
  Learner em = learner(clusters(), 2);
  CHECK(em.dimension() == 2);
  CHECK(em.points_to_seed() == 150);
  CHECK_FALSE(em.has_model());
  const PointBatch batch = draw(three_clusters(), 500, 1);
  Learned learned = em.learn(slice(batch, 0, 149), false);
  CHECK(learned.labels.components.empty());
  CHECK_FALSE(learned.seeded);
  CHECK(em.points_waiting() == 149);
  learned = em.learn(slice(batch, 149, 51), false);
  CHECK(learned.seeded);
  CHECK(learned.labels.components.size() == 200);
  CHECK(learned.updates.empty());
  CHECK(em.has_model());
  CHECK(em.points_waiting() == 50);
  CHECK(em.progress().learned == 150);
  CHECK(em.snapshot().version == 1);
  CHECK(em.ids() == std::vector<std::uint64_t>{1, 2, 3});
}

TEST_CASE("nothing is lost when the stream ends early: flush seeds from what is buffered") {
  Learner em = learner(clusters(), 2);
  const PointBatch batch = draw(three_clusters(), 60, 2);
  em.learn(batch, false);
  const Learned learned = em.flush(true);
  CHECK(learned.seeded);
  CHECK(learned.labels.components.size() == 60);
  CHECK(learned.labels.responsibilities.size() == 180);
  CHECK(em.progress().learned == 60);
  CHECK(em.points_waiting() == 0);
  const auto found = found_clusters(em);
  for (std::size_t k = 0; k < 3; ++k) CHECK((found[k].mean.cast<double>() - three_clusters().means[k]).norm() < 1.5);
}

TEST_CASE("flushing closes the mini-batch that is under way, and nothing where there is none") {
  Learner em = learner(clusters(), 2);
  CHECK_FALSE(em.flush(false).seeded);
  CHECK_FALSE(em.has_model());
  em.learn(draw(three_clusters(), 250, 2), false);
  CHECK(em.flush(false).updates.size() == 1);
  CHECK(em.progress().learned == 250);
  CHECK(em.flush(false).updates.empty());
}

TEST_CASE("every point gets its label once, in order, from the model of its moment") {
  LearnerOptions options = clusters();
  options.batch_points = 64;
  Learner em = learner(options, 2);
  std::vector<Index> origins;
  const PointBatch batch = draw(three_clusters(), 150 + 64 * 20 + 30, 3, &origins);
  Learned all = em.learn(slice(batch, 0, 150), true);
  for (Index first = 150; first < batch.size(); first += 64) {
    const PointBatch next = slice(batch, first, std::min(Index{64}, batch.size() - first));
    const Labels expected = em.label(next, true);
    const Learned learned = em.learn(next, true);
    testing::check_same(learned.labels, expected);
    append(all, learned);
  }
  REQUIRE(all.labels.components.size() == static_cast<std::size_t>(batch.size()));
  CHECK(all.labels.log_densities.size() == all.labels.components.size());
  CHECK(all.labels.responsibilities.size() == 3 * all.labels.components.size());
  REQUIRE(all.labels.spans.size() == 21);
  for (std::size_t s = 0; s < 21; ++s) {
    CHECK(all.labels.spans[s].version == s + 1);
    CHECK(all.labels.spans[s].points == (s == 0 ? 150 + 64 : s == 20 ? 30 : 64));
  }
  // Clusters that hardly overlap: all but a few labels are right, once it is known which component is which cluster.
  std::vector<Index> cluster(3);
  for (Index k = 0; k < 3; ++k) {
    const Eigen::VectorXd mean = em.snapshot().components[static_cast<std::size_t>(k)].parameters.head(2);
    for (std::size_t t = 0; t < 3; ++t)
      if ((mean - three_clusters().means[t]).norm() < 2) cluster[static_cast<std::size_t>(k)] = static_cast<Index>(t);
  }
  int wrong = 0;
  for (std::size_t i = 0; i < origins.size(); ++i) {
    wrong += cluster[static_cast<std::size_t>(all.labels.components[i])] != origins[i];
    const double* row = &all.labels.responsibilities[3 * i];
    REQUIRE(row[0] + row[1] + row[2] == Approx(1).epsilon(1e-12));
    REQUIRE(std::max_element(row, row + 3) - row == all.labels.components[i]);
  }
  CHECK(wrong < 5);
}

TEST_CASE("labels come without responsibilities unless these are asked for") {
  Learner em = learner(clusters(), 2);
  const Learned learned = em.learn(draw(three_clusters(), 200, 3), false);
  CHECK(learned.labels.components.size() == 200);
  CHECK(learned.labels.responsibilities.empty());
}

TEST_CASE("updates count versions and points without a gap") {
  Learner em = learner(clusters(), 2);
  const Learned learned = em.learn(draw(three_clusters(), 150 + 256 * 4, 3), false);
  REQUIRE(learned.updates.size() == 4);
  for (std::size_t u = 0; u < 4; ++u) {
    CHECK(learned.updates[u].version == u + 2);
    CHECK(learned.updates[u].learned == 150 + 256 * (u + 1));
    CHECK(learned.updates[u].failure.empty());
  }
  CHECK(em.snapshot().learned == 150 + 1024);
}

TEST_CASE("a batch size of 1 or of 1000 hardly matters") {
  const auto c = GENERATE(from_range(family_cases()));
  CAPTURE(c.name);
  const PointBatch batch = draw(three_clusters(), 20150, 4);
  LearnerOptions options = clusters();
  options.family = c.name;
  std::vector<std::vector<Gaussian>> results;
  for (const Index size : {1000, 1, 37}) {
    options.batch_points = size;
    Learner em = learner(options, 2);
    em.learn(batch, false);
    em.flush(false);
    CHECK(em.progress().learned == 20150);
    results.push_back(found_clusters(em, c.shape));
  }
  // A tenth of the standard error of a mean of 20,000 points / 3 clusters, about.
  check_close(results[1], results[0], 1e-3);
  check_close(results[2], results[0], 1e-3);
}

TEST_CASE("shifting all points by 1e8 shifts the means and nothing else") {
  const auto c = GENERATE(from_range(family_cases()));
  CAPTURE(c.name);
  LearnerOptions options = clusters();
  options.family = c.name;
  PointBatch batch = draw(three_clusters(), 5000, 5);
  lose_coordinates(batch, 0.05, 6);
  // Multiples of 1/1024, so that the shift is exact.
  batch.points = (1024 * batch.points).array().round() / 1024;
  Learner here = learner(options, 2), there = learner(options, 2);
  const Learned labelled = here.learn(batch, false);
  batch.points.array() += 1e8;
  const Learned shifted = there.learn(batch, false);
  CHECK((shifted.labels.components == labelled.labels.components));
  double worst = 0;
  for (std::size_t i = 0; i < 5000; ++i) worst = std::max(worst, std::abs(shifted.labels.log_densities[i] - labelled.labels.log_densities[i]));
  CHECK(worst < 1e-5);
  auto a = here.snapshot(), b = there.snapshot();
  for (auto& component : b.components) component.parameters.head(2).array() -= 1e8;
  check_close(components_near(b, c.shape, three_clusters().means), components_near(a, c.shape, three_clusters().means), 1e-6);
  CHECK(b.effective_sample_size == a.effective_sample_size);
}

TEST_CASE("scaling all units by 1e-6 or 1e6 scales the result and nothing else") {
  const auto c = GENERATE(from_range(family_cases()));
  const double unit = GENERATE(1e-6, 1e6);
  CAPTURE(c.name, unit);
  LearnerOptions options = clusters();
  options.family = c.name;
  PointBatch batch = draw(three_clusters(), 5000, 5);
  lose_coordinates(batch, 0.05, 6);
  Learner here = learner(options, 2), there = learner(options, 2);
  const Learned labelled = here.learn(batch, false);
  PointBatch scaled = batch;
  scaled.points *= unit;
  const Learned relabelled = there.learn(scaled, false);
  CHECK((relabelled.labels.components == labelled.labels.components));
  double worst = 0;
  for (std::size_t i = 0; i < 5000; ++i) {
    const auto coordinates_there = static_cast<double>(coordinates(batch.points.col(static_cast<Index>(i)), false).size());
    worst = std::max(worst, std::abs(relabelled.labels.log_densities[i] + coordinates_there * std::log(unit) - labelled.labels.log_densities[i]));
  }
  CHECK(worst < 1e-6);
  auto b = there.snapshot();
  for (auto& component : b.components) {
    component.parameters.head(2) /= unit;
    component.parameters.tail(component.parameters.size() - 2) /= unit * unit;
  }
  check_close(components_near(b, c.shape, three_clusters().means), found_clusters(here, c.shape), 1e-8);
}

TEST_CASE("a stationary stream of a million points recovers its parameters within their standard errors", "[million]") {
  const bool averaging = GENERATE(false, true);
  const Index d = GENERATE(2, 3);
  CAPTURE(averaging, d);
  Truth truth = three_clusters();
  if (d == 3) {
    const double depths[] = {0, 4, -6};
    for (std::size_t k = 0; k < 3; ++k) {
      truth.means[k] = Eigen::Vector3d(truth.means[k][0], truth.means[k][1], depths[k]);
      Eigen::Matrix3d covariance = Eigen::Matrix3d::Identity();
      covariance.topLeftCorner(2, 2) = truth.covariances[k];
      covariance(0, 2) = covariance(2, 0) = 0.4;
      truth.covariances[k] = covariance;
    }
  }
  constexpr Index n = 1'000'000;
  LearnerOptions options = clusters();
  options.batch_points = 1024;
  options.averaging = averaging;
  if (averaging)
    options.step.exponent = 0.6;
  else
    options.step.kind = StepKind::cumulative;
  Learner em = learner(options, d);
  em.learn(draw(truth, n, 77), false);
  em.flush(false);
  CHECK(em.progress().learned == n);
  const auto found = components_near(em.snapshot(), Shape::full, truth.means);
  constexpr double kErrors = 4;  // of 57 numbers, one beyond that is a matter of 1 in 280
  for (std::size_t k = 0; k < 3; ++k) {
    CAPTURE(k);
    const double points = truth.weights[k] * n;
    CHECK(std::abs(static_cast<double>(found[k].weight) - truth.weights[k]) < kErrors * std::sqrt(truth.weights[k] * (1 - truth.weights[k]) / n));
    const Eigen::MatrixXd& covariance = truth.covariances[k];
    for (Index i = 0; i < d; ++i) {
      CAPTURE(i);
      CHECK(std::abs(static_cast<double>(found[k].mean[i]) - truth.means[k][i]) < kErrors * std::sqrt(covariance(i, i) / points));
      for (Index j = 0; j <= i; ++j) {
        const double error = std::sqrt((covariance(i, i) * covariance(j, j) + covariance(i, j) * covariance(i, j)) / points);
        CHECK(std::abs(static_cast<double>(found[k].covariance(i, j)) - covariance(i, j)) < kErrors * error);
      }
    }
  }
}

TEST_CASE("after clusters have moved, a half-life follows them and a cumulative step does not") {
  Truth before = three_clusters(), after = three_clusters();
  for (auto& mean : after.means) mean += Eigen::Vector2d(3, 3);
  const auto error_of = [&](StepKind kind) {
    LearnerOptions options = clusters();
    options.step.kind = kind;
    options.step.half_life_points = 500;
    Learner em = learner(options, 2);
    em.learn(draw(before, 20000, 1), false);
    em.learn(draw(after, 10000, 2), false);
    double worst = 0;
    const auto found = components_near(em.snapshot(), Shape::full, after.means);
    for (std::size_t k = 0; k < 3; ++k) worst = std::max(worst, (found[k].mean.cast<double>() - after.means[k]).norm());
    return worst;
  };
  CHECK(error_of(StepKind::half_life) < 0.4);
  CHECK(error_of(StepKind::cumulative) > 1);
}

TEST_CASE("a failed update leaves the model unchanged, and the next one is learned") {
  const bool averaging = GENERATE(false, true);
  LearnerOptions options = clusters();
  options.averaging = averaging;
  options.batch_points = 100;
  Learner em = learner(options, 2);
  em.learn(draw(three_clusters(), 250, 1), false);
  const LearnerState before = em.state();
  CHECK(em.points_waiting() == 0);
  PointBatch bad = draw(three_clusters(), 100, 2);
  bad.points *= 1e100;
  bad.weights = Eigen::VectorXd::Constant(100, 1e200);  // squares of 1e400
  const Learned failed = em.learn(bad, false);
  REQUIRE(failed.updates.size() == 1);
  CHECK(failed.updates[0].failure == "the statistics of the mini-batch hold a number that is not finite");
  CHECK(failed.updates[0].version == 2);
  CHECK(failed.updates[0].learned == 250);
  CHECK(failed.labels.components.size() == 100);
  const StepwiseState& after = em.progress();
  CHECK(same_bits(*after.mixture, *before.stepwise->mixture));
  CHECK(same_bits(*after.published, *before.stepwise->published));
  CHECK(same_bits(after.statistics, before.stepwise->statistics));
  CHECK(after.version == 2);
  CHECK(after.learned == 250);
  CHECK(after.updates_failed == 1);
  CHECK(after.batch_points == 0);
  // The bad mini-batch has left nothing behind.
  CHECK(em.learn(draw(three_clusters(), 100, 3), false).updates.at(0).failure.empty());
  CHECK(em.progress().version == 3);
  CHECK(em.progress().learned == 350);
}

TEST_CASE("a warm-up that cannot be learned does not spoil what comes after it") {
  LearnerOptions options = clusters();
  options.batch_points = 200;
  Learner em = learner(options, 2);
  PointBatch bad = draw(three_clusters(), 150, 2);
  bad.points *= 1e100;
  bad.weights = Eigen::VectorXd::Constant(150, 1e200);
  CHECK(em.learn(bad, false).labels.components.size() == 150);
  const Learned next = em.learn(draw(three_clusters(), 200, 3), false);
  REQUIRE(next.updates.size() == 1);
  CHECK(next.updates[0].failure.empty());
}

TEST_CASE("a starved component keeps its parameters and is reported once; revived likewise") {
  const auto c = GENERATE(from_range(family_cases()));
  CAPTURE(c.name);
  Truth truth;
  truth.weights = {0.5, 0.5};
  truth.means = {Eigen::Vector2d(0, 0), Eigen::Vector2d(30, 0)};
  truth.covariances = {Eigen::Matrix2d::Identity(), Eigen::Matrix2d::Identity()};
  LearnerOptions options = clusters(2);
  options.family = c.name;
  options.batch_points = 20;
  options.step.kind = StepKind::half_life;
  options.step.half_life_points = 100;
  options.starved_below_points = 2;
  Learner em = learner(options, 2);
  em.learn(draw(truth, 500, 1), false);
  const Index far = em.snapshot().components[0].parameters[0] > 15 ? 0 : 1;
  const auto far_component = [&] { return em.snapshot().components[static_cast<std::size_t>(far)]; };
  const Index own = c.shape == Shape::tied ? 2 : far_component().parameters.size();  // a tied covariance belongs to all
  CHECK_FALSE(far_component().starved);

  Truth alone = truth;
  alone.weights = {1, 0};
  int starved = 0;
  Eigen::VectorXd kept;
  const PointBatch others = draw(alone, 2000, 2);
  for (Index first = 0; first < 2000; first += 20) {
    const Eigen::VectorXd before = far_component().parameters;
    const double weight = far_component().effective_sample_size;
    const Learned learned = em.learn(slice(others, first, 20), false);
    REQUIRE(learned.updates.size() == 1);
    if (!learned.updates[0].starved.empty()) {
      ++starved;
      CHECK(learned.updates[0].starved == std::vector<Index>{far});
      CHECK(weight >= 2);
      CHECK(far_component().effective_sample_size < 2);
      kept = before.head(own);
    }
    CHECK(far_component().starved == (starved > 0));
    CHECK(learned.updates[0].revived.empty());
  }
  CHECK(starved == 1);
  REQUIRE(kept.size() == own);
  CHECK(same_bits(far_component().parameters.head(own), kept));

  int revived = 0;
  for (const Update& update : em.learn(draw(truth, 1000, 3), false).updates) {
    revived += static_cast<int>(update.revived.size());
    CHECK(update.starved.empty());
  }
  CHECK(revived == 1);
  CHECK_FALSE(far_component().starved);
  CHECK_FALSE(same_bits(far_component().parameters.head(own), kept));
}

TEST_CASE("a covariance that had to be repaired is reported and counted") {
  LearnerOptions options = clusters(1);
  options.prior.covariance_points = 0;
  options.seed.points = 10;
  options.batch_points = 10;
  options.step.kind = StepKind::cumulative;
  Learner em = learner(options, 2);
  PointBatch line{Eigen::MatrixXd(2, 20), {}, {}};
  for (Index i = 0; i < 20; ++i) line.points.col(i).setConstant(static_cast<double>(i % 10));
  const Learned learned = em.learn(line, false);
  REQUIRE(learned.updates.size() == 1);
  CHECK(learned.updates[0].repaired == std::vector<Index>{0});
  CHECK(em.progress().repairs == 1);
}

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
  CHECK(learned.labels.log_densities[0] == Approx(static_cast<double>(log_density(given, batch.points.col(0)))).epsilon(1e-13));
  const Eigen::Vector2d expected = (weight * Eigen::Vector2d(7, 7) + batch.points.rowwise().sum()) / (weight + 100);
  CHECK((em.snapshot().components[0].parameters.head(2) - expected).norm() < 1e-12);
  CHECK(em.snapshot().effective_sample_size == weight + 100);
}

TEST_CASE("a mere guess is replaced by the first mini-batch, whatever the schedule") {
  LearnerOptions options = clusters(1);
  options.step.kind = GENERATE(StepKind::power_law, StepKind::cumulative);
  options.step.exponent = 0.6;
  options.batch_points = 64;
  Learner em = started(options, model_of("gaussian(full)", Shape::full, {{1, WideVector::Constant(2, 1e6), WideMatrix::Identity(2, 2)}}, 0));
  em.learn({Sampler(1).normals(2, 64), {}, {}}, false);
  CHECK(em.snapshot().components[0].parameters.head(2).norm() < 1);
}

TEST_CASE("a model goes through a snapshot and back, for every family") {
  const auto c = GENERATE(from_range(family_cases()));
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
    CHECK(refusal([&](Snapshot& m) { m.components[1].weight = bad; }) == "component 2: weight is not a finite number > 0");
  CHECK(refusal([](Snapshot& m) { m.components[1].parameters.conservativeResize(4); }) ==
        "component 2: its parameters are not as many as those of component 1");
  CHECK(refusal([](Snapshot& m) { m.dimension = 3; }) == "gaussian(full): 5 parameters, expected 9 in 3 dimensions");
  CHECK(refusal([](Snapshot& m) { m.dimension = 0; }).starts_with("dimension: 0"));
  CHECK(refusal([](Snapshot& m) { m.components[1].parameters[2] = -1; }) == "component 2: covariance is not positive definite");
  CHECK(refusal([](Snapshot& m) { m.components[0].parameters[0] = HUGE_VAL; }) == "component 1: a parameter is not a finite number");
  for (const double bad : {-1.0, std::nan(""), HUGE_VAL})
    CHECK(refusal([&](Snapshot& m) { m.effective_sample_size = bad; }).starts_with("the model's effective sample size"));
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
  CHECK(refusal([](auto& o) { o.prior.covariance_fraction = 0; }) == "prior covariance fraction: 0, expected more than 0");
}

TEST_CASE("a saved state that does not fit the options is refused") {
  Learner em = learner(clusters(), 2);
  em.learn(draw(three_clusters(), 200, 1), false);
  CHECK(Learner::restore(clusters(2), em.state()).error().message == "the saved model has 3 components, the configuration says 2");
  LearnerOptions other = clusters();
  other.family = "gaussian(tied)";
  CHECK(Learner::restore(other, em.state()).error().message == "the saved model is gaussian(full), the configuration says gaussian(tied)");
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
}

TEST_CASE("only a half-life of seconds needs times") {
  LearnerOptions options = clusters();
  CHECK_FALSE(learner(options, 2).needs_times());
  options.step.kind = StepKind::half_life;
  CHECK_FALSE(learner(options, 2).needs_times());
  options.step.half_life_points = 0;
  options.step.half_life_seconds = 5;
  CHECK(learner(options, 2).needs_times());
}

}  // namespace
}  // namespace emulsion
