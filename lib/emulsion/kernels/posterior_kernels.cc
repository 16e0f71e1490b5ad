// Posterior probabilities, compiled once for each instruction set.
#include <algorithm>
#include <cassert>
#include <vector>

#include "emulsion/kernels/kernels.h"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "emulsion/kernels/posterior_kernels.cc"
#include "emulsion/kernels/targets.h"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "emulsion/kernels/vectors.inc"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace emulsion::kernels::HWY_NAMESPACE {
namespace {

constexpr Index M = kLanes / kLanesHere;  // vectors of a block of kLanes rows

// e^x for x in [-700, 0], to the last bit or the one before; anything for other x.
//
// x = n log(2) / S + r with |r| <= log(2) / 2 S, so e^x = 2^(n / S) e^r. Polynomials are those of least relative error over that range
// (Remez), with an error below 4e-18. Where a register holds the eight numbers 2^(i / 8), S = 8 and e^r is short; else S = 1. Highway has
// an exponential of its own, which also takes care of what does not matter here, and takes half as long again.
#if HWY_TARGET <= HWY_AVX3
constexpr int kStepsOfPower = 8;
#else
constexpr int kStepsOfPower = 1;
#endif
// log(2) / S in two parts, the first so short that its product with n is exact.
constexpr double kStepHigh = (kStepsOfPower == 8 ? 0x1.62e42fefp-1 : 0x1.62e42feep-1) / kStepsOfPower;
constexpr double kStepLow = (kStepsOfPower == 8 ? 0x1.473de6af278edp-34 : 0x1.a39ef35793c76p-33) / kStepsOfPower;

HWY_INLINE Vector ExpOfNegative(Vector x) {
  const Doubles f64;
  const hn::RebindToSigned<Doubles> i64;
  // Added to a number of less than 2^51, it leaves the nearest integer in the lowest bits.
  const Vector shift = hn::Set(f64, 0x1.8p52);
  const Vector shifted = hn::MulAdd(x, hn::Set(f64, kStepsOfPower * 1.4426950408889634), shift);
  const Vector n = hn::Sub(shifted, shift);
  const auto bits = hn::BitCast(i64, shifted);
  const Vector r = hn::NegMulAdd(n, hn::Set(f64, kStepLow), hn::NegMulAdd(n, hn::Set(f64, kStepHigh), x));
  // In pairs of terms, then pairs of pairs (Estrin), as a long chain of additions would make each wait for the one before.
  const auto pair = [&](double low, double high) HWY_ATTR { return hn::MulAdd(hn::Set(f64, high), r, hn::Set(f64, low)); };
  const Vector r2 = hn::Mul(r, r), r4 = hn::Mul(r2, r2);
#if HWY_TARGET <= HWY_AVX3
  // 2^(i / 8) without what the lowest three bits of n add to its exponent.
  HWY_ALIGN static constexpr std::int64_t kPowers[8] = {0x3ff0000000000000, 0x3fef72b83c7d517b, 0x3fef06fe0a31b715, 0x3feebfdad5362a27,
                                                        0x3feea09e667f3bcd, 0x3feeace5422aa0db, 0x3feee89f995ad3ad, 0x3fef5818dcfba487};
  const auto power = hn::TableLookupLanes(hn::Load(i64, kPowers), hn::IndicesFromVec(i64, hn::And(bits, hn::Set(i64, 7))));
  const Vector scale = hn::BitCast(f64, hn::Add(power, hn::ShiftLeft<49>(bits)));
  const Vector terms_2 = hn::MulAdd(pair(0x1.555555480ec44p-5, 0x1.11111125d8883p-7), r2, pair(0x1.000000000010bp-1, 0x1.5555555555131p-3));
  const Vector terms = hn::MulAdd(pair(0x1.6c1cbd7ecc1e4p-10, 0x1.a01639cd65015p-13), r4, terms_2);
  return hn::MulAdd(scale, hn::MulAdd(terms, r2, r), scale);
#else
  const Vector terms_2 = hn::MulAdd(pair(0x1.555555555087cp-5, 0x1.1111111127be7p-7), r2, pair(0x1.000000000000ap-1, 0x1.55555555554fap-3));
  const Vector terms_6 = hn::MulAdd(pair(0x1.a0199a0c6051fp-16, 0x1.71df255414fb1p-19), r2, pair(0x1.6c16c1842a146p-10, 0x1.a01a012a56eaep-13));
  const Vector terms_10 = hn::MulAdd(pair(0x1.28ad72d2ab832p-22, 0x1.ad7f6bf64127dp-26), r4, terms_6);
  const Vector series = hn::MulAdd(hn::MulAdd(terms_10, r4, terms_2), r2, hn::Add(r, hn::Set(f64, 1.0)));
  return hn::BitCast(f64, hn::Add(hn::BitCast(i64, series), hn::ShiftLeft<52>(bits)));
#endif
}

// log x and 1 / x for x in [1, 2^50], by one division, as divisions take longest.
//
// x = 2^n m with m in [sqrt(1/2), sqrt(2)], and log m = 2 artanh z = 2 z + z^3 s(z^2) with z = (m - 1) / (m + 1); s is the polynomial of
// least error of log m over that range (Remez), which is below 3e-19.
struct LogAndReciprocal {
  Vector log, reciprocal;
};
HWY_INLINE LogAndReciprocal LogAndReciprocalOf(Vector x) {
  const Doubles f64;
  const hn::RebindToUnsigned<Doubles> u64;
  const Vector one = hn::Set(f64, 1.0), lowest_integer = hn::Set(f64, 0x1p52);
  const auto bits = hn::BitCast(u64, x);
  const auto exponent = hn::ShiftRight<52>(hn::Sub(bits, hn::Set(u64, 0x3fe6a09e667f3bcd)));  // sqrt(1/2)
  const Vector m = hn::BitCast(f64, hn::Sub(bits, hn::ShiftLeft<52>(exponent)));
  const Vector n = hn::Sub(hn::BitCast(f64, hn::Or(exponent, hn::BitCast(u64, lowest_integer))), lowest_integer);

  const Vector above = hn::Add(m, one);
  const Vector quotient = hn::Div(one, hn::Mul(x, above));
  const Vector z = hn::Mul(hn::Sub(m, one), hn::Mul(x, quotient));
  const Vector z2 = hn::Mul(z, z), z4 = hn::Mul(z2, z2);
  const auto pair = [&](double low, double high) HWY_ATTR { return hn::MulAdd(hn::Set(f64, high), z2, hn::Set(f64, low)); };
  const Vector terms_0 = hn::MulAdd(pair(0x1.2492494f3816ap-2, 0x1.c71c4894ca02fp-3), z4, pair(0x1.55555555555d7p-1, 0x1.999999996e003p-2));
  const Vector terms_4 = hn::MulAdd(hn::Set(f64, 0x1.3087b732c9f1cp-3), z4, pair(0x1.7467fdd584014p-3, 0x1.397871bd8b750p-3));
  const Vector terms = hn::MulAdd(terms_4, hn::Mul(z4, z4), terms_0);
  const Vector log_m = hn::MulAdd(hn::Mul(terms, z2), z, hn::Add(z, z));
  return {hn::MulAdd(n, hn::Set(f64, 0x1.62e42fefa39efp-1), log_m), hn::Mul(quotient, above)};
}

// The larger one; `low` where x is no number.
HWY_INLINE Vector AtLeast(Vector low, Vector x) {
#if HWY_ARCH_X86
  return hn::Max(x, low);  // the processor gives the second one then
#else
  return hn::IfThenElse(hn::Gt(x, low), x, low);
#endif
}

// Some components, in ascending order; the others count as having no density.
struct Listed {
  const std::int32_t* components;
  Index count;
};

// Adds the logarithms of the weights. Sets the highest of each row, and its component.
HWY_INLINE void Join(double* HWY_RESTRICT joint, const double* HWY_RESTRICT log_weights, double lowest, LaneRange rows, Listed listed,
                     double* HWY_RESTRICT highest_out, std::int32_t* HWY_RESTRICT best_out) {
  const Doubles f64;
  const hn::Rebind<std::int32_t, Doubles> i32;
  const Vector low = hn::Set(f64, lowest);
  for (Index row = rows.begin; row < rows.end; row += kLanes) {
    Vector highest[M], best[M];
    for (Index m = 0; m < M; ++m) {
      highest[m] = low;
      best[m] = hn::Zero(f64);
    }
    for (Index n = 0; n < listed.count; ++n) {
      const Index k = listed.components[n];
      const Vector log_weight = hn::Set(f64, log_weights[k]);
      const Vector number = hn::Set(f64, static_cast<double>(k));
      for (Index m = 0; m < M; ++m) {
        double* const place = joint + k * kTilePoints + row + m * kLanesHere;
        const Vector value = AtLeast(low, hn::Add(hn::LoadU(f64, place), log_weight));
        hn::StoreU(value, f64, place);
        best[m] = hn::IfThenElse(hn::Gt(value, highest[m]), number, best[m]);
        highest[m] = hn::Max(value, highest[m]);
      }
    }
    for (Index m = 0; m < M; ++m) {
      hn::StoreU(highest[m], f64, highest_out + row + m * kLanesHere);
      hn::StoreU(hn::DemoteTo(i32, best[m]), i32, best_out + row + m * kLanesHere);
    }
  }
}

// Makes the densities relative to the highest of their row, and adds them up.
HWY_INLINE void Exponentiate(double* HWY_RESTRICT joint, double negligible, LaneRange rows, Listed listed,
                             const double* HWY_RESTRICT highest, double* HWY_RESTRICT sums) {
  const Doubles f64;
  const Vector least = hn::Set(f64, negligible);
  for (Index row = rows.begin; row < rows.end; row += kLanesHere) hn::StoreU(hn::Zero(f64), f64, sums + row);
  for (Index n = 0; n < listed.count; ++n) {
    double* HWY_RESTRICT const column = joint + listed.components[n] * kTilePoints;
    for (Index row = rows.begin; row < rows.end; row += kLanes) {
      Vector below[M], share[M];
      auto any = hn::Gt(least, least);
      for (Index m = 0; m < M; ++m) {
        below[m] = hn::Sub(hn::LoadU(f64, column + row + m * kLanesHere), hn::LoadU(f64, highest + row + m * kLanesHere));
        any = hn::Or(any, hn::Gt(below[m], least));
        share[m] = hn::Zero(f64);
      }
      if (!hn::AllFalse(f64, any)) {
        for (Index m = 0; m < M; ++m) {
          share[m] = hn::IfThenElseZero(hn::Gt(below[m], least), ExpOfNegative(below[m]));
          hn::StoreU(hn::Add(hn::LoadU(f64, sums + row + m * kLanesHere), share[m]), f64, sums + row + m * kLanesHere);
        }
      }
      for (Index m = 0; m < M; ++m) hn::StoreU(share[m], f64, column + row + m * kLanesHere);
    }
  }
}

// Makes them sum to 1.
HWY_INLINE void Normalise(double* HWY_RESTRICT joint, LaneRange rows, Listed listed, double* HWY_RESTRICT log_density,
                          double* HWY_RESTRICT sums) {
  const Doubles f64;
  for (Index row = rows.begin; row < rows.end; row += kLanesHere) {
    const LogAndReciprocal of_sum = LogAndReciprocalOf(hn::LoadU(f64, sums + row));
    hn::StoreU(hn::Add(hn::LoadU(f64, log_density + row), of_sum.log), f64, log_density + row);
    hn::StoreU(of_sum.reciprocal, f64, sums + row);
  }
  for (Index n = 0; n < listed.count; ++n) {
    double* HWY_RESTRICT const column = joint + listed.components[n] * kTilePoints;
    for (Index row = rows.begin; row < rows.end; row += kLanesHere)
      hn::StoreU(hn::Mul(hn::LoadU(f64, column + row), hn::LoadU(f64, sums + row)), f64, column + row);
  }
}

// All in one, where there are so few components that some vectors of rows fit into registers with their shares.
constexpr int kFewComponents = kLanesHere == 8 ? 8 : 4;
constexpr int kVectorsOfFew = kLanesHere == 8 ? 2 : 1;

template <int K, int V>
HWY_INLINE void PosteriorsOfVectors(double* HWY_RESTRICT joint, const double* HWY_RESTRICT log_weights, double lowest, double negligible,
                                    double* HWY_RESTRICT log_density, std::int32_t* HWY_RESTRICT most_probable) {
  const Doubles f64;
  const hn::Rebind<std::int32_t, Doubles> i32;
  const Vector low = hn::Set(f64, lowest), least = hn::Set(f64, negligible);
  Vector share[K][V], highest[V], best[V], sum[V];
  for (int v = 0; v < V; ++v) {
    highest[v] = low;
    best[v] = sum[v] = hn::Zero(f64);
  }
  HWY_UNROLL(8)
  for (int k = 0; k < K; ++k)
    for (int v = 0; v < V; ++v) {
      share[k][v] = AtLeast(low, hn::Add(hn::LoadU(f64, joint + k * kTilePoints + v * kLanesHere), hn::Set(f64, log_weights[k])));
      best[v] = hn::IfThenElse(hn::Gt(share[k][v], highest[v]), hn::Set(f64, static_cast<double>(k)), best[v]);
      highest[v] = hn::Max(share[k][v], highest[v]);
    }
  HWY_UNROLL(8)
  for (int k = 0; k < K; ++k)
    for (int v = 0; v < V; ++v) {
      const Vector below = hn::Sub(share[k][v], highest[v]);
      share[k][v] = hn::IfThenElseZero(hn::Gt(below, least), ExpOfNegative(below));
      sum[v] = hn::Add(sum[v], share[k][v]);
    }
  for (int v = 0; v < V; ++v) {
    const LogAndReciprocal of_sum = LogAndReciprocalOf(sum[v]);
    hn::StoreU(hn::Add(highest[v], of_sum.log), f64, log_density + v * kLanesHere);
    hn::StoreU(hn::DemoteTo(i32, best[v]), i32, most_probable + v * kLanesHere);
    HWY_UNROLL(8)
    for (int k = 0; k < K; ++k) hn::StoreU(hn::Mul(share[k][v], of_sum.reciprocal), f64, joint + k * kTilePoints + v * kLanesHere);
  }
}

template <int K>
void PosteriorsOfFew(double* HWY_RESTRICT joint, const double* HWY_RESTRICT log_weights, double lowest, double negligible, LaneRange rows,
                     double* HWY_RESTRICT log_density, std::int32_t* HWY_RESTRICT most_probable) {
  Index row = rows.begin;
  for (; row + kVectorsOfFew * kLanesHere <= rows.end; row += kVectorsOfFew * kLanesHere)
    PosteriorsOfVectors<K, kVectorsOfFew>(joint + row, log_weights, lowest, negligible, log_density + row, most_probable + row);
  for (; row < rows.end; row += kLanesHere)
    PosteriorsOfVectors<K, 1>(joint + row, log_weights, lowest, negligible, log_density + row, most_probable + row);
}

// In stripes of rows that stay in the first level of the cache, one pass over them after the other: no row waits for another.
void PosteriorsOfMany(double* HWY_RESTRICT joint, Index components, const double* HWY_RESTRICT log_weights, double lowest, double negligible,
                      LaneRange rows, const std::int32_t* HWY_RESTRICT lists, const std::int32_t* HWY_RESTRICT counts,
                      double* HWY_RESTRICT log_density, std::int32_t* HWY_RESTRICT most_probable) {
  double sums[kTilePoints];
  const Index step = counts == nullptr ? 64 : kLanes;
  for (Index row = rows.begin; row < rows.end; row += step) {
    const LaneRange stripe{row, std::min(row + step, rows.end)};
    const Listed listed = counts == nullptr ? Listed{lists, components} : Listed{lists + row / kLanes * components, counts[row / kLanes]};
    Join(joint, log_weights, lowest, stripe, listed, log_density, most_probable);
    Exponentiate(joint, negligible, stripe, listed, log_density, sums);
    Normalise(joint, stripe, listed, log_density, sums);
  }
}

// Of at most K components, by the loop for as many.
template <int K = kFewComponents>
HWY_INLINE void PosteriorsOfAtMost(Index components, double* joint, const double* log_weights, double lowest, double negligible,
                                   LaneRange rows, double* log_density, std::int32_t* most_probable) {
  if constexpr (K > 1) {
    if (components < K)
      return PosteriorsOfAtMost<K - 1>(components, joint, log_weights, lowest, negligible, rows, log_density, most_probable);
  }
  PosteriorsOfFew<K>(joint, log_weights, lowest, negligible, rows, log_density, most_probable);
}

void Posteriors(double* joint, Index components, const double* log_weights, double lowest, double negligible, LaneRange rows,
                const std::int32_t* lists, const std::int32_t* counts, double* log_density, std::int32_t* most_probable) {
  if (counts == nullptr && components <= kFewComponents)
    PosteriorsOfAtMost(components, joint, log_weights, lowest, negligible, rows, log_density, most_probable);
  else
    PosteriorsOfMany(joint, components, log_weights, lowest, negligible, rows, lists, counts, log_density, most_probable);
}

void Weigh(const double* HWY_RESTRICT responsibilities, Index components, const double* HWY_RESTRICT weights, double least, Index rows,
           double* HWY_RESTRICT shares) {
  const Doubles f64;
  const Vector low = hn::Set(f64, least);
  for (Index k = 0; k < components; ++k, responsibilities += kTilePoints, shares += kTilePoints)
    for (Index row = 0; row < rows; row += kLanesHere) {
      const Vector share = hn::Mul(hn::LoadU(f64, responsibilities + row), hn::LoadU(f64, weights + row));
      hn::StoreU(hn::IfThenElseZero(hn::Ge(share, low), share), f64, shares + row);
    }
}

}  // namespace
}  // namespace emulsion::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace emulsion::kernels {

HWY_EXPORT(Posteriors);
HWY_EXPORT(Weigh);

void posteriors(double* joint, Index components, const double* log_weights, double lowest, double negligible, LaneRange rows,
                const ListedComponents* listed, double* log_density, std::int32_t* most_probable) {
  assert(negligible < 0);
  thread_local std::vector<std::int32_t> all;
  while (static_cast<Index>(all.size()) < components) all.push_back(static_cast<std::int32_t>(all.size()));
  HWY_DYNAMIC_DISPATCH(Posteriors)
  (joint, components, log_weights, lowest, negligible, rows, listed == nullptr ? all.data() : listed->lists.data(),
   listed == nullptr ? nullptr : listed->counts.data(), log_density, most_probable);
}

void weigh(const double* responsibilities, Index components, const double* weights, double least, Index rows, double* shares) {
  HWY_DYNAMIC_DISPATCH(Weigh)(responsibilities, components, weights, least, rows, shares);
}

}  // namespace emulsion::kernels

#endif
