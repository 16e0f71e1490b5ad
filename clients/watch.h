// `emulsion watch`: follows what the daemon publishes.
#pragma once

#include <string>
#include <vector>

namespace emulsion::client {

int watch(const std::vector<std::string>& arguments);

}  // namespace emulsion::client
