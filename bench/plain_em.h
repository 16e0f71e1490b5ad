// The loop that one writes oneself: point by point, with Eigen.
#pragma once

#include <memory>

#include "bench/contender.h"
#include "bench/data_set.h"

namespace emulsion::bench {

// Uses one thread.
std::unique_ptr<Contender> plain_em(DataSet data);

}  // namespace emulsion::bench
