// Components with exponential coordinates: density rate exp(-rate x) for x >= 0. Parameters: `rate` of each coordinate.
#pragma once

#include "emulsion/family.h"

namespace emulsion {

const Family& exponential_family();

}  // namespace emulsion
