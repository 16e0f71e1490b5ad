// Components with coordinates that are 0 or 1, and 1 with a probability. Parameters: `probability` of each coordinate.
#pragma once

#include "emulsion/family.h"

namespace emulsion {

const Family& bernoulli_family();

}  // namespace emulsion
