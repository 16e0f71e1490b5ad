// What all loops are compiled for, and the sizes that they agree on.
//
// Left out: instruction sets that differ little from their neighbours, to keep the build short, and those whose vectors
// have no size at compile time. What remains on x86-64 is the baseline, SSE4, AVX2 with FMA, and AVX-512; on aarch64 NEON.
#pragma once

#include "emulsion/points.h"

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)

namespace emulsion::kernels {

inline constexpr int kFactorBlock = 4;  // rows of a triangular factor that are worked on together

// Numbers that the first level of the cache has room for beside the rest, and rows that are prepared at once.
inline constexpr Index kCacheNumbers = 3072;
inline constexpr Index kRowsAtOnce = 64;

}  // namespace emulsion::kernels
