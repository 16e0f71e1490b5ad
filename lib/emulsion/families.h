// The registry of families.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "emulsion/family.h"

namespace emulsion {

// The family of that name, such as "gaussian(full)". Lives as long as the program.
// Errors: unknown name, with the names there are.
Result<const Family*> find_family(std::string_view name);

// Names of all families, in the order of the registry.
std::vector<std::string> family_names();

}  // namespace emulsion
