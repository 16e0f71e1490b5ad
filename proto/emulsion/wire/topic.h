// Names of streams, and the topics that carry them.
//
// A topic is `emulsion.v1.<stream>.<kind>.` and ends with the delimiter, because ZeroMQ matches prefixes: without it, a
// subscriber to stream `m1` would also get `m10`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "emulsion/result.h"

namespace emulsion::wire {

enum class TopicKind { points, model, labels, events, hello, acknowledgement };

// The kind as it stands in a topic.
const char* name(TopicKind kind);

struct Topic {
  std::string_view stream;
  TopicKind kind = TopicKind::points;
};

// A stream name is 1 to 64 of the characters A-Z a-z 0-9 _ and -.
bool is_stream_name(std::string_view text);

// A producer name is 1 to 64 of the characters A-Z a-z 0-9 . _ : and -.
bool is_producer_name(std::string_view text);

std::string to_string(const Topic& topic);

// The stream of the topic lies in `text`.
Result<Topic> parse_topic(std::string_view text);

// What every topic begins with.
inline constexpr std::string_view kTopicPrefix = "emulsion.v1.";

// The prefix that subscribes to every topic of one stream; of all streams if it is empty.
std::string subscription(std::string_view stream);

// Untrusted text for a log line or an error message: control characters and bytes outside ASCII as \xNN, a backslash
// as two; at most `limit` characters, of which the last three are "..." where something was cut off.
std::string printable(std::string_view text, std::size_t limit = 80);

}  // namespace emulsion::wire
