// Weighted sums over the rows of a tile, compiled once for each instruction set.
//
// Rows lie as points here (Tile::rows), and a sum runs over them in their order, so that a row without a share can be left out: what it
// would add is 0.
#include <algorithm>
#include <cassert>
#include <cstdint>

#include "emulsion/kernels/kernels.h"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "emulsion/kernels/statistics_kernels.cc"
#include "emulsion/kernels/targets.h"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "emulsion/kernels/vectors.inc"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace emulsion::kernels::HWY_NAMESPACE {
namespace {

// The room of d numbers in whole vectors.
HWY_INLINE Index Padded(Index d) {
  constexpr Index kStep = kLanesHere > 4 ? kLanesHere : 4;
  return (d + kStep - 1) / kStep * kStep;
}

// Which of up to 64 rows have a share: bit i stands for row i.
HWY_INLINE std::uint64_t RowsWithShare(const double* HWY_RESTRICT shares, Index rows) {
  const Doubles f64;
  std::uint64_t bits = 0;
  for (Index row = 0; row < rows; row += kLanesHere) {
    std::uint8_t lanes[8] = {};
    hn::StoreMaskBits(f64, hn::Gt(hn::LoadU(f64, shares + row), hn::Zero(f64)), lanes);
    bits |= static_cast<std::uint64_t>(lanes[0]) << row;
  }
  return bits;
}

Index CountShares(const double* HWY_RESTRICT shares, Index rows, Index components) {
  Index count = 0;
  for (Index k = 0; k < components; ++k, shares += kTilePoints)
    for (Index first = 0; first < rows; first += 64) count += static_cast<Index>(hwy::PopCount(RowsWithShare(shares + first, 64)));
  return count;
}

// Calls use(row) for every row that has a share, in their order.
template <class Use>
HWY_INLINE void ForEachRow(std::uint64_t bits, const Use& use) {
  if (bits == ~std::uint64_t{0}) {
    for (Index row = 0; row < 64; ++row) use(row);
    return;
  }
  for (; bits != 0; bits &= bits - 1) use(static_cast<Index>(hwy::Num0BitsBelowLS1Bit_Nonzero64(bits)));
}

// --- few dimensions: all products of two coordinates first, then one sum over them for each component ---

// x - centre twice, one behind the other. Writes up to a vector beyond.
HWY_INLINE void Twice(const double* HWY_RESTRICT point, Index d, const double* HWY_RESTRICT centre, double* HWY_RESTRICT out) {
  const Doubles f64;
  for (double* const begin : {out, out + d})
    for (Index j = 0; j < d; j += kLanesHere) hn::StoreU(hn::Sub(hn::LoadU(f64, point + j), hn::LoadU(f64, centre + j)), f64, begin + j);
}

// All products of two coordinates of z, where product_position says; z itself; and 1. Writes up to V vectors beyond.
//   twice  z twice, one behind the other, so that all products of two coordinates that lie as far apart are of two vectors
//   V      vectors that hold z
template <int V>
HWY_INLINE void AllProducts(const double* HWY_RESTRICT twice, Index d, double* HWY_RESTRICT out) {
  const Doubles f64;
  Vector z[V];
  for (int v = 0; v < V; ++v) z[v] = hn::LoadU(f64, twice + v * kLanesHere);
  double* next = out;
  for (Index apart = 0; 2 * apart <= d; ++apart, next += d)
    for (int v = 0; v < V; ++v) hn::StoreU(hn::Mul(z[v], hn::LoadU(f64, twice + apart + v * kLanesHere)), f64, next + v * kLanesHere);
  next = out + d * (d + 1) / 2;
  for (int v = 0; v < V; ++v) hn::StoreU(z[v], f64, next + v * kLanesHere);
  next[d] = 1;
}

// V behind a call.
template <int V = (kProductDimensions + kLanesHere - 1) / kLanesHere>
HWY_INLINE void AllProductsOf(const double* HWY_RESTRICT twice, Index count, Index stride, Index d, Index width, double* HWY_RESTRICT out) {
  if constexpr (V > 1) {
    if (d <= (V - 1) * kLanesHere) return AllProductsOf<V - 1>(twice, count, stride, d, width, out);
  }
  for (Index row = 0; row < count; ++row) AllProducts<V>(twice + row * stride, d, out + row * width);
}

// Adds J vectors of all rows, times their shares, to `sums`. A share of 0 adds 0, which changes nothing.
template <int J>
HWY_INLINE void AddShares(const double* HWY_RESTRICT rows, Index width, const double* HWY_RESTRICT shares, Index count,
                          double* HWY_RESTRICT sums) {
  const Doubles f64;
  constexpr int kRows = J >= 6 ? 1 : J >= 3 ? 2 : 4;  // whose sums are apart, so that an addition need not wait for the one before
  Vector sum[kRows][J];
  for (int r = 0; r < kRows; ++r)
    for (int j = 0; j < J; ++j) sum[r][j] = r == 0 ? hn::LoadU(f64, sums + j * kLanesHere) : hn::Zero(f64);
  Index n = 0;
  for (; n + kRows <= count; n += kRows, rows += kRows * width) {
    HWY_UNROLL(4)
    for (int r = 0; r < kRows; ++r) {
      const Vector share = hn::Set(f64, shares[n + r]);
      HWY_UNROLL(12)
      for (int j = 0; j < J; ++j) sum[r][j] = hn::MulAdd(share, hn::LoadU(f64, rows + r * width + j * kLanesHere), sum[r][j]);
    }
  }
  for (; n < count; ++n, rows += width)
    for (int j = 0; j < J; ++j) sum[0][j] = hn::MulAdd(hn::Set(f64, shares[n]), hn::LoadU(f64, rows + j * kLanesHere), sum[0][j]);
  for (int r = 1; r < kRows; ++r)
    for (int j = 0; j < J; ++j) sum[0][j] = hn::Add(sum[0][j], sum[r][j]);
  for (int j = 0; j < J; ++j) hn::StoreU(sum[0][j], f64, sums + j * kLanesHere);
}

// The same for those rows that `bits` has.
template <int J>
HWY_INLINE void AddSharesOf(std::uint64_t bits, const double* HWY_RESTRICT rows, Index width, const double* HWY_RESTRICT shares,
                            double* HWY_RESTRICT sums) {
  const Doubles f64;
  Vector sum[J];
  HWY_UNROLL(12)
  for (int j = 0; j < J; ++j) sum[j] = hn::LoadU(f64, sums + j * kLanesHere);
  ForEachRow(bits, [&](Index n) HWY_ATTR {
    const double* HWY_RESTRICT row = rows + n * width;
    const Vector share = hn::Set(f64, shares[n]);
    HWY_UNROLL(12)
    for (int j = 0; j < J; ++j) sum[j] = hn::MulAdd(share, hn::LoadU(f64, row + j * kLanesHere), sum[j]);
  });
  HWY_UNROLL(12)
  for (int j = 0; j < J; ++j) hn::StoreU(sum[j], f64, sums + j * kLanesHere);
}

void ProductSums(const double* HWY_RESTRICT point_rows, Index d, Index rows, const double* HWY_RESTRICT centre,
                 const double* HWY_RESTRICT shares, Index components, double* HWY_RESTRICT scratch, double* HWY_RESTRICT sums) {
  const Index padded = Padded(d), width = Padded(1 + d + d * (d + 1) / 2);
  double* const place = scratch;
  std::copy(centre, centre + d, place);
  std::fill(place + d, place + padded, 0.0);
  double* const twice = place + padded;
  double* const products = twice + kRowsAtOnce * 2 * padded + kLanes;
  constexpr Index kAtOnce = 64;  // components for which it is found out first which rows they have
  std::uint64_t with_share[kAtOnce][kTilePoints / 64];
  std::fill(sums, sums + components * width, 0.0);
  // A power of two, so that the rows worked on at once lie in one word of bits.
  Index at_once = kRowsAtOnce;
  while (at_once > kLanes && at_once * width > kCacheNumbers) at_once /= 2;
  for (Index first = 0; first < components; first += kAtOnce) {
    const Index last = std::min(first + kAtOnce, components);
    for (Index k = first; k < last; ++k)
      for (Index word = 0; 64 * word < rows; ++word)
        with_share[k - first][word] = RowsWithShare(shares + k * kTilePoints + 64 * word, 64);
    for (Index begin = 0; begin < rows; begin += at_once) {
      const Index count = std::min(at_once, rows - begin);
      const std::uint64_t mask = ~std::uint64_t{0} >> (64 - count);
      // Apart, as a vector that spans two that have just been written must wait for them.
      for (Index row = 0; row < count; ++row) Twice(point_rows + (begin + row) * d, d, place, twice + row * 2 * padded);
      AllProductsOf(twice, count, 2 * padded, d, width, products);
      for (Index k = first; k < last; ++k) {
        const std::uint64_t bits = with_share[k - first][begin / 64] >> (begin % 64) & mask;
        if (bits == 0) continue;
        const double* const share = shares + k * kTilePoints + begin;
        const bool most = 2 * static_cast<Index>(hwy::PopCount(bits)) > count;
        double* const sum = sums + k * width;
        const auto add = [&](auto vectors, Index j) HWY_ATTR {
          constexpr int J = decltype(vectors)::value;
          if (most)
            AddShares<J>(products + j, width, share, count, sum + j);
          else
            AddSharesOf<J>(bits, products + j, width, share, sum + j);
        };
        Index j = 0;
        for (; j + 12 * kLanesHere <= width; j += 12 * kLanesHere) add(std::integral_constant<int, 12>(), j);
        for (; j + 6 * kLanesHere <= width; j += 6 * kLanesHere) add(std::integral_constant<int, 6>(), j);
        for (; j + 3 * kLanesHere <= width; j += 3 * kLanesHere) add(std::integral_constant<int, 3>(), j);
        if (j + 2 * kLanesHere <= width)
          add(std::integral_constant<int, 2>(), j);
        else if (j < width)
          add(std::integral_constant<int, 1>(), j);
      }
    }
  }
}

// --- many dimensions: the products of a few rows at a time, in registers ---

// A point about a place: `centred` as it is, `shared` times its share.
HWY_INLINE void Centre(const double* HWY_RESTRICT point, Index padded, double its_share, const double* HWY_RESTRICT near,
                       double* HWY_RESTRICT centred, double* HWY_RESTRICT shared) {
  const Doubles f64;
  const Vector share = hn::Set(f64, its_share);
  for (Index j = 0; j < padded; j += kLanesHere) {
    const Vector z = hn::Sub(hn::LoadU(f64, point + j), hn::LoadU(f64, near + j));
    hn::StoreU(z, f64, centred + j);
    hn::StoreU(hn::Mul(share, z), f64, shared + j);
  }
}

// Adds the sum of `count` points to `sums`, J vectors of each.
template <int J>
HWY_INLINE void AddPoints(const double* HWY_RESTRICT points, Index padded, Index count, double* HWY_RESTRICT sums) {
  const Doubles f64;
  Vector sum[J];
  for (int j = 0; j < J; ++j) sum[j] = hn::LoadU(f64, sums + j * kLanesHere);
  for (Index n = 0; n < count; ++n, points += padded)
    for (int j = 0; j < J; ++j) sum[j] = hn::Add(sum[j], hn::LoadU(f64, points + j * kLanesHere));
  for (int j = 0; j < J; ++j) hn::StoreU(sum[j], f64, sums + j * kLanesHere);
}

// Adds sum over n of shared[n][i] * centred[n][j] for I rows i and J vectors j of a square of sums.
template <int I, int J>
HWY_INLINE void AddProducts(const double* HWY_RESTRICT shared, const double* HWY_RESTRICT centred, Index padded, Index count,
                            double* HWY_RESTRICT square) {
  const Doubles f64;
  Vector sums[I][J];
  HWY_UNROLL(4)
  for (int i = 0; i < I; ++i)
    for (int j = 0; j < J; ++j) sums[i][j] = hn::LoadU(f64, square + i * padded + j * kLanesHere);
  for (Index n = 0; n < count; ++n, shared += padded, centred += padded) {
    Vector z[J];
    for (int j = 0; j < J; ++j) z[j] = hn::LoadU(f64, centred + j * kLanesHere);
    HWY_UNROLL(4)
    for (int i = 0; i < I; ++i) {
      const Vector part = hn::Set(f64, shared[i]);
      for (int j = 0; j < J; ++j) sums[i][j] = hn::MulAdd(part, z[j], sums[i][j]);
    }
  }
  HWY_UNROLL(4)
  for (int i = 0; i < I; ++i)
    for (int j = 0; j < J; ++j) hn::StoreU(sums[i][j], f64, square + i * padded + j * kLanesHere);
}

double ScatterSums(const double* HWY_RESTRICT point_rows, Index d, Index rows, const double* HWY_RESTRICT shares, const double* HWY_RESTRICT near,
                   double* HWY_RESTRICT scratch, double* HWY_RESTRICT first, double* HWY_RESTRICT second) {
  const Index padded = Padded(d);
  // Both copies of some rows stay in the first level of the cache.
  const Index at_once = std::clamp<Index>(kCacheNumbers / (2 * padded) / kLanes * kLanes, kLanes, kRowsAtOnce);
  double* const place = scratch;
  double* const sums = place + padded;
  double* const square = sums + padded;
  double* const centred = square + padded * padded;
  double* const shared = centred + at_once * padded;
  std::copy(near, near + d, place);
  std::fill(place + d, place + padded, 0.0);
  std::fill(sums, centred, 0.0);
  double weight = 0;
  Index count = 0;  // of those copied
  const auto add = [&]() HWY_ATTR {
    Index column = 0;
    for (; column + 4 * kLanesHere <= padded; column += 4 * kLanesHere) AddPoints<4>(shared + column, padded, count, sums + column);
    for (; column < padded; column += kLanesHere) AddPoints<1>(shared + column, padded, count, sums + column);
    for (Index i = 0; i < padded; i += 4) {
      double* const line = square + i * padded;
      const Index end = i + 4;  // of the columns that the lower triangle has in these rows
      Index j = 0;
      for (; end - j > 4 * kLanesHere || (end - j > 2 * kLanesHere && end - j <= 3 * kLanesHere); j += 3 * kLanesHere)
        AddProducts<4, 3>(shared + i, centred + j, padded, count, line + j);
      for (; end - j > kLanesHere; j += 2 * kLanesHere) AddProducts<4, 2>(shared + i, centred + j, padded, count, line + j);
      if (j < end) AddProducts<4, 1>(shared + i, centred + j, padded, count, line + j);
    }
    count = 0;
  };
  for (Index begin = 0; begin < rows; begin += 64)
    ForEachRow(RowsWithShare(shares + begin, 64), [&](Index n) HWY_ATTR {
      const Index row = begin + n;
      weight += shares[row];
      Centre(point_rows + row * d, padded, shares[row], place, centred + count * padded, shared + count * padded);
      if (++count == at_once) add();
    });
  if (count > 0) add();
  std::copy(sums, sums + d, first);
  for (Index i = 0; i < d; ++i, second += i) std::copy(square + i * padded, square + i * padded + i + 1, second);
  return weight;
}

// The sums of J vectors of each of some points about a place.
template <int J>
HWY_INLINE void AddSpreads(const double* HWY_RESTRICT points, Index d, const std::uint8_t* HWY_RESTRICT rows, Index count,
                           const double* HWY_RESTRICT shares, const double* HWY_RESTRICT near, double* HWY_RESTRICT first_out,
                           double* HWY_RESTRICT second_out) {
  const Doubles f64;
  Vector first[J], second[J];
  HWY_UNROLL(8)
  for (int j = 0; j < J; ++j) first[j] = second[j] = hn::Zero(f64);
  for (Index n = 0; n < count; ++n) {
    const double* HWY_RESTRICT point = points + rows[n] * d;
    const Vector share = hn::Set(f64, shares[rows[n]]);
    HWY_UNROLL(8)
    for (int j = 0; j < J; ++j) {
      const Vector z = hn::Sub(hn::LoadU(f64, point + j * kLanesHere), hn::LoadU(f64, near + j * kLanesHere));
      const Vector shared = hn::Mul(share, z);
      first[j] = hn::Add(first[j], shared);
      second[j] = hn::MulAdd(shared, z, second[j]);
    }
  }
  for (int j = 0; j < J; ++j) {
    hn::StoreU(first[j], f64, first_out + j * kLanesHere);
    hn::StoreU(second[j], f64, second_out + j * kLanesHere);
  }
}

double SpreadSums(const double* HWY_RESTRICT point_rows, Index d, Index rows, const double* HWY_RESTRICT shares, const double* HWY_RESTRICT near,
                  double* HWY_RESTRICT scratch, double* HWY_RESTRICT first, double* HWY_RESTRICT second) {
  constexpr int kAtOnce = kLanesHere > 4 ? 8 : 4;  // vectors whose sums fit into registers
  const Index padded = Padded(d);
  double* const place = scratch;
  double* const firsts = place + padded;
  double* const seconds = firsts + padded;
  std::copy(near, near + d, place);
  std::fill(place + d, place + padded, 0.0);
  std::uint8_t some[kTilePoints];
  Index count = 0;
  double weight = 0;
  for (Index begin = 0; begin < rows; begin += 64)
    ForEachRow(RowsWithShare(shares + begin, 64), [&](Index n) HWY_ATTR {
      weight += shares[begin + n];
      some[count++] = static_cast<std::uint8_t>(begin + n);
    });
  Index j = 0;
  for (; j + kAtOnce * kLanesHere <= padded; j += kAtOnce * kLanesHere)
    AddSpreads<kAtOnce>(point_rows + j, d, some, count, shares, place + j, firsts + j, seconds + j);
  for (; j + 2 * kLanesHere <= padded; j += 2 * kLanesHere)
    AddSpreads<2>(point_rows + j, d, some, count, shares, place + j, firsts + j, seconds + j);
  for (; j < padded; j += kLanesHere) AddSpreads<1>(point_rows + j, d, some, count, shares, place + j, firsts + j, seconds + j);
  std::copy(firsts, firsts + d, first);
  std::copy(seconds, seconds + d, second);
  return weight;
}

Index PaddedDimension(Index d) { return Padded(d); }

}  // namespace
}  // namespace emulsion::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace emulsion::kernels {

HWY_EXPORT(PaddedDimension);
HWY_EXPORT(CountShares);
HWY_EXPORT(ProductSums);
HWY_EXPORT(ScatterSums);
HWY_EXPORT(SpreadSums);

namespace {

Index padded_dimension(Index d) { return HWY_DYNAMIC_DISPATCH(PaddedDimension)(d); }

}  // namespace

Index product_sums_width(Index d) { return padded_dimension(1 + d + d * (d + 1) / 2); }

Index sums_scratch(Index d) {
  const Index padded = padded_dimension(d);
  const Index of_points = std::max(kCacheNumbers, 2 * kLanes * padded);
  const Index of_products =
      d <= kProductDimensions ? kRowsAtOnce * 2 * padded + std::max(kCacheNumbers, kLanes * product_sums_width(d)) + 2 * kProductDimensions : 0;
  return padded * (padded + 3) + std::max(of_points, of_products) + kLanes;
}

Index count_shares(const double* shares, Index rows, Index components) {
  return HWY_DYNAMIC_DISPATCH(CountShares)(shares, rows, components);
}

void product_sums(const double* point_rows, Index d, Index rows, const double* centre, const double* shares, Index components,
                  double* scratch, double* sums) {
  assert(d <= kProductDimensions);
  HWY_DYNAMIC_DISPATCH(ProductSums)(point_rows, d, rows, centre, shares, components, scratch, sums);
}

double spread_sums(const double* point_rows, Index d, Index rows, const double* shares, const double* near, double* scratch, double* first,
                   double* second) {
  return HWY_DYNAMIC_DISPATCH(SpreadSums)(point_rows, d, rows, shares, near, scratch, first, second);
}

double scatter_sums(const double* point_rows, Index d, Index rows, const double* shares, const double* near, double* scratch, double* first,
                    double* second) {
  return HWY_DYNAMIC_DISPATCH(ScatterSums)(point_rows, d, rows, shares, near, scratch, first, second);
}

}  // namespace emulsion::kernels

#endif
