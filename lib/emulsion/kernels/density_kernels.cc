// Log densities, compiled once for each instruction set.
#include "emulsion/kernels/kernels.h"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "emulsion/kernels/density_kernels.cc"
#include "emulsion/kernels/targets.h"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "emulsion/kernels/vectors.inc"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace emulsion::kernels::HWY_NAMESPACE {
namespace {

// Where the first coordinate of a row lies among points in blocks; the next one is kLanes further.
HWY_INLINE Index InBlocks(Index row, Index d) { return row / kLanes * kLanes * d + row % kLanes; }

void ShiftToBlocks(const double* HWY_RESTRICT points, Index d, const double* HWY_RESTRICT centre, LaneRange rows, double* HWY_RESTRICT out) {
  const Doubles f64;
  for (Index j = 0; j < d; ++j) {
    const Vector at = hn::Set(f64, centre[j]);
    const double* HWY_RESTRICT column = points + j * kTilePoints;
    double* HWY_RESTRICT block = out + InBlocks(rows.begin, d) + j * kLanes;
    for (Index row = rows.begin; row < rows.end; row += kLanes, block += kLanes * d)
      for (Index lane = 0; lane < kLanes; lane += kLanesHere)
        hn::StoreU(hn::Sub(hn::LoadU(f64, column + row + lane), at), f64, block + lane);
  }
}

// Adds the squares of C consecutive coordinates of offset + factor x to `sum`. `before` coordinates of x come before them.
template <int C, int M>
HWY_INLINE const double* AddSquares(const double* const (&x)[M], Index before, const double* HWY_RESTRICT packed, Vector (&sum)[M]) {
  const Doubles f64;
  Vector y[C][M];
  HWY_UNROLL(4)
  for (int c = 0; c < C; ++c)
    for (int m = 0; m < M; ++m) y[c][m] = hn::Set(f64, packed[c]);
  packed += C;
  Index at_j = 0;
  for (Index j = 0; j < before; ++j, packed += C, at_j += kLanes) {
    Vector at[M];
    for (int m = 0; m < M; ++m) at[m] = hn::LoadU(f64, x[m] + at_j);
    HWY_UNROLL(4)
    for (int c = 0; c < C; ++c) {
      const Vector factor = hn::Set(f64, packed[c]);
      for (int m = 0; m < M; ++m) y[c][m] = hn::MulAdd(factor, at[m], y[c][m]);
    }
  }
  HWY_UNROLL(4)
  for (int j = 0; j < C; ++j, at_j += kLanes) {
    Vector at[M];
    for (int m = 0; m < M; ++m) at[m] = hn::LoadU(f64, x[m] + at_j);
    HWY_UNROLL(4)
    for (int c = j; c < C; ++c, ++packed) {
      const Vector factor = hn::Set(f64, *packed);
      for (int m = 0; m < M; ++m) y[c][m] = hn::MulAdd(factor, at[m], y[c][m]);
    }
  }
  HWY_UNROLL(4)
  for (int c = 0; c < C; ++c)
    for (int m = 0; m < M; ++m) sum[m] = hn::MulAdd(y[c][m], y[c][m], sum[m]);
  return packed;
}

// M vectors of rows.
//   Rest  coordinates behind the last whole block of kFactorBlock
template <int Rest, int M>
HWY_INLINE void AffineRows(const double* HWY_RESTRICT blocks, Index d, const double* HWY_RESTRICT packed, double scale, double constant,
                           Index row, double* HWY_RESTRICT out) {
  const Doubles f64;
  const Index whole = d - Rest;
  Vector sum[M];
  const double* x[M];
  for (int m = 0; m < M; ++m) {
    sum[m] = hn::Zero(f64);
    x[m] = blocks + InBlocks(row + m * kLanesHere, d);
  }
  for (Index before = 0; before < whole; before += kFactorBlock) packed = AddSquares<kFactorBlock, M>(x, before, packed, sum);
  if constexpr (Rest > 0) AddSquares<Rest, M>(x, whole, packed, sum);
  for (int m = 0; m < M; ++m)
    hn::StoreU(hn::MulAdd(hn::Set(f64, scale), sum[m], hn::Set(f64, constant)), f64, out + row + m * kLanesHere);
}

template <int Rest>
void AffineDistances(const double* HWY_RESTRICT blocks, Index d, const double* HWY_RESTRICT packed, double scale, double constant,
                     LaneRange rows, double* HWY_RESTRICT out) {
  constexpr int M = 2;
  Index row = rows.begin;
  for (; row + M * kLanesHere <= rows.end; row += M * kLanesHere) AffineRows<Rest, M>(blocks, d, packed, scale, constant, row, out);
  for (; row < rows.end; row += kLanesHere) AffineRows<Rest, 1>(blocks, d, packed, scale, constant, row, out);
}

void AffineDistancesOf(const double* blocks, Index d, const double* packed, double scale, double constant, LaneRange rows, double* out) {
  static_assert(kFactorBlock == 4);
  switch (d % kFactorBlock) {
    case 0:
      return AffineDistances<0>(blocks, d, packed, scale, constant, rows, out);
    case 1:
      return AffineDistances<1>(blocks, d, packed, scale, constant, rows, out);
    case 2:
      return AffineDistances<2>(blocks, d, packed, scale, constant, rows, out);
    default:
      return AffineDistances<3>(blocks, d, packed, scale, constant, rows, out);
  }
}

// M vectors of rows for C components.
template <int C, int M>
HWY_INLINE void DiagonalRows(const double* HWY_RESTRICT blocks, Index d, const double* HWY_RESTRICT packed, double scale,
                             const double* HWY_RESTRICT constants, Index row, double* HWY_RESTRICT out) {
  const Doubles f64;
  const double* x[M];
  for (int m = 0; m < M; ++m) x[m] = blocks + InBlocks(row + m * kLanesHere, d);
  Vector sum[C][M];
  for (int c = 0; c < C; ++c)
    for (int m = 0; m < M; ++m) sum[c][m] = hn::Zero(f64);
  for (Index j = 0; j < d; ++j, packed += 2) {
    Vector at[M];
    for (int m = 0; m < M; ++m) at[m] = hn::LoadU(f64, x[m] + j * kLanes);
    for (int c = 0; c < C; ++c) {
      const Vector factor = hn::Set(f64, packed[2 * d * c]);
      const Vector offset = hn::Set(f64, packed[2 * d * c + 1]);
      for (int m = 0; m < M; ++m) {
        const Vector y = hn::MulAdd(factor, at[m], offset);
        sum[c][m] = hn::MulAdd(y, y, sum[c][m]);
      }
    }
  }
  for (int c = 0; c < C; ++c)
    for (int m = 0; m < M; ++m)
      hn::StoreU(hn::MulAdd(hn::Set(f64, scale), sum[c][m], hn::Set(f64, constants[c])), f64, out + c * kTilePoints + row + m * kLanesHere);
}

// M vectors of rows for all components.
template <int M>
HWY_INLINE void DiagonalRowsOfAll(const double* HWY_RESTRICT blocks, Index d, const double* HWY_RESTRICT packed, Index components,
                                  double scale, const double* HWY_RESTRICT constants, Index row, double* HWY_RESTRICT out) {
  constexpr int C = kLanesHere == 8 ? 4 : 2;  // whose sums fit into registers
  Index k = 0;
  for (; k + C <= components; k += C) DiagonalRows<C, M>(blocks, d, packed + 2 * d * k, scale, constants + k, row, out + k * kTilePoints);
  for (; k < components; ++k) DiagonalRows<1, M>(blocks, d, packed + 2 * d * k, scale, constants + k, row, out + k * kTilePoints);
}

// Some rows for all components, so that the rows stay in the first level of the cache.
void DiagonalDistances(const double* HWY_RESTRICT blocks, Index d, const double* HWY_RESTRICT packed, Index components, double scale,
                       const double* HWY_RESTRICT constants, LaneRange rows, double* HWY_RESTRICT out) {
  constexpr int M = 4;
  Index row = rows.begin;
  for (; row + M * kLanesHere <= rows.end; row += M * kLanesHere)
    DiagonalRowsOfAll<M>(blocks, d, packed, components, scale, constants, row, out);
  for (; row < rows.end; row += kLanesHere) DiagonalRowsOfAll<1>(blocks, d, packed, components, scale, constants, row, out);
}

}  // namespace
}  // namespace emulsion::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace emulsion::kernels {

HWY_EXPORT(ShiftToBlocks);
HWY_EXPORT(AffineDistancesOf);
HWY_EXPORT(DiagonalDistances);

void shift_to_blocks(const double* points, Index d, const double* centre, LaneRange rows, double* out) {
  HWY_DYNAMIC_DISPATCH(ShiftToBlocks)(points, d, centre, rows, out);
}

void pack_affine(const double* factor, Index d, const double* offset, double* packed) {
  for (Index block = 0; block < d; block += kFactorBlock) {
    const Index end = std::min(block + kFactorBlock, d);
    packed = std::copy(offset + block, offset + end, packed);
    for (Index j = 0; j < end; ++j)
      for (Index i = std::max(block, j); i < end; ++i) *packed++ = factor[i * (i + 1) / 2 + j];
  }
}

void affine_distances(const double* blocks, Index d, const double* packed, double scale, double constant, LaneRange rows, double* out) {
  HWY_DYNAMIC_DISPATCH(AffineDistancesOf)(blocks, d, packed, scale, constant, rows, out);
}

void diagonal_distances(const double* blocks, Index d, const double* packed, Index components, double scale, const double* constants,
                        LaneRange rows, double* out) {
  HWY_DYNAMIC_DISPATCH(DiagonalDistances)(blocks, d, packed, components, scale, constants, rows, out);
}

}  // namespace emulsion::kernels

#endif
