// Text files that are read whole, such as models.
//
// Errors of both: what cannot be opened or read, in the system's words, such as "Is a directory"; the path is not named.
#pragma once

#include <string>

#include "emulsion/result.h"

namespace emulsion::wire {

// The contents of a file.
Result<std::string> read_file(const std::string& path);

// The same, or all of standard input if the path is "-".
Result<std::string> read_file_or_input(const std::string& path);

}  // namespace emulsion::wire
