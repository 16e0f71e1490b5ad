// How points lie, compiled once for each instruction set.
#include <algorithm>
#include <cassert>
#include <cmath>

#include "emulsion/kernels/kernels.h"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "emulsion/kernels/tile_kernels.cc"
#include "emulsion/kernels/targets.h"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace emulsion::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Few = hn::CappedTag<double, 4>;  // longer vectors would need longer shuffles, and the store is what limits
using FewVector = hn::Vec<Few>;
constexpr std::size_t kSide = hn::MaxLanes(Few());

// A square of kSide rows and columns, turned over its diagonal.
HWY_INLINE void Transpose(FewVector (&square)[kSide]) {
#if HWY_TARGET != HWY_SCALAR
  const Few f64;
  FewVector before[kSide];
  for (std::size_t s = 0; s < kSide; ++s) before[s] = square[s];
  for (std::size_t s = 0; s < kSide; s += 2) {
    square[s] = hn::InterleaveLower(f64, before[s], before[s + 1]);
    square[s + 1] = hn::InterleaveUpper(f64, before[s], before[s + 1]);
  }
#if HWY_TARGET <= HWY_AVX2
  static_assert(kSide == 4);
  FewVector pairs[kSide];
  for (std::size_t s = 0; s < kSide; ++s) pairs[s] = square[s];
  for (std::size_t s = 0; s < 2; ++s) {
    square[s] = hn::ConcatLowerLower(f64, pairs[s + 2], pairs[s]);
    square[s + 2] = hn::ConcatUpperUpper(f64, pairs[s + 2], pairs[s]);
  }
#endif
#else
  (void)square;
#endif
}

// The rows of a square lie `apart` numbers from each other.
HWY_INLINE void LoadSquare(const double* HWY_RESTRICT from, Index apart, FewVector (&square)[kSide]) {
  for (std::size_t s = 0; s < kSide; ++s) square[s] = hn::LoadU(Few(), from + static_cast<Index>(s) * apart);
}
HWY_INLINE void StoreSquare(const FewVector (&square)[kSide], double* HWY_RESTRICT to, Index apart) {
  for (std::size_t s = 0; s < kSide; ++s) hn::StoreU(square[s], Few(), to + static_cast<Index>(s) * apart);
}

bool RowsToColumns(const double* HWY_RESTRICT rows, Index d, Index count, double* HWY_RESTRICT columns) {
  const Few f64;
  auto missing = hn::IsNaN(hn::Zero(f64));
  bool any_missing = false;
  constexpr auto kStep = static_cast<Index>(kSide);
  Index i = 0;
  for (; i + kStep <= count; i += kStep) {
    Index j = 0;
    for (; j + kStep <= d; j += kStep) {
      FewVector square[kSide];
      LoadSquare(rows + i * d + j, d, square);
      for (std::size_t s = 0; s < kSide; ++s) missing = hn::Or(missing, hn::IsNaN(square[s]));
      Transpose(square);
      StoreSquare(square, columns + j * kTilePoints + i, kTilePoints);
    }
    for (; j < d; ++j)
      for (Index s = 0; s < kStep; ++s) {
        const double number = rows[(i + s) * d + j];
        any_missing |= std::isnan(number);
        columns[j * kTilePoints + i + s] = number;
      }
  }
  for (; i < count; ++i)
    for (Index j = 0; j < d; ++j) {
      any_missing |= std::isnan(rows[i * d + j]);
      columns[j * kTilePoints + i] = rows[i * d + j];
    }
  return any_missing || !hn::AllFalse(f64, missing);
}

// Point by point like its inverse, so that what is written lies together.
void ColumnsToRows(const double* HWY_RESTRICT columns, Index d, Index count, double* HWY_RESTRICT rows) {
  constexpr auto kStep = static_cast<Index>(kSide);
  const Index whole_rows = count / kStep * kStep, whole_columns = d / kStep * kStep;
  for (Index i = 0; i < whole_rows; i += kStep)
    for (Index j = 0; j < whole_columns; j += kStep) {
      FewVector square[kSide];
      LoadSquare(columns + j * kTilePoints + i, kTilePoints, square);
      Transpose(square);
      StoreSquare(square, rows + i * d + j, d);
    }
  for (Index i = 0; i < count; ++i)
    for (Index j = i < whole_rows ? whole_columns : 0; j < d; ++j) rows[i * d + j] = columns[j * kTilePoints + i];
}

void GatherToBlocks(const double* HWY_RESTRICT rows, Index d, const std::uint8_t* HWY_RESTRICT numbers, Index count,
                    const double* HWY_RESTRICT place, double* HWY_RESTRICT out) {
  const Few f64;
  constexpr auto kStep = static_cast<Index>(kSide);
  for (Index i = 0; i < count; i += kStep) {
    const double* row[kSide];
    for (Index s = 0; s < kStep; ++s) row[s] = rows + numbers[std::min(i + s, count - 1)] * d;
    double* HWY_RESTRICT to = out + i / kLanes * kLanes * d + i % kLanes;
    Index j = 0;
    for (; j + kStep <= d; j += kStep) {
      const auto at = hn::LoadU(f64, place + j);
      FewVector square[kSide];
      for (std::size_t s = 0; s < kSide; ++s) square[s] = hn::Sub(hn::LoadU(f64, row[s] + j), at);
      Transpose(square);
      StoreSquare(square, to + j * kLanes, kLanes);
    }
    for (; j < d; ++j)
      for (Index s = 0; s < kStep; ++s) to[j * kLanes + s] = row[s][j] - place[j];
  }
}

}  // namespace
}  // namespace emulsion::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace emulsion::kernels {

HWY_EXPORT(RowsToColumns);
HWY_EXPORT(ColumnsToRows);
HWY_EXPORT(GatherToBlocks);

bool rows_to_columns(const double* rows, Index d, Index count, double* columns) {
  return HWY_DYNAMIC_DISPATCH(RowsToColumns)(rows, d, count, columns);
}

void columns_to_rows(const double* columns, Index d, Index count, double* rows) {
  HWY_DYNAMIC_DISPATCH(ColumnsToRows)(columns, d, count, rows);
}

void gather_to_blocks(const double* rows, Index d, const std::uint8_t* numbers, Index count, const double* place, double* out) {
  assert(count > 0);
  HWY_DYNAMIC_DISPATCH(GatherToBlocks)(rows, d, numbers, count, place, out);
}

}  // namespace emulsion::kernels

#endif
