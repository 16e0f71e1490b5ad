// Components with geometric coordinates: the number of trials up to the first success, 1, 2, 3, ..., each of which
// succeeds with probability p: p (1 - p)^(x - 1). Parameters: `p` of each coordinate.
#pragma once

#include "emulsion/family.h"

namespace emulsion {

const Family& geometric_family();

}  // namespace emulsion
