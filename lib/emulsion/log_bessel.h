// The modified Bessel function of the first kind, I_nu(x), of whole and half orders, without overflow or lost digits.
//
// Orders are given as 2 nu, a whole number >= 0: a density on the sphere of d coordinates has nu = d/2 - 1, so 2 nu = d - 2.
#pragma once

#include "emulsion/points.h"

namespace emulsion {

// log[ I_nu(x) x^-nu e^-x ]: of moderate size where I_nu(x) itself is beyond all numbers. x > 0.
double log_scaled_bessel(Index twice_order, double x);

// I_{nu+1}(x) / I_nu(x), which is in (0, 1).
struct BesselRatio {
  double ratio;
  double complement;  // 1 - ratio, with digits of its own where the ratio is near 1
};

// x > 0. Source: Amos (1974), Computation of modified Bessel functions and their ratios.
BesselRatio bessel_ratio(Index twice_order, double x);

// The x > 0 at which the ratio has this value, both parts of it > 0.
double inverse_bessel_ratio(Index twice_order, const BesselRatio& value);

}  // namespace emulsion
