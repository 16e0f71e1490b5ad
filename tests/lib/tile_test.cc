#include "emulsion/tile.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <initializer_list>
#include <vector>

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

TEST_CASE("the rows of a tile are its columns, whether it has them or makes them, and whichever tile's were made before") {
  const auto filled = [](Index d, double from) {
    Tile tile(d);
    for (int i = 0; i < 9; ++i) {
      std::vector<double> point(static_cast<std::size_t>(d));
      for (Index j = 0; j < d; ++j) point[static_cast<std::size_t>(j)] = from + 10.0 * i + static_cast<double>(j);
      if (i == 4) point.back() = std::nan("");
      push(tile, point, 1, 1);
    }
    return tile;
  };
  const auto rows_are_columns = [](const Tile& tile) {
    bool same = true;
    for (Index i = 0; i < tile.size(); ++i)
      for (Index j = 0; j < tile.dimension(); ++j) same &= tile.rows()[i * tile.dimension() + j] == tile.points()(i, j);
    return same;
  };
  const auto negative = [](double x) { return -x; };
  const std::vector<Index> columns = {1, 0};
  for (const Index d : {2, 3, 5, 8}) {
    const Tile with_rows = filled(d, 1), others = filled(d, 2);
    Tile alone = with_rows, others_alone = others;
    alone.keep_columns_alone();
    others_alone.keep_columns_alone();
    CHECK((alone.points() == with_rows.points()).all());
    for (const Tile* tile : std::initializer_list<const Tile*>{&with_rows, &others, &alone, &others_alone, &alone}) {
      CHECK(rows_are_columns(*tile));
      CHECK(rows_are_columns(tile->transformed(negative)));
      CHECK(rows_are_columns(tile->with_columns(columns)));
    }

    alone.clear();
    push(alone, std::vector<double>(static_cast<std::size_t>(d), 7), 1, 1);
    CHECK(alone.rows()[0] == 7);
    CHECK(alone.rows()[d] == 0);
  }
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
