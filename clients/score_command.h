// `emulsion score`: what a model says of the points of a file.
#pragma once

#include <string>
#include <vector>

namespace emulsion::client {

int run_score(const std::vector<std::string>& arguments);

}  // namespace emulsion::client
