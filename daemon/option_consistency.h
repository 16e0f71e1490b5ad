// Options that are right by themselves and wrong together.
#pragma once

#include "daemon/option_assembly.h"

namespace emulsion::service {

// Adds a fault for every contradiction, at the place of the setting that decided it.
void check_consistency(AssembledOptions& assembled);

}  // namespace emulsion::service
