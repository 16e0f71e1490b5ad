// Forgetting by a power law, compiled once for each instruction set.
#include "emulsion/kernels/kernels.h"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "emulsion/kernels/retention_kernels.cc"
#include "emulsion/kernels/targets.h"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <hwy/contrib/math/math-inl.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace emulsion::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

void PowerLawRetentions(double first, double offset, double exponent, Index count, double* HWY_RESTRICT out) {
  const hn::ScalableTag<double> f64;
  const auto one = hn::Set(f64, 1.0);
  const auto minus_exponent = hn::Set(f64, -exponent);
  const auto power = [&](auto t) HWY_ATTR { return hn::Exp(f64, hn::Mul(minus_exponent, hn::Log(f64, t))); };
  double last[hn::MaxLanes(hn::ScalableTag<double>())];
  for (Index i = 0; i < count; i += static_cast<Index>(hn::Lanes(f64))) {
    const auto t = hn::Add(hn::Add(hn::Set(f64, first), hn::Iota(f64, static_cast<double>(i))), hn::Set(f64, offset));
    const auto positive = hn::Gt(t, hn::Zero(f64));
    const auto before = hn::IfThenElse(positive, t, one);
    const auto step = power(hn::Add(before, one));
    const auto retention = hn::IfThenElseZero(positive, hn::Mul(hn::Sub(one, step), hn::Div(power(before), step)));
    if (i + static_cast<Index>(hn::Lanes(f64)) <= count) {
      hn::StoreU(retention, f64, out + i);
    } else {
      hn::StoreU(retention, f64, last);
      std::copy(last, last + (count - i), out + i);
    }
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
