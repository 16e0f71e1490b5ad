// The text forms of endpoints, inputs and name patterns.
#pragma once

#include <string>
#include <vector>

#include "daemon/option_values.h"
#include "daemon/options.h"

namespace emulsion::service {

// tcp://HOST:PORT, ipc://PATH or inproc://NAME. To bind, HOST may be * (every interface) and PORT * (any free one).
Format<std::string> zmq_endpoint(Attachment attachment);

// HOST:PORT, where port 0 is any free one; or nothing at all.
Format<std::string> http_endpoint();

// "pull|subscribe bind|connect ENDPOINT", "acknowledged bind ENDPOINT", or "replay STREAM PATH".
Format<InputOptions> input();

// Patterns of stream names, separated by spaces: the characters of a name, * for any of them, ? for one.
Format<std::vector<std::string>> stream_patterns();

// True if a stream name fits a pattern.
bool matches(const std::string& pattern, const std::string& name);

// What a stream name may be, for messages.
inline constexpr const char* kStreamNames = "1 to 64 of A-Z a-z 0-9 _ -";

}  // namespace emulsion::service
