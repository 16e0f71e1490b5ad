// Points that lack coordinates, grouped by which; beside the same points one at a time.
#include "emulsion/marginals.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "lib/sample.h"

namespace emulsion {
namespace {

using namespace testing;

constexpr Index kDimension = 5;
constexpr Index kComponents = 11;  // more than are factored side by side
constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

struct Drawn {
  explicit Drawn(Index matrices = kComponents) : shapes(kDimension, matrices), places(sampler.normals(kDimension, kComponents)) {
    for (Index s = 0; s < matrices; ++s) {
      const Eigen::MatrixXd square = sampler.normals(kDimension, kDimension);
      shapes.set(s, pack_triangle(square * square.transpose() + Eigen::MatrixXd::Identity(kDimension, kDimension)));
    }
    shapes.factor();
  }

  // So many points, of which every other lacks the coordinates of one of the masks in turn.
  Tile tile(Index points, std::initializer_list<unsigned> masks) {
    Tile tile(kDimension);
    Eigen::MatrixXd drawn = sampler.normals(kDimension, points);
    for (Index i = 0; i < points; ++i) {
      const unsigned mask = i % 2 == 0 ? 0 : masks.begin()[static_cast<std::size_t>(i / 2) % masks.size()];
      for (Index j = 0; j < kDimension; ++j)
        if ((mask >> j & 1U) != 0) drawn(j, i) = kMissing;
      tile.push(drawn.col(i).data(), 1, 1);
    }
    return tile;
  }

  Sampler sampler{17};
  Shapes shapes;
  Eigen::MatrixXd places;
};

Tile row_alone(const Tile& tile, Index row) {
  Eigen::VectorXd point = tile.points().row(row).matrix().transpose();
  for (Index j = 0; j < tile.dimension(); ++j)
    if (tile.is_missing(row, j)) point[j] = kMissing;
  Tile alone(tile.dimension());
  alone.push(point.data(), 1, 1);
  return alone;
}

const LaneRange kAll{0, kTilePoints};
const auto every_component = [](Index) { return true; };

}  // namespace

TEST_CASE("rows that lack the same coordinates are one pattern") {
  const Tile tile = Drawn().tile(40, {0b00010, 0b10001, 0b00010, 0b00001});
  const auto patterns = missing_patterns(tile, kAll);
  REQUIRE(patterns.size() == 3);
  CHECK(patterns[0].missing == std::vector<Index>{1});
  CHECK(patterns[0].observed == std::vector<Index>{0, 2, 3, 4});
  CHECK(patterns[0].rows == std::vector<std::uint8_t>{1, 5, 9, 13, 17, 21, 25, 29, 33, 37});
  CHECK(patterns[1].missing == std::vector<Index>{0, 4});
  CHECK(patterns[1].rows == std::vector<std::uint8_t>{3, 11, 19, 27, 35});
  CHECK(patterns[2].missing == std::vector<Index>{0});

  const auto some = missing_patterns(tile, {8, 16});
  REQUIRE(some.size() == 3);
  CHECK(some[0].rows == std::vector<std::uint8_t>{9, 13});
  CHECK(some[1].rows == std::vector<std::uint8_t>{11});
  CHECK(missing_patterns(tile, {40, 48}).empty());

  Tile even(1);  // of which the first row of a range lacks what it has
  for (const double x : {kMissing, 1.0, kMissing}) even.push(&x, 1, 1);
  CHECK(missing_patterns(even, {0, 8}).front().rows == std::vector<std::uint8_t>{0, 2});
  CHECK(missing_patterns(Drawn().tile(40, {0}), kAll).empty());
}

TEST_CASE("a point's marginal distance does not depend on the points that lack the same") {
  Drawn drawn(GENERATE(Index{kComponents}, Index{1}));
  const Ellipsoids whole(drawn.places, drawn.shapes);
  const Tile tile = drawn.tile(100, {0b00100, 0b01001});
  for (const MissingPattern& pattern : missing_patterns(tile, kAll)) {
    Marginals marginals(whole, pattern);
    Index asked = 0;
    marginals.for_each(every_component, [&](Index k) {
      CHECK(k == asked++);
      const double* const found = marginals.distances(tile, k, -0.5, 3);
      const std::vector<double> together(found, found + pattern.size());
      const double half_log_determinant = marginals.half_log_determinant();
      for (std::size_t i = 0; i < pattern.rows.size(); ++i) {
        const Tile alone = row_alone(tile, pattern.rows[i]);
        const auto of_one = missing_patterns(alone, kAll);
        Marginals marginal(whole, of_one.front());
        marginal.for_each([&](Index other) { return other == k; }, [&](Index) {
          CHECK(marginal.distances(alone, k, -0.5, 3)[0] == together[i]);
          CHECK(marginal.half_log_determinant() == half_log_determinant);
        });
      }
    });
    CHECK(asked == kComponents);
  }
}

TEST_CASE("points that lack the same are summed up as one after another") {
  Drawn drawn(GENERATE(Index{kComponents}, Index{1}));
  const Ellipsoids whole(drawn.places, drawn.shapes);
  const Tile tile = drawn.tile(100, {0b00100, 0b01001, 0b11110});
  for (const MissingPattern& pattern : missing_patterns(tile, kAll)) {
    Eigen::ArrayXd weights(pattern.size());
    for (Index i = 0; i < weights.size(); ++i) weights[i] = i % 5 == 0 ? 0 : 0.1 * static_cast<double>(i);
    Marginals marginals(whole, pattern);
    marginals.for_each(every_component, [&](Index k) {
      Eigen::VectorXd together(kDimension + triangle(kDimension)), one(together.size()), merged(together.size());
      const double weight = marginals.scatter(tile, k, weights.data(), weights.sum(), together);
      double total = 0;
      for (Index i = 0; i < weights.size(); ++i) {
        if (weights[i] == 0) continue;
        const Tile alone = row_alone(tile, pattern.rows[static_cast<std::size_t>(i)]);
        const auto of_one = missing_patterns(alone, kAll);
        Marginals marginal(whole, of_one.front());
        marginal.for_each([&](Index other) { return other == k; }, [&](Index) { marginal.scatter(alone, k, &weights[i], weights[i], one); });
        total = merge_scatter(merged, total, one, weights[i]);
      }
      CHECK(weight == Approx(total).epsilon(1e-14));
      CHECK((together - merged).norm() <= 1e-12 * merged.norm());
    });
  }
}

TEST_CASE("what is missing and known to the last digit has no variance less than none") {
  Shapes shapes(2, 1);
  shapes.set(0, Eigen::Vector3d(2, 2, 2 + 5e-16));  // two coordinates that are equal but for rounding
  shapes.factor();
  REQUIRE(shapes.is_positive_definite(0));
  const Ellipsoids whole(Eigen::MatrixXd::Zero(2, 1), shapes);
  Tile tile(2);
  const double point[] = {3, kMissing};
  tile.push(point, 1, 1);
  const auto patterns = missing_patterns(tile, kAll);
  Marginals marginals(whole, patterns.front());
  Eigen::VectorXd scatter(5);
  const double weight = 1;
  marginals.for_each(every_component, [&](Index k) { marginals.scatter(tile, k, &weight, weight, scatter); });
  CHECK(scatter[1] == Approx(3));
  CHECK(scatter[4] >= 0);
  CHECK(scatter[4] < 1e-14);
}

TEST_CASE("a marginal that rounding leaves no determinant says no more than the component's own place") {
  int found = 0;
  for (int i = 1; i < 100; ++i) {
    const double x = 0.01 * i;
    Eigen::VectorXd covariance(6);
    covariance << 1, x, 1, x, 1, 1;  // the last two coordinates are equal, to the last bit
    Shapes shapes(3, 1);
    shapes.set(0, covariance);
    shapes.factor();
    if (!shapes.is_positive_definite(0)) continue;
    ++found;
    const Ellipsoids whole(Eigen::Vector3d(5, 0, 0), shapes);
    Tile tile(3);
    const double point[] = {kMissing, 1, 2};
    tile.push(point, 1, 1);
    const auto patterns = missing_patterns(tile, kAll);
    Marginals marginals(whole, patterns.front());
    Eigen::VectorXd scatter(9);
    const double weight = 1;
    marginals.for_each(every_component, [&](Index k) {
      CHECK(std::isnan(marginals.half_log_determinant()));
      marginals.scatter(tile, k, &weight, weight, scatter);
    });
    CHECK(scatter.allFinite());
    CHECK(scatter.head(3) == Eigen::Vector3d(5, 1, 2));
    CHECK(scatter[3] == 1);
  }
  REQUIRE(found > 0);
}

TEST_CASE("of a point without coordinates nothing is known but what its component says") {
  Drawn drawn;
  const Ellipsoids whole(drawn.places, drawn.shapes);
  const Tile tile = drawn.tile(2, {0b11111});
  const auto patterns = missing_patterns(tile, kAll);
  REQUIRE(patterns.size() == 1);
  Marginals marginals(whole, patterns.front());
  marginals.for_each(every_component, [&](Index k) {
    CHECK(marginals.half_log_determinant() == 0);
    CHECK(marginals.distances(tile, k, -0.5, 3)[0] == 3);
    Eigen::VectorXd scatter(kDimension + triangle(kDimension));
    const double weight = 0.25;
    CHECK(marginals.scatter(tile, k, &weight, weight, scatter) == weight);
    CHECK(scatter.head(kDimension) == drawn.places.col(k));
    CHECK(scatter.tail(triangle(kDimension)) == weight * drawn.shapes.covariances().col(k));
  });
}

TEST_CASE("marginals of many coordinates are those of few") {
  // The first coordinates depend on nothing behind them, so that they alone decide.
  constexpr Index kMany = kLargestSideBySide + 2;
  Sampler sampler(3);
  Eigen::MatrixXd covariance = Eigen::MatrixXd::Identity(kMany, kMany);
  covariance.topLeftCorner(3, 3) = sampler.covariance(3);
  Shapes large(kMany, 1), small(3, 1);
  large.set(0, pack_triangle(covariance));
  small.set(0, pack_triangle(covariance.topLeftCorner(3, 3)));
  for (Shapes* shapes : {&large, &small}) shapes->factor();
  const Ellipsoids of_many(Eigen::MatrixXd::Zero(kMany, 1), large), of_few(Eigen::MatrixXd::Zero(3, 1), small);

  Eigen::VectorXd point = Eigen::VectorXd::Zero(kMany);
  point.head(3) << 1, kMissing, -2;
  Tile many(kMany), few(3);
  many.push(point.data(), 1, 1);
  few.push(point.data(), 1, 1);
  const auto found = [&](const Ellipsoids& whole, const Tile& tile) {
    const auto patterns = missing_patterns(tile, kAll);
    Marginals marginals(whole, patterns.front());
    Eigen::VectorXd scatter(tile.dimension() + triangle(tile.dimension()));
    Eigen::Vector4d numbers;
    marginals.for_each(every_component, [&](Index k) {
      const double weight = 1;
      marginals.scatter(tile, k, &weight, weight, scatter);
      numbers << marginals.distances(tile, k, 1, 0)[0], marginals.half_log_determinant(), scatter[1], scatter[tile.dimension() + 2];
    });
    return numbers;
  };
  CHECK((found(of_many, many) - found(of_few, few)).norm() < 1e-13);
}

}  // namespace emulsion
