// Points that lack coordinates, grouped by which; beside the same points one at a time.
#include "emulsion/marginals.h"

#include <catch2/catch.hpp>
#include <limits>

#include "lib/sample.h"

namespace emulsion {
namespace {

using namespace testing;

constexpr Index kDimension = 5;
constexpr Index kComponents = 3;
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
  CHECK(missing_patterns(Drawn().tile(40, {0}), kAll).empty());
}

TEST_CASE("a point's marginal distance does not depend on the points that lack the same") {
  Drawn drawn(GENERATE(kComponents, Index{1}));
  const Ellipsoids whole(drawn.places, drawn.shapes);
  const Tile tile = drawn.tile(100, {0b00100, 0b01001});
  for (const MissingPattern& pattern : missing_patterns(tile, kAll)) {
    const Marginals marginals(whole, pattern);
    for (Index k = 0; k < kComponents; ++k) {
      const double* const found = marginals.distances(tile, k, -0.5, 3);
      const std::vector<double> together(found, found + pattern.size());
      for (std::size_t i = 0; i < pattern.rows.size(); ++i) {
        const Tile alone = row_alone(tile, pattern.rows[i]);
        const auto of_one = missing_patterns(alone, kAll);
        CHECK(Marginals(whole, of_one.front()).distances(alone, k, -0.5, 3)[0] == together[i]);
      }
    }
  }
}

TEST_CASE("points that lack the same are summed up as one after another") {
  Drawn drawn;
  const Ellipsoids whole(drawn.places, drawn.shapes);
  const Tile tile = drawn.tile(100, {0b00100, 0b01001, 0b11110});
  for (const MissingPattern& pattern : missing_patterns(tile, kAll)) {
    Eigen::ArrayXd weights(pattern.size());
    for (Index i = 0; i < weights.size(); ++i) weights[i] = i % 5 == 0 ? 0 : 0.1 * static_cast<double>(i);
    for (Index k = 0; k < kComponents; ++k) {
      Eigen::VectorXd together(kDimension + triangle(kDimension)), one(together.size()), merged(together.size());
      const double weight = Marginals(whole, pattern).scatter(tile, k, weights.data(), weights.sum(), together);
      double total = 0;
      for (Index i = 0; i < weights.size(); ++i) {
        if (weights[i] == 0) continue;
        const Tile alone = row_alone(tile, pattern.rows[static_cast<std::size_t>(i)]);
        const auto of_one = missing_patterns(alone, kAll);
        Marginals(whole, of_one.front()).scatter(alone, k, &weights[i], weights[i], one);
        total = merge_scatter(merged, total, one, weights[i]);
      }
      CHECK(weight == Approx(total).epsilon(1e-14));
      CHECK((together - merged).norm() <= 1e-12 * merged.norm());
    }
  }
}

TEST_CASE("of a point without coordinates nothing is known but what its component says") {
  Drawn drawn;
  const Ellipsoids whole(drawn.places, drawn.shapes);
  const Tile tile = drawn.tile(2, {0b11111});
  const auto patterns = missing_patterns(tile, kAll);
  REQUIRE(patterns.size() == 1);
  const Marginals marginals(whole, patterns.front());
  CHECK(marginals.half_log_determinant(1) == 0);
  CHECK(marginals.distances(tile, 1, -0.5, 3)[0] == 3);
  Eigen::VectorXd scatter(kDimension + triangle(kDimension));
  const double weight = 0.25;
  CHECK(marginals.scatter(tile, 1, &weight, weight, scatter) == weight);
  CHECK(scatter.head(kDimension) == drawn.places.col(1));
  CHECK(scatter.tail(triangle(kDimension)) == weight * drawn.shapes.covariances().col(1));
}

}  // namespace emulsion
