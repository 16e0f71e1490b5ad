#include "emulsion/wire/checksum.h"

#include <boost/crc.hpp>  // a header of a library that Emulsion needs anyway

namespace emulsion::wire {

std::uint32_t checksum_32(std::string_view first, std::string_view second) {
  boost::crc_32_type crc;
  crc.process_bytes(first.data(), first.size());
  crc.process_bytes(second.data(), second.size());
  return crc.checksum();
}

std::uint64_t checksum_64(std::string_view bytes) {
  boost::crc_optimal<64, 0x42F0E1EBA9EA3693, 0xFFFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

}  // namespace emulsion::wire
