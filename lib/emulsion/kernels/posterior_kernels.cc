// Posterior probabilities, compiled once for each instruction set.
#include <cassert>

#include "emulsion/kernels/kernels.h"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "emulsion/kernels/posterior_kernels.cc"
#include "emulsion/kernels/targets.h"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <hwy/contrib/math/math-inl.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace emulsion::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Doubles = hn::ScalableTag<double>;
using Vector = hn::Vec<Doubles>;

// e^x for x in [-700, 0], to the last bit or the one before.
//
// x = n log 2 + r with |r| <= log(2) / 2, so e^x = 2^n e^r; of the series of e^r twelve powers matter. Highway has an
// exponential of its own, which also takes care of what cannot come here and needs half as long again.
HWY_INLINE Vector ExpOfNegative(Vector x) {
  const Doubles f64;
  const hn::RebindToSigned<Doubles> i64;
  // Added to a number of less than 2^51, it leaves the nearest integer in the lowest bits.
  const Vector shift = hn::Set(f64, 0x1.8p52);
  const Vector shifted = hn::MulAdd(x, hn::Set(f64, 1.4426950408889634), shift);
  const Vector n = hn::Sub(shifted, shift);
  // log 2 in two parts, the first so short that its product with n is exact.
  Vector r = hn::NegMulAdd(n, hn::Set(f64, 0x1.62e42feep-1), x);
  r = hn::NegMulAdd(n, hn::Set(f64, 0x1.a39ef35793c76p-33), r);
  constexpr double kInverseFactorials[] = {1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
                                           1.0 / 720,       1.0 / 120,      1.0 / 24,      1.0 / 6,      1.0 / 2,     1.0};
  Vector series = hn::Set(f64, kInverseFactorials[0]);
  HWY_UNROLL(11)
  for (int i = 1; i < 12; ++i) series = hn::MulAdd(series, r, hn::Set(f64, kInverseFactorials[i]));
  series = hn::MulAdd(series, r, hn::Set(f64, 1.0));
  return hn::BitCast(f64, hn::Add(hn::BitCast(i64, series), hn::ShiftLeft<52>(hn::BitCast(i64, shifted))));
}

// One block of kLanes rows at a time: it is worked on in a buffer of its own, where the numbers of a row's components lie
// near each other.
void Posteriors(double* HWY_RESTRICT joint, Index components, const double* HWY_RESTRICT log_weights, double lowest, double negligible,
                LaneRange rows, double* HWY_RESTRICT buffer, double* HWY_RESTRICT log_density, std::int32_t* HWY_RESTRICT most_probable) {
  const Doubles f64;
  const hn::Rebind<std::int32_t, Doubles> i32;
  constexpr Index kLanesHere = static_cast<Index>(hn::MaxLanes(Doubles()));
  constexpr Index M = kLanes > kLanesHere ? kLanes / kLanesHere : 1;
  static_assert(M * kLanesHere == kLanes, "a block is a whole number of vectors");
  const Vector low = hn::Set(f64, lowest);
  const Vector least = hn::Set(f64, negligible);
  for (Index row = rows.begin; row < rows.end; row += kLanes) {
    Vector highest[M], best[M], sum[M];
    for (Index m = 0; m < M; ++m) {
      highest[m] = low;
      best[m] = hn::Zero(f64);
      sum[m] = hn::Zero(f64);
    }
    for (Index k = 0; k < components; ++k) {
      const Vector log_weight = hn::Set(f64, log_weights[k]);
      const Vector number = hn::Set(f64, static_cast<double>(k));
      for (Index m = 0; m < M; ++m) {
        const Vector density = hn::LoadU(f64, joint + k * kTilePoints + row + m * kLanesHere);
        const Vector value = hn::IfThenElse(hn::Gt(density, low), hn::Add(density, log_weight), low);
        hn::StoreU(value, f64, buffer + k * kLanes + m * kLanesHere);
        const auto higher = hn::Gt(value, highest[m]);
        highest[m] = hn::IfThenElse(higher, value, highest[m]);
        best[m] = hn::IfThenElse(higher, number, best[m]);
      }
    }
    for (Index k = 0; k < components; ++k) {
      Vector below[M], share[M];
      auto any = hn::Gt(low, low);
      for (Index m = 0; m < M; ++m) {
        below[m] = hn::Sub(hn::LoadU(f64, buffer + k * kLanes + m * kLanesHere), highest[m]);
        any = hn::Or(any, hn::Gt(below[m], least));
        share[m] = hn::Zero(f64);
      }
      if (!hn::AllFalse(f64, any)) {
        for (Index m = 0; m < M; ++m) {
          share[m] = hn::IfThenElseZero(hn::Gt(below[m], least), ExpOfNegative(hn::Max(below[m], least)));
          sum[m] = hn::Add(sum[m], share[m]);
        }
      }
      for (Index m = 0; m < M; ++m) hn::StoreU(share[m], f64, buffer + k * kLanes + m * kLanesHere);
    }
    for (Index m = 0; m < M; ++m) {
      hn::StoreU(hn::Add(highest[m], hn::Log(f64, sum[m])), f64, log_density + row + m * kLanesHere);
      sum[m] = hn::Div(hn::Set(f64, 1.0), sum[m]);
    }
    for (Index k = 0; k < components; ++k)
      for (Index m = 0; m < M; ++m)
        hn::StoreU(hn::Mul(hn::LoadU(f64, buffer + k * kLanes + m * kLanesHere), sum[m]), f64,
                   joint + k * kTilePoints + row + m * kLanesHere);
    for (Index m = 0; m < M; ++m) hn::StoreU(hn::DemoteTo(i32, best[m]), i32, most_probable + row + m * kLanesHere);
  }
}

}  // namespace
}  // namespace emulsion::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace emulsion::kernels {

HWY_EXPORT(Posteriors);

void posteriors(double* joint, Index components, const double* log_weights, double lowest, double negligible, LaneRange rows,
                double* log_density, std::int32_t* most_probable) {
  assert(negligible < 0);
  thread_local std::vector<double> buffer;
  buffer.resize(static_cast<std::size_t>(std::max<Index>(components * kLanes, static_cast<Index>(buffer.size()))));
  HWY_DYNAMIC_DISPATCH(Posteriors)(joint, components, log_weights, lowest, negligible, rows, buffer.data(), log_density, most_probable);
}

}  // namespace emulsion::kernels

#endif
