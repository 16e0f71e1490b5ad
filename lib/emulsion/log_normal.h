// Components whose coordinates have normal logarithms, for x > 0. Parameters: the mean and then the variance of log x
// of each coordinate, `mean_log` and `variance_log`. Statistics are those of log x.
#pragma once

#include "emulsion/family.h"

namespace emulsion {

const Family& log_normal_family();

}  // namespace emulsion
