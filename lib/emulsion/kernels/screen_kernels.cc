// Bounds of densities, compiled once for each instruction set.
#include "emulsion/kernels/kernels.h"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "emulsion/kernels/screen_kernels.cc"
#include "emulsion/kernels/targets.h"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace emulsion::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Doubles = hn::ScalableTag<double>;
using Vector = hn::Vec<Doubles>;
constexpr Index kLanesHere = static_cast<Index>(hn::MaxLanes(Doubles()));

void Project(const double* HWY_RESTRICT blocks, Index d, const double* HWY_RESTRICT map, Index projections, LaneRange rows,
             double* HWY_RESTRICT out) {
  const Doubles f64;
  for (Index first = 0; first < projections; first += kProjections, map += kProjections, out += kProjections * kTilePoints) {
    for (Index row = rows.begin; row < rows.end; row += kLanesHere) {
      const double* const x = blocks + row / kLanes * kLanes * d + row % kLanes;
      Vector sums[kProjections];
      for (int q = 0; q < kProjections; ++q) sums[q] = hn::Zero(f64);
      for (Index j = 0; j < d; ++j) {
        const Vector at = hn::LoadU(f64, x + j * kLanes);
        HWY_UNROLL(8)
        for (int q = 0; q < kProjections; ++q) sums[q] = hn::MulAdd(hn::Set(f64, map[j * projections + q]), at, sums[q]);
      }
      for (int q = 0; q < kProjections; ++q) hn::StoreU(sums[q], f64, out + q * kTilePoints + row);
    }
  }
}

void UpperBounds(const double* HWY_RESTRICT projected, const double* HWY_RESTRICT place, Index projections, double scale, double constant,
                 LaneRange rows, Index number, double* HWY_RESTRICT out, double* HWY_RESTRICT highest, double* HWY_RESTRICT best) {
  const Doubles f64;
  const Vector factor = hn::Set(f64, scale);
  const Vector start = hn::Set(f64, constant);
  const Vector this_one = hn::Set(f64, static_cast<double>(number));
  for (Index row = rows.begin; row < rows.end; row += kLanesHere) {
    Vector even = hn::Zero(f64), odd = hn::Zero(f64);
    for (Index first = 0; first < projections; first += kProjections) {
      const double* const at = projected + first * kTilePoints + row;
      HWY_UNROLL(8)
      for (int q = 0; q < kProjections; q += 2) {
        const Vector a = hn::Sub(hn::LoadU(f64, at + q * kTilePoints), hn::Set(f64, place[first + q]));
        const Vector b = hn::Sub(hn::LoadU(f64, at + (q + 1) * kTilePoints), hn::Set(f64, place[first + q + 1]));
        even = hn::MulAdd(a, a, even);
        odd = hn::MulAdd(b, b, odd);
      }
    }
    const Vector bound = hn::MulAdd(factor, hn::Add(even, odd), start);
    hn::StoreU(bound, f64, out + row);
    const Vector before = hn::LoadU(f64, highest + row);
    const auto higher = hn::Gt(bound, before);
    hn::StoreU(hn::IfThenElse(higher, bound, before), f64, highest + row);
    hn::StoreU(hn::IfThenElse(higher, this_one, hn::LoadU(f64, best + row)), f64, best + row);
  }
}

void NotBelow(const double* HWY_RESTRICT values, const double* HWY_RESTRICT thresholds, LaneRange rows, std::uint64_t* HWY_RESTRICT bits) {
  const Doubles f64;
  for (Index row = rows.begin; row < rows.end; row += kLanesHere) {
    std::uint8_t lanes[8] = {};
    const auto below = hn::Lt(hn::LoadU(f64, values + row), hn::LoadU(f64, thresholds + row));
    if (hn::AllTrue(f64, below)) continue;
    hn::StoreMaskBits(f64, hn::Not(below), lanes);
    bits[row / 64] |= static_cast<std::uint64_t>(lanes[0]) << (row % 64);
  }
}

}  // namespace
}  // namespace emulsion::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace emulsion::kernels {

HWY_EXPORT(Project);
HWY_EXPORT(UpperBounds);
HWY_EXPORT(NotBelow);

void project(const double* blocks, Index d, const double* map, Index projections, LaneRange rows, double* out) {
  HWY_DYNAMIC_DISPATCH(Project)(blocks, d, map, projections, rows, out);
}

void upper_bounds(const double* projected, const double* place, Index projections, double scale, double constant, LaneRange rows,
                  Index number, double* out, double* highest, double* best) {
  HWY_DYNAMIC_DISPATCH(UpperBounds)(projected, place, projections, scale, constant, rows, number, out, highest, best);
}

void not_below(const double* values, const double* thresholds, LaneRange rows, std::uint64_t* bits) {
  HWY_DYNAMIC_DISPATCH(NotBelow)(values, thresholds, rows, bits);
}

}  // namespace emulsion::kernels

#endif
