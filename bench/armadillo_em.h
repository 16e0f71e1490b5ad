// Armadillo's gmm_full and gmm_diag. A step costs the difference of a fit with some iterations and one with none.
#pragma once

#include <memory>

#include "bench/contender.h"
#include "bench/data_set.h"

namespace emulsion::bench {

std::unique_ptr<Contender> armadillo_em(const DataSet& data);

}  // namespace emulsion::bench
