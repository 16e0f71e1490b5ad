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

// A state that a damaged one could be given up for.
struct OlderState {
  std::string name;    // for people
  std::string state;
  std::string damage;  // what is wrong with the newest one
};

// The newest states of each stream, each a checkpoint as wire/state.h encodes it. What `save` has accepted, `load` returns
// whole, or not at all. Every operation refuses what is no name of a stream.
class StateStore {
 public:
  virtual ~StateStore() = default;

  // Makes this the newest state of a stream. Once it returns without an error, the state survives a loss of power. On
  // failure `load` gives the previous one, or this one. A damaged state is never overwritten: until it is removed, saving
  // fails.
  virtual Result<void> save(std::string_view stream, std::string_view state) = 0;

  // The newest state of a stream; nothing if there is none. An error means that there is one, but it is damaged.
  virtual Result<std::optional<std::string>> load(std::string_view stream) = 0;

  // Where the newest state is damaged: the newest one before it that is whole. Changes nothing.
  // Errors: there is none.
  virtual Result<OlderState> older(std::string_view stream) = 0;

  // Makes what `older` returns the newest state. Damaged ones are kept, out of the way. Whoever calls it must be able to learn
  // again what came since.
  // Errors: there is none; nothing has changed.
  virtual Result<void> fall_back(std::string_view stream) = 0;

  // Removes all states of a stream. No error if there is none.
  virtual Result<void> remove(std::string_view stream) = 0;

  // Names of all streams that have a state, in alphabetical order.
  virtual Result<std::vector<std::string>> list() = 0;
};

}  // namespace emulsion::service
