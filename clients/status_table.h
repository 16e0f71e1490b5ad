// The daemon's status as text for people and as JSON.
#pragma once

#include <cstdint>
#include <string>

#include "clients/table.h"
#include "emulsion/wire/messages.h"

namespace emulsion::client {

// Rows refused, and messages missing now, over all producers of a stream.
std::uint64_t rows_refused(const wire::StreamStatus& stream);
std::uint64_t messages_missing(const wire::StreamStatus& stream);

// `row not_finite: 3, message malformed: 1`; empty if nothing was refused.
std::string refusal_list(const std::vector<wire::RefusalCount>& refusals);

// One line about the daemon, then a table of its streams.
std::string status_table(const wire::StatusReply& status, std::size_t width = kTableWidth);

// Everything about one stream: its counts line by line, then a table of its producers: messages that are
// missing, came twice or came late; times it restarted; last sequence and session.
std::string stream_table(const wire::StreamStatus& stream, std::size_t width = kTableWidth);

// `stream "x" waits for its first model: 60 of 100 points; `emulsion flush x` starts with what there is`
std::string waits_for_model(const wire::StreamStatus& stream);

// The whole status as one JSON object without a line break; the fields are those of StatusReply in control.proto.
std::string status_json(const wire::StatusReply& status);

}  // namespace emulsion::client
