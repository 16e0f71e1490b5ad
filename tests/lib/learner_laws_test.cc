// What the learner promises of units, places, batch sizes and long streams.
#include <catch2/catch.hpp>
#include <limits>

#include "emulsion/learner.h"
#include "lib/learning.h"
#include "lib/same_state.h"

namespace emulsion {
namespace {

using namespace testing;

// Means relative to the deviations of the clusters, covariances to their largest entry.
void check_close(const std::vector<Gaussian>& a, const std::vector<Gaussian>& b, double tolerance) {
  for (std::size_t k = 0; k < b.size(); ++k) {
    CAPTURE(k);
    CHECK(std::abs(static_cast<double>(a[k].weight - b[k].weight)) < tolerance);
    CHECK(static_cast<double>((a[k].mean - b[k].mean).norm() / std::sqrt(b[k].covariance.trace())) < tolerance);
    CHECK(difference(a[k].covariance, b[k].covariance) < tolerance);
  }
}

TEST_CASE("a batch size of 1 or of 1000 hardly matters") {
  const auto c = GENERATE(from_range(gaussian_cases()));
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
  const auto c = GENERATE(from_range(gaussian_cases()));
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
  for (std::size_t i = 0; i < 5000; ++i)
    worst = std::max(worst, std::abs(shifted.labels.log_densities[i] - labelled.labels.log_densities[i]));
  CHECK(worst < 1e-5);
  auto a = here.snapshot(), b = there.snapshot();
  for (auto& component : b.components) component.parameters.head(2).array() -= 1e8;
  check_close(components_near(b, c.shape, three_clusters().means), components_near(a, c.shape, three_clusters().means),
              1e-6);
  CHECK(b.effective_sample_size == a.effective_sample_size);
}

TEST_CASE("scaling all units by 1e-6 or 1e6 scales the result and nothing else") {
  const auto c = GENERATE(from_range(gaussian_cases()));
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
    const auto coordinates_there =
        static_cast<double>(coordinates(batch.points.col(static_cast<Index>(i)), false).size());
    worst = std::max(worst, std::abs(relabelled.labels.log_densities[i] + coordinates_there * std::log(unit) -
                                     labelled.labels.log_densities[i]));
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
    CHECK(std::abs(static_cast<double>(found[k].weight) - truth.weights[k]) <
          kErrors * std::sqrt(truth.weights[k] * (1 - truth.weights[k]) / n));
    const Eigen::MatrixXd& covariance = truth.covariances[k];
    for (Index i = 0; i < d; ++i) {
      CAPTURE(i);
      CHECK(std::abs(static_cast<double>(found[k].mean[i]) - truth.means[k][i]) <
            kErrors * std::sqrt(covariance(i, i) / points));
      for (Index j = 0; j <= i; ++j) {
        const double error =
            std::sqrt((covariance(i, i) * covariance(j, j) + covariance(i, j) * covariance(i, j)) / points);
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

}  // namespace
}  // namespace emulsion
