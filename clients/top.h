// `emulsion top`: a live view of the daemon.
#pragma once

#include <string>
#include <vector>

namespace emulsion::client {

int top(const std::vector<std::string>& arguments);

}  // namespace emulsion::client
