#include "emulsion/statistics.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>

#include "emulsion/em_pass.h"
#include "emulsion/mixture.h"
#include "lib/gaussian_at_work.h"

namespace emulsion {
namespace {

using namespace testing;

struct MixtureExample {
  MixtureExample() {
    const GaussianCase full{"gaussian(full)", Shape::full};
    const GaussianCase diagonal{"gaussian(diagonal)", Shape::diagonal};
    mixture = std::make_shared<const Mixture>(
        std::vector<std::shared_ptr<const Bank>>{bank_of(full, example_components(Shape::full, 2, 2)),
                                                 bank_of(diagonal, example_components(Shape::diagonal, 2, 1, 1))},
        Eigen::Vector3d(0.5, 0.3, 0.2));
    batch.points = 2 * Sampler(4).normals(2, 700);
    Sampler weights(6);
    batch.weights.resize(700);
    for (Index i = 0; i < 700; ++i) batch.weights[i] = 0.5 + 2 * weights.uniform();
    lose_coordinates(batch, 0.1, 5);
  }

  Statistics of(Index first, Index count) const {
    Workers workers(1);
    return em_pass(*mixture, cut_tiles(slice(batch, first, count)), Assignment::soft, workers);
  }

  std::shared_ptr<const Mixture> mixture;
  PointBatch batch;
};

double statistics_difference(const Statistics& a, const Statistics& b) {
  double worst = std::abs(a.weight - b.weight) / std::abs(b.weight) +
                 std::abs(a.log_likelihood - b.log_likelihood) / std::abs(b.log_likelihood);
  for (std::size_t i = 0; i < a.banks.size(); ++i) worst = std::max(worst, testing::difference(a.banks[i], b.banks[i]));
  worst = std::max(worst, testing::difference(a.coordinates.weight, b.coordinates.weight));
  worst = std::max(worst, testing::difference(a.coordinates.mean, b.coordinates.mean));
  return std::max(worst, testing::difference(a.coordinates.squares, b.coordinates.squares));
}

Statistics merged(Statistics a, const Statistics& b) {
  merge(a, b);
  return a;
}

Statistics scaled(Statistics a, double factor) {
  scale(a, factor);
  return a;
}

TEST_CASE("the statistics of two halves merge into those of the whole") {
  const MixtureExample e;
  CHECK(statistics_difference(merged(e.of(0, 333), e.of(333, 367)), e.of(0, 700)) < 1e-12);
}

TEST_CASE("statistics of a mixture merge in any order and grouping") {
  const MixtureExample e;
  const auto a = e.of(0, 100), b = e.of(100, 300), c = e.of(400, 300);
  CHECK(statistics_difference(merged(a, b), merged(b, a)) < 1e-13);
  CHECK(statistics_difference(merged(merged(a, b), c), merged(a, merged(b, c))) < 1e-13);
  CHECK(statistics_difference(merged(e.mixture->empty_statistics(), a), a) == 0);
  CHECK(statistics_difference(merged(a, e.mixture->empty_statistics()), a) == 0);
}

TEST_CASE("scaling makes every point count so many times") {
  const MixtureExample e;
  const auto a = e.of(0, 300), b = e.of(300, 400);
  CHECK(statistics_difference(scaled(a, 2), merged(a, a)) < 1e-13);
  CHECK(statistics_difference(scaled(scaled(a, 0.5), 3), scaled(a, 1.5)) < 1e-15);
  CHECK(statistics_difference(scaled(merged(a, b), 0.25), merged(scaled(a, 0.25), scaled(b, 0.25))) < 1e-13);
}

TEST_CASE("weight and log likelihood are sums over the points") {
  const MixtureExample e;
  const auto found = e.of(0, 700);
  std::vector<Gaussian> components = example_components(Shape::full, 2, 2);
  components.push_back(example_components(Shape::diagonal, 2, 1, 1).front());
  const Wide weights[] = {0.5L, 0.3L, 0.2L};
  for (std::size_t k = 0; k < 3; ++k) components[k].weight = weights[k];
  const auto expected = posterior(components, e.batch.points);
  const WideVector point_weights = e.batch.weights.cast<Wide>();
  CHECK(found.weight == Approx(e.batch.weights.sum()).epsilon(1e-13));
  CHECK(found.log_likelihood == Approx(static_cast<double>(point_weights.dot(expected.log_density))).epsilon(1e-12));
  const WideVector shares = expected.responsibilities.transpose() * point_weights;
  CHECK(found.banks[0].weight[1] == Approx(static_cast<double>(shares[1])).epsilon(1e-11));
  CHECK(found.banks[1].weight[0] == Approx(static_cast<double>(shares[2])).epsilon(1e-11));
}

TEST_CASE("the moments of the coordinates are those of the points that have them") {
  const auto [offset, tolerance] = GENERATE(table<double, double>({{0, 1e-13}, {1e8, 1e-7}, {-1e8, 1e-7}}));
  MixtureExample e;
  e.batch.points.array() += offset;
  const auto found = e.of(0, 700).coordinates;
  const WideVector expected = coordinate_variances(e.batch);
  for (Index j = 0; j < 2; ++j) {
    Wide weight = 0, sum = 0;
    double lowest = std::numeric_limits<double>::infinity(), highest = -lowest;
    for (Index i = 0; i < 700; ++i) {
      const double x = e.batch.points(j, i);
      if (std::isnan(x)) continue;
      weight += e.batch.weights[i], sum += e.batch.weights[i] * static_cast<Wide>(x);
      lowest = std::min(lowest, x), highest = std::max(highest, x);
    }
    CHECK(found.lowest[j] == lowest);
    CHECK(found.highest[j] == highest);
    CHECK(found.weight[j] == Approx(static_cast<double>(weight)).epsilon(1e-13));
    CHECK(std::abs(found.mean[j] - static_cast<double>(sum / weight)) < tolerance);
    CHECK(variances(found)[j] == Approx(static_cast<double>(expected[j])).epsilon(tolerance));
  }
}

TEST_CASE("a coordinate that no point of a tile has counts nothing") {
  Tile tile(2);
  for (const double x : {1.0, 3.0}) {
    const double point[] = {x, std::nan("")};
    tile.push(point, 1, 1);
  }
  const auto moments = coordinate_moments(tile, tile.decayed_weights());
  CHECK(moments.weight == Eigen::Vector2d(2, 0));
  CHECK(moments.mean == Eigen::Vector2d(2, 0));
  CHECK(moments.squares == Eigen::Vector2d(2, 0));
}

TEST_CASE("a column that does not vary has the variance of its rounding error, or 1 at zero") {
  const auto moments =
      CoordinateMoments{Eigen::Vector4d(9, 9, 0, 2), Eigen::Vector4d(1e8, 0, 0, 5), Eigen::Vector4d(0, 0, 0, 32), Eigen::Vector4d::Zero(), Eigen::Vector4d::Zero()};
  const auto found = variances(moments);
  CHECK(found[0] == Approx(1e-14));  // (1e-15 * 1e8)^2
  CHECK(found[1] == 1);
  CHECK(found[2] == 1);
  CHECK(found[3] == 16);
}

TEST_CASE("every variance is positive, whatever the unit") {
  for (const double unit : {1e-300, 1e-170, 1e-8, 1.0, 1e8, 1e149}) {
    const auto found =
        variances({Eigen::VectorXd::Ones(1), Eigen::VectorXd::Constant(1, unit), Eigen::VectorXd::Zero(1)});
    CHECK(found[0] > 0);
    CHECK(std::isfinite(found[0]));
  }
}

TEST_CASE("a thousandth of any variance, divided by many points, is a number with all its digits") {
  for (const double variance : {5e-324, 1e-310, 1e-260, 1e-200}) {
    const auto found = variances({Eigen::VectorXd::Ones(1), Eigen::VectorXd::Zero(1), Eigen::VectorXd::Constant(1, variance)});
    CHECK(found[0] >= variance);
    CHECK(1e-3 * found[0] / 1e30 > std::numeric_limits<double>::min());
  }
}

TEST_CASE("a first point that is an outlier and counts next to nothing takes no digits from the others' moments") {
  Tile tile(1);
  Eigen::Array<double, kTilePoints, 1> weights = Eigen::Array<double, kTilePoints, 1>::Ones();
  weights[0] = 1e-40;
  for (Index i = 0; i < kTilePoints; ++i) {
    const double x = i == 0 ? 1e9 : i % 2 == 0 ? -1 : 3;
    tile.push(&x, 1, 1);
  }
  const auto moments = coordinate_moments(tile, weights);
  // 128 times 3 and 127 times -1.
  CHECK(moments.mean[0] == Approx(257.0 / 255).epsilon(1e-13));
  CHECK(moments.squares[0] == Approx(1279 - 257.0 * 257 / 255).epsilon(1e-13));
  CHECK(moments.lowest[0] == -1);
  CHECK(moments.highest[0] == 1e9);
}

TEST_CASE("a number that is not finite is found wherever it hides") {
  const MixtureExample e;
  const auto good = e.of(0, 50);
  CHECK(all_finite(good));
  const double bad = GENERATE(std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity());
  const auto spoiled = [&](auto spoil) {
    Statistics s = good;
    spoil(s);
    return all_finite(s);
  };
  CHECK_FALSE(spoiled([&](Statistics& s) { s.banks[0].weight[1] = bad; }));
  CHECK_FALSE(spoiled([&](Statistics& s) { s.banks[1].moments(3, 0) = bad; }));
  CHECK_FALSE(spoiled([&](Statistics& s) { s.coordinates.weight[0] = bad; }));
  CHECK_FALSE(spoiled([&](Statistics& s) { s.coordinates.mean[1] = bad; }));
  CHECK_FALSE(spoiled([&](Statistics& s) { s.coordinates.squares[1] = bad; }));
  CHECK_FALSE(spoiled([&](Statistics& s) { s.weight = bad; }));
  CHECK_FALSE(spoiled([&](Statistics& s) { s.log_likelihood = bad; }));
}

}  // namespace
}  // namespace emulsion
