// Points laid out for the processor: coordinate by coordinate, so that one instruction works on several points; and once
// more point by point, for sums over those points that have a share in a component.
//
// Everything numeric happens tile by tile. Tiles are cut by the position of a point in its mini-batch, are padded and never
// finished by a scalar loop, and are reduced in a fixed order (tile_group.h); every lane does the same operations in the same order. So a
// point's log density does not depend on its neighbours, and a model does not depend on messages or threads.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "emulsion/points.h"

namespace emulsion {

inline constexpr Index kLanes = 8;         // points that are evaluated side by side
inline constexpr Index kTilePoints = 256;  // points of a full tile; a multiple of kLanes and of 64

inline constexpr Index kTileBlocks = kTilePoints / kLanes;

inline constexpr std::int64_t kNoTime = std::numeric_limits<std::int64_t>::min();

// Which of the points of a tile.
using RowNumbers = std::span<const std::uint8_t>;

// One number for each point of a tile and each of m columns: 256 x m, every column contiguous.
using LaneMatrix = Eigen::Array<double, kTilePoints, Eigen::Dynamic>;

// Up to 256 consecutive points of one mini-batch.
//
// Call order: (push* keep_columns_alone? clear)*
class Tile {
 public:
  explicit Tile(Index dimension);

  // Adds a point.
  //   point      d coordinates; NaN = missing, but not all of them
  //   weight     > 0
  //   retention  in [0, 1]: what is left of everything before this point once it has come
  void push(const double* point, double weight, double retention);

  // Adds some of other points, with their weights.
  //   count       no more than there is room for
  //   retentions  count, as above; null: all 1
  void append(const PointView& points, Index first, Index count, const double* retentions);
  void clear();

  Index dimension() const { return points_.cols(); }
  Index size() const { return size_; }
  bool full() const { return size_ == kTilePoints; }

  // 256 x d. Missing coordinates and rows past the end are 0.
  const LaneMatrix& points() const { return points_; }

  // The same, row after row of d numbers; behind them so many numbers that a vector which begins in the last row may be read. Of a tile
  // with columns alone, valid until the same thread asks for those of another one.
  const double* rows() const { return columns_alone_ == 0 ? rows_.data() : rows_of_this_thread(); }

  // Gives back the memory of the rows, half of all: whoever needs them makes them anew, which takes less time than to fetch them from
  // memory far away. No points may be added then.
  void keep_columns_alone();

  // Rows with a missing coordinate, in ascending order.
  std::span<const Index> incomplete_rows() const { return incomplete_rows_; }
  bool is_missing(Index row, Index coordinate) const { return missing_(row, coordinate); }

  double weight(Index row) const { return weights_[row]; }
  double retention(Index row) const { return retentions_[row]; }

  // True if every row has weight 1 and retention 1, so that decayed_weights() are 1.
  bool is_plain() const { return plain_; }

  // One weight per row as it counts at the end of the tile: weight times the retentions of all later rows; 0 past the end.
  Eigen::Array<double, kTilePoints, 1> decayed_weights() const;

  // Asks the processor to fetch the points, as they will be used soon.
  void prefetch() const {
    constexpr Index kNumbersOfLine = 8;
    for (Index i = 0; i < points_.size(); i += kNumbersOfLine) __builtin_prefetch(points_.data() + i);
  }

  // The same rows with some of the coordinates, in the given order. Unlike a pushed row, one of these may have none.
  Tile with_columns(std::span<const Index> columns) const;

  // The same rows with function(x) for every coordinate x that is there.
  template <typename Function>
  Tile transformed(Function function) const {
    Tile copy = *this;
    for (Index j = 0; j < dimension(); ++j)
      for (Index row = 0; row < size_; ++row)
        if (!missing_(row, j)) copy.points_(row, j) = function(points_(row, j));
    copy.renew_rows();
    return copy;
  }

  // What is left, after this tile, of everything before it: the product of its retentions.
  double decay() const;

 private:
  template <typename Number>
  void append_values(const Number* values, Index count);
  void mark_missing(Index row);
  const double* rows_of_this_thread() const;
  void renew_rows();

  LaneMatrix points_;
  Eigen::ArrayXd rows_;               // without numbers in a tile with columns alone
  std::uint64_t columns_alone_ = 0;   // what tells the points of such a tile from those of any other; 0: it has rows
  Eigen::Array<bool, kTilePoints, Eigen::Dynamic> missing_;
  Eigen::Array<double, kTilePoints, 1> weights_;
  Eigen::Array<double, kTilePoints, 1> retentions_;
  std::vector<Index> incomplete_rows_;
  Index size_ = 0;
  bool plain_ = true;
};

// The half-open range of row numbers whose blocks of kLanes cover the rows [begin, end).
struct LaneRange {
  Index begin, end;
};
inline LaneRange covering_lanes(Index begin, Index end) {
  return {begin / kLanes * kLanes, (end + kLanes - 1) / kLanes * kLanes};
}

}  // namespace emulsion
