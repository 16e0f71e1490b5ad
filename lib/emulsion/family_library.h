// Families in shared objects, made with custom_family.h.
#pragma once

#include <string>
#include <vector>

#include "emulsion/result.h"

namespace emulsion {

// Makes the families of a shared object known by their names (families.h), for as long as the program runs. Once is
// enough: the same one again changes nothing. All of its families or none. Thread-safe.
//   path  from the working directory if relative; never searched for elsewhere
// Errors: it cannot be loaded, has no families, or such of another version of custom_family.h; a family that fails where it
// is tried, or whose name is taken. Begins with the path, names the family.
Result<void> load_family_library(const std::string& path);

// The paths of "laplace.so:other/gamma.so"; empty ones are left out.
std::vector<std::string> split_paths(const std::string& text);

}  // namespace emulsion
