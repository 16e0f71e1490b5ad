// Checksums of what is kept or compared.
#pragma once

#include <cstdint>
#include <string_view>

namespace emulsion::wire {

// CRC-32, as of zip and PNG, of two pieces one behind the other: finds every burst of up to 32 wrong bits, and any other damage but
// for one in 2^32.
std::uint32_t checksum_32(std::string_view first, std::string_view second = {});

// CRC-64/XZ (the reflected ECMA-182 polynomial): all but one in 2^64.
std::uint64_t checksum_64(std::string_view bytes);

}  // namespace emulsion::wire
