// Which fields of a state are in which section of its checkpoint.
#pragma once

#include <string>
#include <string_view>

#include "emulsion/result.h"

namespace emulsion::v1 {
class StreamState;
}

namespace emulsion::wire {

// Empty if it would be more than the 2 GiB that protobuf can write.
std::string checkpoint_of(v1::StreamState state);

// Errors: whatever checkpoint_of has not written, to the last bit.
Result<v1::StreamState> message_of_checkpoint(std::string_view bytes);

}  // namespace emulsion::wire
