// Bounds of densities, compiled once for each instruction set.
#include <algorithm>
#include <cassert>
#include <limits>

#include "emulsion/kernels/kernels.h"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "emulsion/kernels/screen_kernels.cc"
#include "emulsion/kernels/targets.h"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "emulsion/kernels/vectors.inc"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace emulsion::kernels::HWY_NAMESPACE {
namespace {

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

using Floats = hn::CappedTag<float, kLanes>;
constexpr Index kFloatsHere = static_cast<Index>(hn::MaxLanes(Floats()));
constexpr Index kVectors = kLanes / kFloatsHere;  // of a block

// The bounds of C components for the rows of a block, whose coordinates, with their square sum in front, are `features`.
template <int C>
HWY_INLINE void BoundsOf(const float* HWY_RESTRICT features, Index projections, const float* HWY_RESTRICT constants,
                         const float* HWY_RESTRICT factors, float number, float* HWY_RESTRICT out, float* HWY_RESTRICT highest,
                         float* HWY_RESTRICT best) {
  const Floats f32;
  const Index width = 1 + projections;
  for (Index v = 0; v < kVectors; ++v) {
    hn::Vec<Floats> bounds[C];
    HWY_UNROLL(4)
    for (int c = 0; c < C; ++c) bounds[c] = hn::Set(f32, constants[c]);
    for (Index q = 0; q < width; ++q) {
      const auto feature = hn::Load(f32, features + q * kLanes + v * kFloatsHere);
      HWY_UNROLL(4)
      for (int c = 0; c < C; ++c) bounds[c] = hn::MulAdd(hn::Set(f32, factors[c * width + q]), feature, bounds[c]);
    }
    auto most = hn::Load(f32, highest + v * kFloatsHere);
    auto where = hn::Load(f32, best + v * kFloatsHere);
    HWY_UNROLL(4)
    for (int c = 0; c < C; ++c) {
      hn::StoreU(bounds[c], f32, out + c * kLanes + v * kFloatsHere);
      where = hn::IfThenElse(hn::Gt(bounds[c], most), hn::Set(f32, number + static_cast<float>(c)), where);
      most = hn::Max(bounds[c], most);
    }
    hn::Store(most, f32, highest + v * kFloatsHere);
    hn::Store(where, f32, best + v * kFloatsHere);
  }
}

void UpperBounds(const double* HWY_RESTRICT projected, Index projections, const float* HWY_RESTRICT constants,
                 const float* HWY_RESTRICT factors, Index components, LaneRange rows, double* HWY_RESTRICT squares, float* HWY_RESTRICT out,
                 std::int32_t* HWY_RESTRICT best_out) {
  HWY_ALIGN float features[(1 + kMostProjections) * kLanes];
  HWY_ALIGN float highest[kLanes], best[kLanes];
  const Index width = 1 + projections;
  for (Index row = rows.begin; row < rows.end; row += kLanes) {
    for (Index lane = 0; lane < kLanes; ++lane) {
      double square = 0;
      for (Index q = 0; q < projections; ++q) {
        const double coordinate = projected[q * kTilePoints + row + lane];
        square += coordinate * coordinate;
        features[(1 + q) * kLanes + lane] = static_cast<float>(coordinate);
      }
      squares[row + lane] = square;
      features[lane] = static_cast<float>(square);
    }
    std::fill(highest, highest + kLanes, -std::numeric_limits<float>::infinity());
    std::fill(best, best + kLanes, 0.0f);
    float* HWY_RESTRICT bounds = out + row * components;
    Index k = 0;
    for (; k + 4 <= components; k += 4)
      BoundsOf<4>(features, projections, constants + k, factors + k * width, static_cast<float>(k), bounds + k * kLanes, highest, best);
    for (; k < components; ++k)
      BoundsOf<1>(features, projections, constants + k, factors + k * width, static_cast<float>(k), bounds + k * kLanes, highest, best);
    for (Index lane = 0; lane < kLanes; ++lane) best_out[row + lane] = static_cast<std::int32_t>(best[lane]);
  }
}

void RowsNotBelow(const float* HWY_RESTRICT bounds, Index components, const float* HWY_RESTRICT thresholds, LaneRange rows,
                  std::uint8_t* HWY_RESTRICT masks) {
  const Floats f32;
  for (Index row = rows.begin; row < rows.end; row += kLanes) {
    const float* HWY_RESTRICT bound = bounds + row * components;
    std::uint8_t* HWY_RESTRICT mask = masks + row / kLanes;
    for (Index k = 0; k < components; ++k, bound += kLanes, mask += kTileBlocks) {
      std::size_t found = 0;
      for (Index v = 0; v < kVectors; ++v) {
        const auto below = hn::Lt(hn::LoadU(f32, bound + v * kFloatsHere), hn::LoadU(f32, thresholds + row + v * kFloatsHere));
        std::uint8_t bits[8] = {};
        hn::StoreMaskBits(f32, hn::Not(below), bits);
        found |= static_cast<std::size_t>(bits[0]) << (v * kFloatsHere);
      }
      *mask = static_cast<std::uint8_t>(found);
    }
  }
}

}  // namespace
}  // namespace emulsion::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace emulsion::kernels {

HWY_EXPORT(Project);
HWY_EXPORT(UpperBounds);
HWY_EXPORT(RowsNotBelow);

void project(const double* blocks, Index d, const double* map, Index projections, LaneRange rows, double* out) {
  HWY_DYNAMIC_DISPATCH(Project)(blocks, d, map, projections, rows, out);
}

void upper_bounds(const double* projected, Index projections, const float* constants, const float* factors, Index components,
                  LaneRange rows, double* squares, float* out, std::int32_t* best) {
  assert(projections <= kMostProjections);
  HWY_DYNAMIC_DISPATCH(UpperBounds)(projected, projections, constants, factors, components, rows, squares, out, best);
}

void rows_not_below(const float* bounds, Index components, const float* thresholds, LaneRange rows, std::uint8_t* masks) {
  HWY_DYNAMIC_DISPATCH(RowsNotBelow)(bounds, components, thresholds, rows, masks);
}

}  // namespace emulsion::kernels

#endif
