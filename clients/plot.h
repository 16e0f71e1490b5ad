// `emulsion plot`: pictures of points and of the clusters that a model sees in them.
#pragma once

#include <string>
#include <vector>

namespace emulsion::client {

// The subcommand.
int plot(const std::vector<std::string>& arguments);

}  // namespace emulsion::client
