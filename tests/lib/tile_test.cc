#include "emulsion/tile.h"

#include <catch2/catch.hpp>
#include <cmath>

namespace emulsion {
namespace {

void push(Tile& tile, std::vector<double> point, double weight, double retention) {
  tile.push(point.data(), weight, retention);
}

TEST_CASE("a row counts with its weight times the retentions of all later rows") {
  Tile tile(1);
  push(tile, {1}, 2, 0.5);
  push(tile, {2}, 3, 0.25);
  push(tile, {3}, 5, 0.125);
  const auto weights = tile.decayed_weights();
  CHECK(weights[0] == 2 * 0.25 * 0.125);
  CHECK(weights[1] == 3 * 0.125);
  CHECK(weights[2] == 5);
  CHECK((weights.tail(kTilePoints - 3) == 0).all());
  CHECK(tile.decay() == 0.5 * 0.25 * 0.125);
}

TEST_CASE("a tile without points leaves the past as it is") {
  const Tile tile(2);
  CHECK(tile.decay() == 1);
  CHECK((tile.decayed_weights() == 0).all());
}

TEST_CASE("missing coordinates are marked, and stored as 0") {
  Tile tile(2);
  push(tile, {1, 2}, 1, 1);
  push(tile, {std::nan(""), 4}, 1, 1);
  push(tile, {5, std::nan("")}, 1, 1);
  REQUIRE(tile.incomplete_rows().size() == 2);
  CHECK(tile.incomplete_rows()[0] == 1);
  CHECK(tile.incomplete_rows()[1] == 2);
  CHECK(tile.is_missing(1, 0));
  CHECK_FALSE(tile.is_missing(1, 1));
  CHECK(tile.is_missing(2, 1));
  CHECK_FALSE(tile.is_missing(0, 0));
  CHECK(tile.points()(1, 0) == 0);
  CHECK(tile.points()(1, 1) == 4);
}

TEST_CASE("a cleared tile remembers nothing") {
  Tile tile(2);
  for (int i = 0; i < 300 && !tile.full(); ++i) push(tile, {1.0 + i, std::nan("")}, 2, 0.5);
  CHECK(tile.size() == kTilePoints);
  tile.clear();
  CHECK(tile.size() == 0);
  CHECK((tile.points() == 0).all());
  CHECK((tile.decayed_weights() == 0).all());
  CHECK(tile.decay() == 1);
  CHECK(tile.incomplete_rows().empty());
  push(tile, {7, 8}, 1, 1);
  CHECK_FALSE(tile.is_missing(0, 1));
  CHECK((tile.points().bottomRows(kTilePoints - 1) == 0).all());
}

TEST_CASE("lanes cover the rows that they are asked for, in whole blocks") {
  CHECK(covering_lanes(0, 1).begin == 0);
  CHECK(covering_lanes(0, 1).end == 8);
  CHECK(covering_lanes(9, 16).begin == 8);
  CHECK(covering_lanes(9, 16).end == 16);
  CHECK(covering_lanes(7, 17).begin == 0);
  CHECK(covering_lanes(7, 17).end == 24);
  CHECK(covering_lanes(8, 8).begin == covering_lanes(8, 8).end);
}

}  // namespace
}  // namespace emulsion
