// Weighted sums over the rows of a tile, lane by lane, compiled once for each instruction set.
//
// Every lane sums up rows of its own, and the lanes are added at the end. A block of rows without a share can be left out: what it
// would add is 0.
#include <algorithm>
#include <cassert>
#include <cstdint>
#include <type_traits>

#include "emulsion/kernels/kernels.h"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "emulsion/kernels/lane_sums_kernels.cc"
#include "emulsion/kernels/targets.h"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "emulsion/kernels/vectors.inc"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace emulsion::kernels::HWY_NAMESPACE {
namespace {

// Some blocks of a tile, in their order.
struct Blocks {
  std::uint8_t numbers[kTilePoints / kLanes];
  Index count;
};

// Those that hold the first rows.
HWY_INLINE Blocks BlocksOf(Index rows) {
  Blocks blocks;
  blocks.count = (rows + kLanes - 1) / kLanes;
  for (Index block = 0; block < blocks.count; ++block) blocks.numbers[block] = static_cast<std::uint8_t>(block);
  return blocks;
}

// Those of them that have a row with a share.
HWY_INLINE Blocks BlocksWithShare(const Blocks& among, const double* HWY_RESTRICT shares) {
  const Doubles f64;
  Blocks found;
  found.count = 0;
  for (Index n = 0; n < among.count; ++n) {
    const double* HWY_RESTRICT share = shares + among.numbers[n] * kLanes;
    auto any = hn::Gt(hn::LoadU(f64, share), hn::Zero(f64));
    for (Index lane = kLanesHere; lane < kLanes; lane += kLanesHere) any = hn::Or(any, hn::Gt(hn::LoadU(f64, share + lane), hn::Zero(f64)));
    found.numbers[found.count] = among.numbers[n];
    found.count += !hn::AllFalse(f64, any);
  }
  return found;
}

HWY_INLINE double SumOfShares(const Blocks& blocks, const double* HWY_RESTRICT shares) {
  const Doubles f64;
  Vector sum[2] = {hn::Zero(f64), hn::Zero(f64)};
  for (Index row = 0; row < blocks.count * kLanes; row += kLanes)
    for (Index lane = 0; lane < kLanes; lane += kLanesHere)
      sum[lane / kLanesHere % 2] = hn::Add(sum[lane / kLanesHere % 2], hn::LoadU(f64, shares + row + lane));
  return SumOf(hn::Add(sum[0], sum[1]));
}

// The sums for one component of x_i and of x_i x_j for Begin <= i < End and all j <= i.
template <int Begin, int End>
HWY_INLINE void BlockProducts(const double* HWY_RESTRICT points, Index d, const double* HWY_RESTRICT shares, const Blocks& blocks,
                              double* HWY_RESTRICT sums) {
  constexpr int kBefore = Begin * (Begin + 1) / 2;
  constexpr int kPairs = End * (End + 1) / 2 - kBefore;
  const Doubles f64;
  Vector first[End - Begin], second[kPairs];
  HWY_UNROLL(8)
  for (int i = 0; i < End - Begin; ++i) first[i] = hn::Zero(f64);
  HWY_UNROLL(16)
  for (int pair = 0; pair < kPairs; ++pair) second[pair] = hn::Zero(f64);
  for (Index n = 0; n < blocks.count; ++n) {
    const Index block = blocks.numbers[n];
    const double* HWY_RESTRICT x = points + block * kLanes * d;
    const double* HWY_RESTRICT share = shares + block * kLanes;
    HWY_UNROLL(4)
    for (Index lane = 0; lane < kLanes; lane += kLanesHere) {
      const Vector part = hn::LoadU(f64, share + lane);
      int pair = 0;
      HWY_UNROLL(8)
      for (int i = Begin; i < End; ++i) {
        const Vector shared = hn::Mul(part, hn::LoadU(f64, x + i * kLanes + lane));
        first[i - Begin] = hn::Add(first[i - Begin], shared);
        HWY_UNROLL(8)
        for (int j = 0; j <= i; ++j, ++pair) second[pair] = hn::MulAdd(shared, hn::LoadU(f64, x + j * kLanes + lane), second[pair]);
      }
    }
  }
  for (int i = Begin; i < End; ++i) sums[1 + i] = SumOf(first[i - Begin]);
  for (int pair = 0; pair < kPairs; ++pair) sums[1 + d + kBefore + pair] = SumOf(second[pair]);
}

// In parts whose sums fit into registers.
template <int D>
void BlockProductSums(const double* HWY_RESTRICT points, Index rows, const double* HWY_RESTRICT shares, Index components,
                      double* HWY_RESTRICT sums) {
  const Blocks all = BlocksOf(rows);
  for (Index k = 0; k < components; ++k, shares += kTilePoints, sums += 1 + D + D * (D + 1) / 2) {
    const Blocks some = D <= 4 ? all : BlocksWithShare(all, shares);  // one part alone takes no longer than finding out
    sums[0] = SumOfShares(all, shares);
    BlockProducts<0, std::min(D, 4)>(points, D, shares, some, sums);
    if constexpr (D > 4) BlockProducts<4, std::min(D, 6)>(points, D, shares, some, sums);
    if constexpr (D > 6) BlockProducts<6, 7>(points, D, shares, some, sums);
    if constexpr (D > 7) BlockProducts<7, 8>(points, D, shares, some, sums);
  }
}

void BlockProductSumsOf(const double* points, Index d, Index rows, const double* shares, Index components, double* sums) {
  static_assert(kBlockProductDimensions == 8);
  switch (d) {
    case 1:
      return BlockProductSums<1>(points, rows, shares, components, sums);
    case 2:
      return BlockProductSums<2>(points, rows, shares, components, sums);
    case 3:
      return BlockProductSums<3>(points, rows, shares, components, sums);
    case 4:
      return BlockProductSums<4>(points, rows, shares, components, sums);
    case 5:
      return BlockProductSums<5>(points, rows, shares, components, sums);
    case 6:
      return BlockProductSums<6>(points, rows, shares, components, sums);
    case 7:
      return BlockProductSums<7>(points, rows, shares, components, sums);
    default:
      return BlockProductSums<8>(points, rows, shares, components, sums);
  }
}

// The sums for one component of C coordinates, which alone are in the blocks, and of their squares.
template <int C>
HWY_INLINE void AddSquares(const double* HWY_RESTRICT points, const double* HWY_RESTRICT shares, const Blocks& blocks,
                           double* HWY_RESTRICT first_out, double* HWY_RESTRICT second_out) {
  const Doubles f64;
  Vector first[C], second[C];
  HWY_UNROLL(8)
  for (int c = 0; c < C; ++c) first[c] = second[c] = hn::Zero(f64);
  for (Index n = 0; n < blocks.count; ++n) {
    const Index block = blocks.numbers[n];
    const double* HWY_RESTRICT x = points + block * C * kLanes;
    const double* HWY_RESTRICT share = shares + block * kLanes;
    HWY_UNROLL(4)
    for (Index lane = 0; lane < kLanes; lane += kLanesHere) {
      const Vector part = hn::LoadU(f64, share + lane);
      HWY_UNROLL(8)
      for (int c = 0; c < C; ++c) {
        const Vector at = hn::LoadU(f64, x + c * kLanes + lane);
        const Vector shared = hn::Mul(part, at);
        first[c] = hn::Add(first[c], shared);
        second[c] = hn::MulAdd(shared, at, second[c]);
      }
    }
  }
  for (int c = 0; c < C; ++c) {
    first_out[c] = SumOf(first[c]);
    second_out[c] = SumOf(second[c]);
  }
}

// A few coordinates for all components, so that they stay in the first level of the cache. (Blocks of all coordinates would be
// as far apart as a power of two where d is one, and push each other out.)
void SquareSums(const double* HWY_RESTRICT points, Index d, const double* HWY_RESTRICT centre, Index rows,
                const double* HWY_RESTRICT shares, Index components, double* HWY_RESTRICT sums) {
  constexpr Index kAtOnce = 64;  // components for which it is found out first which blocks they have
  constexpr int kCoordinates = 4;
  HWY_ALIGN double chunk[kCoordinates * kTilePoints];
  const Index width = 1 + 2 * d;
  const Blocks all = BlocksOf(rows);
  Blocks some[kAtOnce];
  for (Index begin = 0; begin < components; begin += kAtOnce, shares += kAtOnce * kTilePoints, sums += kAtOnce * width) {
    const Index count = std::min(kAtOnce, components - begin);
    for (Index k = 0; k < count; ++k) {
      some[k] = d <= 8 ? all : BlocksWithShare(all, shares + k * kTilePoints);
      sums[k * width] = SumOfShares(all, shares + k * kTilePoints);
    }
    const auto add = [&](auto coordinates, Index j) HWY_ATTR {
      constexpr int C = decltype(coordinates)::value;
      shift_to_blocks(points + j * kTilePoints, C, centre + j, {0, all.count * kLanes}, chunk);
      for (Index k = 0; k < count; ++k)
        AddSquares<C>(chunk, shares + k * kTilePoints, some[k], sums + k * width + 1 + j, sums + k * width + 1 + d + j);
    };
    Index j = 0;
    for (; j + 4 <= d; j += 4) add(std::integral_constant<int, 4>(), j);
    if (j + 2 <= d) {
      add(std::integral_constant<int, 2>(), j);
      j += 2;
    }
    if (j < d) add(std::integral_constant<int, 1>(), j);
  }
}

// --- the moments of one coordinate ---

// In pairs of vectors, so that an addition need not wait for the one before.
template <bool Weighted>
HWY_INLINE void ColumnMoments(const double* HWY_RESTRICT column, Index rows, const double* HWY_RESTRICT weights, double origin,
                              Moments& moments) {
  const Doubles f64;
  const Vector from = hn::Set(f64, origin);
  Vector first[2], second[2], lowest[2], highest[2];
  for (int m = 0; m < 2; ++m) {
    first[m] = second[m] = hn::Zero(f64);
    lowest[m] = highest[m] = from;
  }
  const auto add = [&](int m, Vector x, Vector weight) HWY_ATTR {
    lowest[m] = hn::Min(lowest[m], x);
    highest[m] = hn::Max(highest[m], x);
    const Vector about = hn::Sub(x, from);
    const Vector shared = Weighted ? hn::Mul(weight, about) : about;
    first[m] = hn::Add(first[m], shared);
    second[m] = hn::MulAdd(shared, about, second[m]);
  };
  const auto weight_at = [&](Index row) HWY_ATTR { return Weighted ? hn::LoadU(f64, weights + row) : hn::Zero(f64); };
  Index row = 0;
  for (; row + 2 * kLanesHere <= rows; row += 2 * kLanesHere) {
    add(0, hn::LoadU(f64, column + row), weight_at(row));
    add(1, hn::LoadU(f64, column + row + kLanesHere), weight_at(row + kLanesHere));
  }
  for (; row < rows; row += kLanesHere) {
    const auto there = hn::FirstN(f64, static_cast<std::size_t>(std::min(rows - row, kLanesHere)));
    add(0, hn::IfThenElse(there, hn::LoadU(f64, column + row), from), hn::IfThenElseZero(there, weight_at(row)));
  }
  moments = {SumOf(hn::Add(first[0], first[1])), SumOf(hn::Add(second[0], second[1])), hn::GetLane(hn::MinOfLanes(f64, hn::Min(lowest[0], lowest[1]))),
             hn::GetLane(hn::MaxOfLanes(f64, hn::Max(highest[0], highest[1])))};
}

void ColumnMomentsOf(const double* column, Index rows, const double* weights, double origin, Moments& moments) {
  if (weights == nullptr)
    ColumnMoments<false>(column, rows, weights, origin, moments);
  else
    ColumnMoments<true>(column, rows, weights, origin, moments);
}

// In four vectors, so that an addition need not wait for the one before.
template <bool Weighted>
HWY_INLINE double WeightedSum(const double* HWY_RESTRICT values, Index count, const double* HWY_RESTRICT weights) {
  const Doubles f64;
  constexpr Index kVectors = 4;
  Vector sum[kVectors];
  for (Index v = 0; v < kVectors; ++v) sum[v] = hn::Zero(f64);
  const auto add = [&](Index v, Index at) HWY_ATTR {
    const Vector value = hn::LoadU(f64, values + at);
    sum[v] = Weighted ? hn::MulAdd(value, hn::LoadU(f64, weights + at), sum[v]) : hn::Add(sum[v], value);
  };
  Index at = 0;
  for (; at + kVectors * kLanesHere <= count; at += kVectors * kLanesHere)
    for (Index v = 0; v < kVectors; ++v) add(v, at + v * kLanesHere);
  for (; at + kLanesHere <= count; at += kLanesHere) add(0, at);
  double total = SumOf(hn::Add(hn::Add(sum[0], sum[1]), hn::Add(sum[2], sum[3])));
  for (; at < count; ++at) total += Weighted ? values[at] * weights[at] : values[at];
  return total;
}

double WeightedSumOf(const double* values, Index count, const double* weights) {
  return weights == nullptr ? WeightedSum<false>(values, count, weights) : WeightedSum<true>(values, count, weights);
}

}  // namespace
}  // namespace emulsion::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace emulsion::kernels {

HWY_EXPORT(BlockProductSumsOf);
HWY_EXPORT(ColumnMomentsOf);
HWY_EXPORT(SquareSums);
HWY_EXPORT(WeightedSumOf);

void block_product_sums(const double* blocks, Index d, Index rows, const double* shares, Index components, double* sums) {
  assert(d <= kBlockProductDimensions && rows > 0);
  HWY_DYNAMIC_DISPATCH(BlockProductSumsOf)(blocks, d, rows, shares, components, sums);
}

void square_sums(const double* points, Index d, const double* centre, Index rows, const double* shares, Index components, double* sums) {
  assert(rows > 0);
  HWY_DYNAMIC_DISPATCH(SquareSums)(points, d, centre, rows, shares, components, sums);
}

Moments column_moments(const double* column, Index rows, const double* weights, double origin) {
  Moments moments;
  HWY_DYNAMIC_DISPATCH(ColumnMomentsOf)(column, rows, weights, origin, moments);
  return moments;
}

double weighted_sum(const double* values, Index count, const double* weights) {
  return HWY_DYNAMIC_DISPATCH(WeightedSumOf)(values, count, weights);
}

}  // namespace emulsion::kernels

#endif
