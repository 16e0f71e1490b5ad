// Where the state of the streams survives the daemon.
//
// Implementations: file_state_store.h, memory_state_store.h (tests).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "emulsion/result.h"
#include "emulsion/wire/topic.h"

namespace emulsion::service {

// Refuses what is no name of a stream.
inline Result<void> check_stream_name(std::string_view stream) {
  if (wire::is_stream_name(stream)) return {};
  return fail("\"" + wire::printable(stream) +
              "\" is no name of a stream: expected 1 to 64 of the characters A-Z a-z 0-9 _ -");
}

// One blob per stream. What `save` has accepted, `load` returns whole, or not at all. Every operation refuses what is no
// name of a stream.
class StateStore {
 public:
  virtual ~StateStore() = default;

  // Replaces the state of a stream. On failure the previous one is still there. A damaged state is never overwritten: until
  // it is removed, saving fails.
  virtual Result<void> save(std::string_view stream, std::string_view state) = 0;

  // The state of a stream; nothing if there is none. An error means that there is one, but it is damaged.
  virtual Result<std::optional<std::string>> load(std::string_view stream) = 0;

  // Removes the state of a stream. No error if there is none.
  virtual Result<void> remove(std::string_view stream) = 0;

  // Names of all streams that have a state, in alphabetical order.
  virtual Result<std::vector<std::string>> list() = 0;
};

}  // namespace emulsion::service
