// Forgetting by a power law, compiled once for each instruction set.
#include <algorithm>

#include "emulsion/kernels/kernels.h"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "emulsion/kernels/retention_kernels.cc"
#include "emulsion/kernels/targets.h"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <hwy/contrib/math/math-inl.h>
#include "emulsion/kernels/vectors.inc"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace emulsion::kernels::HWY_NAMESPACE {
namespace {

// Finds one step size more than there are retentions: each is the later one of a retention and the earlier one of the next.
void PowerLawRetentions(double first, double offset, double exponent, Index count, double* HWY_RESTRICT out) {
  const Doubles f64;
  constexpr Index kAtOnce = 64;
  const auto one = hn::Set(f64, 1.0);
  double steps[kAtOnce + 2 * kLanesHere] = {}, retentions[kAtOnce];
  for (; count > 0; count -= kAtOnce, out += kAtOnce, first += static_cast<double>(kAtOnce)) {
    const Index some = std::min(count, kAtOnce);
    for (Index i = 0; i <= some; i += kLanesHere) {
      const auto t = hn::Add(hn::Add(hn::Set(f64, first), hn::Iota(f64, static_cast<double>(i))), hn::Set(f64, offset));
      const auto step = hn::Exp(f64, hn::Mul(hn::Set(f64, -exponent), hn::Log(f64, t)));
      hn::StoreU(hn::IfThenElseZero(hn::Gt(t, hn::Zero(f64)), step), f64, steps + i);
    }
    for (Index i = 0; i < some; i += kLanesHere) {
      const auto step = hn::LoadU(f64, steps + i + 1);
      // As t grows it tends to 1, and would be a little more by rounding: a power of that may be anything.
      const auto retention = hn::Mul(hn::Sub(one, step), hn::Div(hn::LoadU(f64, steps + i), step));
      hn::StoreU(hn::Min(retention, one), f64, retentions + i);
    }
    std::copy(retentions, retentions + some, out);
  }
}

}  // namespace
}  // namespace emulsion::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace emulsion::kernels {

HWY_EXPORT(PowerLawRetentions);

void power_law_retentions(double first, double offset, double exponent, Index count, double* out) {
  HWY_DYNAMIC_DISPATCH(PowerLawRetentions)(first, offset, exponent, count, out);
}

}  // namespace emulsion::kernels

#endif
