// A global operator new that counts.
#pragma once

#include <cstdint>

namespace emulsion::testing {

// How often this thread has asked for memory since it started.
std::uint64_t allocations();

}  // namespace emulsion::testing
