// Mixtures with a component of noise: clusters among points that are of none.
#include <catch2/catch.hpp>

#include "emulsion/batch_em.h"
#include "emulsion/learner.h"
#include "emulsion/seeding.h"
#include "lib/bank_at_work.h"
#include "lib/draw.h"

namespace emulsion {
namespace {

using namespace testing;

constexpr Index kNoise = 3;  // origin of an outlier, and the place of the noise in the mixtures

// Three clusters, and one point in twenty anywhere in a box that reaches so far.
PointBatch with_outliers(Index n, const Eigen::Vector2d& reach, std::uint64_t seed, std::vector<Index>& origins) {
  PointBatch batch = draw(three_clusters(), n, seed, &origins);
  Sampler sampler(seed + 1000);
  for (Index i = 0; i < n; ++i) {
    if (sampler.uniform() >= 0.05) continue;
    batch.points.col(i) = draw_evenly(sampler, -reach, reach);
    origins[static_cast<std::size_t>(i)] = kNoise;
  }
  return batch;
}

LearnerOptions options_for(const std::string& mixture, std::uint64_t seed = 1) {
  LearnerOptions options;
  options.mixture = mixture;
  options.seed.random_seed = seed;
  return options;
}

// The fraction of the outliers far from every cluster that are labelled noise, and of the others that are not.
struct Recognised {
  double outliers = 0, others = 0;
};
Recognised recognised(const PointBatch& batch, const std::vector<Index>& origins, const std::function<Index(Index)>& label) {
  Recognised right, all;
  for (Index i = 0; i < batch.size(); ++i) {
    const bool outlier = origins[static_cast<std::size_t>(i)] == kNoise;
    bool far = true;
    for (const auto& mean : three_clusters().means) far &= (batch.points.col(i) - mean).norm() > 10;
    if (outlier && !far) continue;
    ++(outlier ? all.outliers : all.others);
    (outlier ? right.outliers : right.others) += (label(i) == kNoise) == outlier;
  }
  return {right.outliers / all.outliers, right.others / all.others};
}

// Means, and for Gaussians variances, within so many standard errors of n points.
void check_clusters(const Mixture& mixture, double n, double errors) {
  const Truth truth = three_clusters();
  const Bank& bank = *mixture.banks().front();
  for (std::size_t k = 0; k < 3; ++k) {
    Index best = 0;
    (bank.means().colwise() - truth.means[k]).colwise().squaredNorm().minCoeff(&best);
    const double points = 0.95 * truth.weights[k] * n;
    CAPTURE(k, bank.pack(), mixture.weights());
    for (Index j = 0; j < 2; ++j) {
      CHECK(std::abs(bank.means()(j, best) - truth.means[k][j]) < errors * std::sqrt(truth.covariances[k](j, j) / points));
      if (bank.family().name() == "gaussian(full)")
        CHECK(std::abs(std::log(bank.variances()(j, best) / truth.covariances[k](j, j))) < errors * std::sqrt(2 / points));
    }
    CHECK(std::abs(mixture.weights()[best] - 0.95 * truth.weights[k]) < errors * std::sqrt(truth.weights[k] * (1 - truth.weights[k]) / n));
  }
  CHECK(std::abs(mixture.weights()[kNoise] - 0.05) < errors * std::sqrt(0.05 * 0.95 / n));
}

const std::vector<std::string> kMixtures = {"3*gaussian(full) + 1*uniform", "3*student_t + 1*uniform"};
// As far as ten clusters, as 10,000, and in one coordinate alone.
const std::vector<Eigen::Vector2d> kReaches = {{100, 100}, {1e5, 1e5}, {1e5, 20}};

TEST_CASE("batch EM tells the outliers from the clusters, however far they reach", "[noise]") {
  const std::string mixture = GENERATE(from_range(kMixtures));
  const Eigen::Vector2d reach = GENERATE(from_range(kReaches));
  CAPTURE(mixture, reach);
  std::vector<Index> origins;
  const PointBatch batch = with_outliers(6000, reach, 5, origins);
  Workers workers(1);
  const auto seeded = seed_mixture(batch, options_for(mixture), workers);
  REQUIRE(seeded);
  const std::vector<Tile> tiles = cut_tiles(batch);
  MemoryTiles source(tiles);
  const auto fit = batch_em(source, *seeded, {}, workers);
  REQUIRE(fit);
  check_clusters(*fit->last.mixture, 6000, 5);
  std::vector<Index> labels;
  for (const Tile& tile : tiles) {
    Expectation expectation(4);
    fit->last.mixture->expect(tile, covering_lanes(0, tile.size()), expectation);
    labels.insert(labels.end(), expectation.most_probable.begin(), expectation.most_probable.begin() + tile.size());
  }
  const Recognised right = recognised(batch, origins, [&](Index i) { return labels[static_cast<std::size_t>(i)]; });
  CHECK(right.outliers > 0.98);
  CHECK(right.others > 0.98);
}

TEST_CASE("a learner tells the outliers from the clusters of a stream", "[noise]") {
  const std::string mixture = GENERATE(from_range(kMixtures));
  const Eigen::Vector2d reach = GENERATE(from_range(kReaches));
  CAPTURE(mixture, reach);
  std::vector<Index> origins;
  const PointBatch batch = with_outliers(12000, reach, 6, origins);
  auto learner = Learner::make(options_for(mixture), 2);
  REQUIRE(learner);
  const Learned learned = learner->learn(batch, false);
  const auto found = mixture_of(learner->snapshot());
  REQUIRE(found);
  check_clusters(**found, learner->snapshot().effective_sample_size, 5);
  const Recognised right = recognised(batch, origins, [&](Index i) { return learned.labels.components[static_cast<std::size_t>(i)]; });
  CHECK(right.outliers > 0.98);
  CHECK(right.others > 0.98);
}

TEST_CASE("an outlier beyond all that have been is noise at once", "[noise]") {
  std::vector<Index> origins;
  auto learner = Learner::make(options_for("3*gaussian(full) + 1*uniform"), 2);
  REQUIRE(learner);
  learner->learn(with_outliers(4000, {50, 50}, 7, origins), false);
  const Learned learned = learner->learn(PointBatch{Eigen::Vector2d(3e7, -2e9), {}, {}}, false);
  REQUIRE(learned.labels.components.size() == 1);
  CHECK(learned.labels.components[0] == kNoise);
}

// Each start alone has several ways to go wrong; with eight of them nearly all streams begin well.
TEST_CASE("nearly every stream with outliers begins with a component in each cluster", "[noise]") {
  int found = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    std::vector<Index> origins;
    const PointBatch batch = with_outliers(200, {100, 100}, 100 + seed, origins);
    Workers workers(1);
    const auto mixture = seed_mixture(batch, options_for("3*gaussian(full) + 1*uniform", seed), workers);
    REQUIRE(mixture);
    bool all = true;
    for (const auto& mean : three_clusters().means)
      all &= ((*mixture)->banks().front()->means().colwise() - mean).colwise().norm().minCoeff() < 1;
    found += all;
  }
  CHECK(found >= 19);
}

// Three clusters side by side. k-means sees them because coordinates are standardised; outliers in the very coordinate that
// tells the clusters apart must not make it seem narrow. (Of 30 such streams 28 are found, and 27 of 30 without outliers.)
TEST_CASE("outliers along one coordinate do not hide the clusters along it", "[noise]") {
  int found = 0;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    Sampler sampler(7 * seed + 3);
    PointBatch batch{Eigen::MatrixXd(2, 400), {}, {}};
    for (Index i = 0; i < 400; ++i)
      batch.points.col(i) = sampler.uniform() < 0.05 ? draw_evenly(sampler, Eigen::Vector2d(-1e5, -5), Eigen::Vector2d(1e5, 5))
                                                     : Eigen::VectorXd(Eigen::Vector2d(10.0 * static_cast<double>(i % 3), 0) + sampler.normals(2));
    Workers workers(1);
    const auto mixture = seed_mixture(batch, options_for("3*gaussian(full) + 1*uniform", seed), workers);
    REQUIRE(mixture);
    bool all = true;
    for (int k = 0; k < 3; ++k)
      all &= ((*mixture)->banks().front()->means().colwise() - Eigen::Vector2d(10 * k, 0)).colwise().norm().minCoeff() < 1;
    found += all;
  }
  CHECK(found >= 8);
}

TEST_CASE("noise does not decide the stream's own scale, but does its range", "[noise]") {
  std::vector<Index> origins;
  const PointBatch batch = with_outliers(2000, {1e6, 1e6}, 8, origins);
  const auto box = (*find_family("uniform"))->place(Eigen::Vector2d::Zero(), Eigen::Vector2d::Constant(1e12 / 3));
  const auto cluster = (*find_family("gaussian(full)"))->place(Eigen::Vector2d(4, 4), Eigen::Vector2d(25, 25));
  const Mixture mixture({cluster, box}, Eigen::Vector2d(0.95, 0.05));
  Workers workers(1);
  const CoordinateMoments found = em_pass(mixture, cut_tiles(batch), Assignment::soft, workers).coordinates;
  CHECK((variances(found).array() < 100).all());
  CHECK(found.lowest == batch.points.rowwise().minCoeff());
  CHECK(found.highest == batch.points.rowwise().maxCoeff());
  // Where all points are noise, there is no other scale.
  const Mixture noise({box}, Eigen::VectorXd::Ones(1));
  const CoordinateMoments of_noise = em_pass(noise, cut_tiles(batch), Assignment::soft, workers).coordinates;
  const Eigen::VectorXd mean = batch.points.rowwise().mean();
  CHECK(difference(variances(of_noise), (batch.points.colwise() - mean).rowwise().squaredNorm() / 2000) < 1e-12);
}

TEST_CASE("one row as far away as a row may be still lets the others be clustered", "[noise]") {
  for (const char* mixture : {"3*gaussian(full) + 1*uniform", "3*gaussian(full)"}) {
    Sampler sampler(5);
    PointBatch batch{1e-6 * sampler.normals(2, 300), {}, {}};
    batch.points(0, 17) = 1e150;
    batch.weights = Eigen::VectorXd::Ones(300);
    batch.weights[17] = 1e-300;
    Workers workers(1);
    const auto found = seed_mixture(batch, options_for(mixture, 1), workers);
    REQUIRE(found);
    for (const auto& bank : (*found)->banks()) CHECK(bank->pack().allFinite());
  }
}

}  // namespace
}  // namespace emulsion
