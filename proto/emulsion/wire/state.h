// The state of one stream, to bytes and back: what is in the sections of a checkpoint.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "emulsion/learner.h"
#include "emulsion/result.h"
#include "emulsion/wire/messages.h"

namespace emulsion::wire {

struct SessionState {
  std::uint64_t session = 0;
  std::uint64_t last_sequence = 0;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> missing;  // first and last, both included, ascending
  bool acknowledged = false;                                     // came over an acknowledged input
  std::string mark = {};                                          // where its source goes on behind the last message
};

struct ProducerState {
  std::string producer;
  std::vector<SessionState> sessions;  // oldest first
  std::uint64_t messages = 0;
  std::uint64_t rows_accepted = 0;
  std::uint64_t rows_refused = 0;
  std::uint64_t messages_lost = 0;  // missing in sessions that are no longer kept
  std::uint64_t messages_duplicate = 0;
  std::uint64_t messages_reordered = 0;
  std::uint64_t restarts = 0;
};

struct WaitingMessage {
  std::string producer;
  std::uint64_t session = 0;
  std::uint64_t sequence = 0;
  std::uint32_t rows = 0;
  std::vector<std::uint32_t> refused_rows;  // ascending
};

struct StreamState {
  std::string stream;
  std::optional<LearnerState> learner;
  std::vector<ProducerState> producers;
  std::vector<WaitingMessage> waiting;
  std::vector<RefusalCount> refusals;
  std::uint64_t points_accepted = 0;
  std::uint64_t points_labelled = 0;
  std::uint64_t points_paused = 0;
  bool paused = false;
  std::uint64_t next_component_id = 1;  // while there is no learner
  std::uint64_t labels_published = 0, events_published = 0, models_published = 0;

  // The options that the statistics depend on, "KEY = VALUE" a line, for people: what fits the state may differ from them.
  std::string configuration;
};

// Equal states give equal bytes: a checkpoint, as docs/checkpoint.md has it. Empty if they would be more than the 2 GiB that
// protobuf can write.
std::string encode_state(const StreamState& state);

// Errors: bytes that no encode_state has written, sizes that do not fit together, parameters that are no distribution; names the field.
Result<StreamState> decode_state(std::string_view bytes);

// Sixteen hexadecimal digits over the learner alone: equal digests, equal model and statistics, bit for bit.
std::string digest(const LearnerState& state);

// The reason of refusals, at the stage "message", of messages that came before it was their turn.
inline constexpr const char* kOutOfOrder = "out_of_order";

// The same over everything that messages have had an effect on. Counts of what came in vain, which depend on how often
// something was sent again, and of what was published are left out.
std::string effect_digest(StreamState state);

}  // namespace emulsion::wire
