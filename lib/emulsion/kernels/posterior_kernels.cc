// Posterior probabilities, compiled once for each instruction set.
#include <algorithm>
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

constexpr Index kLanesHere = static_cast<Index>(hn::MaxLanes(Doubles()));
constexpr Index M = kLanes / kLanesHere;  // vectors of a block of kLanes rows
static_assert(M * kLanesHere == kLanes, "a block is a whole number of vectors");

// e^x for x in [-700, 0], to the last bit or the one before; anything for other x.
//
// x = n log 2 + r with |r| <= log(2) / 2, so e^x = 2^n e^r; of the series of e^r thirteen terms matter. Highway has an
// exponential of its own, which also takes care of what does not matter here, and takes half as long again.
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
  // In pairs of terms, then pairs of pairs (Estrin), as a long chain of additions would make each wait for the one before.
  const auto pair = [&](double low, double high) HWY_ATTR { return hn::MulAdd(hn::Set(f64, 1 / high), r, hn::Set(f64, 1 / low)); };
  const Vector r2 = hn::Mul(r, r), r4 = hn::Mul(r2, r2), r8 = hn::Mul(r4, r4);
  const Vector terms_0 = hn::MulAdd(pair(2, 6), r2, hn::Add(r, hn::Set(f64, 1.0)));
  const Vector terms_4 = hn::MulAdd(pair(720, 5040), r2, pair(24, 120));
  const Vector terms_8 = hn::MulAdd(pair(3628800, 39916800), r2, pair(40320, 362880));
  const Vector terms_12 = hn::MulAdd(hn::Set(f64, 1.0 / 479001600), r4, terms_8);
  const Vector series = hn::MulAdd(terms_12, r8, hn::MulAdd(terms_4, r4, terms_0));
  return hn::BitCast(f64, hn::Add(hn::BitCast(i64, series), hn::ShiftLeft<52>(hn::BitCast(i64, shifted))));
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
    const Vector sum = hn::LoadU(f64, sums + row);
    hn::StoreU(hn::Add(hn::LoadU(f64, log_density + row), hn::Log(f64, sum)), f64, log_density + row);
    hn::StoreU(hn::Div(hn::Set(f64, 1.0), sum), f64, sums + row);
  }
  for (Index n = 0; n < listed.count; ++n) {
    double* HWY_RESTRICT const column = joint + listed.components[n] * kTilePoints;
    for (Index row = rows.begin; row < rows.end; row += kLanesHere)
      hn::StoreU(hn::Mul(hn::LoadU(f64, column + row), hn::LoadU(f64, sums + row)), f64, column + row);
  }
}

// In stripes of rows that stay in the first level of the cache, one pass over them after the other: no row waits for another.
void Posteriors(double* HWY_RESTRICT joint, Index components, const double* HWY_RESTRICT log_weights, double lowest, double negligible,
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
