// Messages decoded from bytes that were written by hand.
#pragma once

#include <cstdint>
#include <string>

#include "emulsion/wire/convert.h"
#include "raw_message.h"

namespace emulsion::wire {

template <typename T>
std::string error_of(const Result<T>& result) {
  return result ? "accepted" : result.error().message;
}

inline std::string points_error(const RawMessage& raw) { return error_of(Codec().decode_points(raw.str())); }

// The head of a Points message; the caller adds what it wants to be wrong.
inline RawMessage points_head(std::uint64_t rows, std::uint64_t cols, int element_type = 1) {
  return RawMessage().bytes(1, "a1").varint(4, rows).varint(5, cols).varint(6,
                                                                            static_cast<std::uint64_t>(element_type));
}

}  // namespace emulsion::wire
