// `emulsion send`: the rows of a file as points to a daemon.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "emulsion/points.h"

namespace emulsion::client {

int send(const std::vector<std::string>& arguments);

// The same points in another order, with their weights and times. Equal seeds give equal orders, everywhere.
PointBatch shuffled(const PointBatch& points, std::uint64_t seed);

}  // namespace emulsion::client
