// Components with gamma coordinates: density rate^shape x^(shape-1) exp(-rate x) / Gamma(shape) for x > 0. Parameters:
// the `shape` of each coordinate, then their rates.
//
// Statistics are the mean and the sum of gamma deviances from it, x/mean - 1 - log(x/mean), which is what mean(x) and
// mean(log x) come to, and keeps the digits of gammas that are narrow.
#pragma once

#include "emulsion/family.h"

namespace emulsion {

const Family& gamma_family();

}  // namespace emulsion
