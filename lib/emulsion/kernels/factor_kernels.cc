// Inverse Cholesky factors of matrices side by side, compiled once for each instruction set.
#include "emulsion/kernels/kernels.h"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "emulsion/kernels/factor_kernels.cc"
#include "emulsion/kernels/targets.h"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "emulsion/kernels/vectors.inc"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace emulsion::kernels::HWY_NAMESPACE {
namespace {

constexpr int kRows = 4;  // that are worked on together, so that no sum has to wait for its own last term

// Where row i of a triangle begins.
constexpr Index RowAt(Index i) { return i * (i + 1) / 2 * kLanes; }

// Entries (i, j) ... (i + R - 1, j) of the factor, from those of the columns before and from the reciprocal of the pivot.
template <int R>
HWY_INLINE void FactorColumn(double* HWY_RESTRICT triangles, Index i, Index j, Vector reciprocal) {
  const Doubles f64;
  const double* HWY_RESTRICT pivot_row = triangles + RowAt(j);
  double* rows[R];
  Vector sum[R];
  for (int r = 0; r < R; ++r) {
    rows[r] = triangles + RowAt(i + r);
    sum[r] = hn::LoadU(f64, rows[r] + j * kLanes);
  }
  for (Index k = 0; k < j * kLanes; k += kLanes) {
    const Vector pivot = hn::LoadU(f64, pivot_row + k);
    for (int r = 0; r < R; ++r) sum[r] = hn::NegMulAdd(hn::LoadU(f64, rows[r] + k), pivot, sum[r]);
  }
  for (int r = 0; r < R; ++r) hn::StoreU(hn::Mul(sum[r], reciprocal), f64, rows[r] + j * kLanes);
}

// Entries (i, j) ... (i, j + C - 1) of the inverse, from row i of the factor and the rows of the inverse above it.
template <int C>
HWY_INLINE void InvertRow(double* HWY_RESTRICT triangles, Index i, Index j, Vector minus_reciprocal) {
  const Doubles f64;
  double* HWY_RESTRICT row = triangles + RowAt(i);
  Vector sum[C];
  for (int c = 0; c < C; ++c) sum[c] = hn::Zero(f64);
  // Row k of the inverse has columns up to k.
  for (int k = 0; k < C - 1; ++k) {
    const Vector factor = hn::LoadU(f64, row + (j + k) * kLanes);
    const double* HWY_RESTRICT above = triangles + RowAt(j + k) + j * kLanes;
    for (int c = 0; c <= k; ++c) sum[c] = hn::MulAdd(factor, hn::LoadU(f64, above + c * kLanes), sum[c]);
  }
  for (Index k = j + C - 1; k < i; ++k) {
    const Vector factor = hn::LoadU(f64, row + k * kLanes);
    const double* HWY_RESTRICT above = triangles + RowAt(k) + j * kLanes;
    for (int c = 0; c < C; ++c) sum[c] = hn::MulAdd(factor, hn::LoadU(f64, above + c * kLanes), sum[c]);
  }
  for (int c = 0; c < C; ++c) hn::StoreU(hn::Mul(sum[c], minus_reciprocal), f64, row + (j + c) * kLanes);
}

// One vector of matrices.
void InvertCholeskyOfSome(double* HWY_RESTRICT triangles, Index d, double* HWY_RESTRICT pivots) {
  const Doubles f64;
  const Vector one = hn::Set(f64, 1.0);
  for (Index j = 0; j < d; ++j) {
    double* HWY_RESTRICT row = triangles + RowAt(j);
    Vector square = hn::LoadU(f64, row + j * kLanes);
    for (Index k = 0; k < j * kLanes; k += kLanes) {
      const Vector entry = hn::LoadU(f64, row + k);
      square = hn::NegMulAdd(entry, entry, square);
    }
    const Vector pivot = hn::Sqrt(square);
    const Vector reciprocal = hn::Div(one, pivot);
    hn::StoreU(pivot, f64, pivots + j * kLanes);
    hn::StoreU(reciprocal, f64, row + j * kLanes);
    Index i = j + 1;
    for (; i + kRows <= d; i += kRows) FactorColumn<kRows>(triangles, i, j, reciprocal);
    for (; i < d; ++i) FactorColumn<1>(triangles, i, j, reciprocal);
  }
  // The diagonal is inverted already. Each entry needs those of the factor to its right, which are still there.
  for (Index i = 1; i < d; ++i) {
    const Vector minus_reciprocal = hn::Neg(hn::LoadU(f64, triangles + RowAt(i) + i * kLanes));
    Index j = 0;
    for (; j + kRows <= i; j += kRows) InvertRow<kRows>(triangles, i, j, minus_reciprocal);
    switch (i - j) {
      case 3:
        InvertRow<3>(triangles, i, j, minus_reciprocal);
        break;
      case 2:
        InvertRow<2>(triangles, i, j, minus_reciprocal);
        break;
      case 1:
        InvertRow<1>(triangles, i, j, minus_reciprocal);
        break;
    }
  }
}

void InvertCholesky(double* HWY_RESTRICT triangles, Index d, Index count, double* HWY_RESTRICT pivots) {
  for (Index lane = 0; lane < count; lane += kLanesHere) InvertCholeskyOfSome(triangles + lane, d, pivots + lane);
}

}  // namespace
}  // namespace emulsion::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace emulsion::kernels {

HWY_EXPORT(InvertCholesky);

void invert_cholesky(double* triangles, Index d, Index count, double* pivots) {
  HWY_DYNAMIC_DISPATCH(InvertCholesky)(triangles, d, count, pivots);
}

}  // namespace emulsion::kernels

#endif
