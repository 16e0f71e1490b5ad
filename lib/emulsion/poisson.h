// Components with Poisson coordinates: counts 0, 1, 2, ... with probability rate^x exp(-rate) / x!. Parameters: `rate`
// of each coordinate.
#pragma once

#include "emulsion/family.h"

namespace emulsion {

const Family& poisson_family();

}  // namespace emulsion
