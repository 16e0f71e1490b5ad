// `emulsion fit`: a mixture of the points of a file.
#pragma once

#include <string>
#include <vector>

namespace emulsion::client {

int run_fit(const std::vector<std::string>& arguments);

}  // namespace emulsion::client
