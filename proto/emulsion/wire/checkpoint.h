// The bytes of a checkpoint: sections with a name, each with a checksum of its own, and one over the whole.
//
// What is in the sections is for state.h to say. docs/checkpoint.md has the format byte by byte.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "emulsion/result.h"

namespace emulsion::wire {

inline constexpr std::uint32_t kCheckpointVersion = 4;

struct CheckpointSection {
  std::string_view name;   // 1 to 8 of a-z
  std::string_view bytes;  // somebody else's
};

// Equal sections give equal bytes.
std::string encode_checkpoint(std::span<const CheckpointSection> sections);

// The sections, as views of the bytes.
// Errors: every deviation from the format, however small; says at which byte, and in which section, what is wrong.
Result<std::vector<CheckpointSection>> decode_checkpoint(std::string_view bytes);

}  // namespace emulsion::wire
