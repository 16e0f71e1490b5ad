#include "emulsion/learner.h"

#include <catch2/catch.hpp>
#include <limits>

#include "lib/learning.h"
#include "lib/same_state.h"

namespace emulsion {
namespace {

using namespace testing;

TEST_CASE("points wait until there are enough, then each gets its label at once, and the rest follow") {
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
    CHECK(learned.updates[u].points == 256);
    CHECK(learned.updates[u].failure.empty());
  }
  CHECK(em.snapshot().learned == 150 + 1024);
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
  CHECK(failed.updates[0].points == 100);
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
  const Learned failed = em.learn(bad, false);
  CHECK(failed.seeded);
  CHECK(failed.labels.components.size() == 150);
  REQUIRE(failed.updates.size() == 1);
  CHECK(failed.updates[0].failure == "the statistics of the mini-batch hold a number that is not finite");
  CHECK(failed.updates[0].points == 150);
  CHECK(em.progress().updates_failed == 1);
  CHECK(em.progress().learned == 0);
  const Learned next = em.learn(draw(three_clusters(), 200, 3), false);
  REQUIRE(next.updates.size() == 1);
  CHECK(next.updates[0].failure.empty());
}

TEST_CASE("a starved component keeps its parameters and is reported once, revived likewise") {
  const auto c = GENERATE(from_range(gaussian_cases()));
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
