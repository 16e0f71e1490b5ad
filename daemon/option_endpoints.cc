#include "daemon/option_endpoints.h"

#include <fnmatch.h>

#include <algorithm>
#include <sstream>
#include <string_view>

#include "emulsion/wire/topic.h"

namespace emulsion::service {
namespace {

constexpr const char* kEndpoints = "tcp://HOST:PORT, ipc://PATH, inproc://NAME";
constexpr std::size_t kLongestIpcPath = 107;  // of a UNIX domain socket on Linux
constexpr std::size_t kLongestPattern = 64;

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

bool all_of(std::string_view text, std::string_view further) {
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_alphanumeric(c) || further.find(c) != std::string_view::npos; });
}

// A name, an IPv4 address, or an IPv6 address in brackets. Whether it exists is found out later.
bool is_host(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    return all_of(host.substr(1, host.size() - 2), ":.%");
  }
  return !host.empty() && host.size() <= 253 && all_of(host, ".-_");
}

// Checks "HOST:PORT"; `whole` is what messages quote.
Result<void> check_address(std::string_view address, const std::string& whole, bool any_host, bool any_port,
                           const Range& ports, const std::string& allowed_ports) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || address.back() == ']') {
    return fail(in_quotes(whole) + " has no port; allowed: HOST:PORT");
  }
  const std::string_view host = address.substr(0, colon);
  const std::string port(address.substr(colon + 1));
  if (!is_host(host) && !(any_host && host == "*")) {
    return fail(in_quotes(whole) + " has no valid host" +
                only(any_host ? "a name, an IPv4 address, an IPv6 address in [ ], or *"
                              : "a name, an IPv4 address, or an IPv6 address in [ ]"));
  }
  if (any_port && port == "*") return {};
  if (!whole_number_in<int>(ports).read(port)) {
    return fail(in_quotes(whole) + " has no valid port" + only(allowed_ports));
  }
  return {};
}

Result<std::string> read_endpoint(const std::string& text, Attachment attachment) {
  const bool bind = attachment == Attachment::bind;
  const std::string_view view = text;
  const auto after = [&](std::string_view scheme) { return view.substr(scheme.size()); };
  if (view.starts_with("tcp://")) {
    const auto checked = check_address(after("tcp://"), text, bind, bind, Range{.low = 1, .high = 65535},
                                       bind ? "1 to 65535, or * for any free port" : "1 to 65535");
    if (!checked) return tl::make_unexpected(checked.error());
    return text;
  }
  if (view.starts_with("ipc://")) {
    const std::size_t length = after("ipc://").size();
    if (length == 0 || length > kLongestIpcPath) {
      return fail(in_quotes(text) + " has a path of " + std::to_string(length) + " bytes; allowed: 1 to " +
                  std::to_string(kLongestIpcPath));
    }
    return text;
  }
  if (view.starts_with("inproc://")) {
    if (after("inproc://").empty()) return fail(in_quotes(text) + " has no name; allowed: inproc://NAME");
    return text;
  }
  return fail(in_quotes(text) + " is not an endpoint" + only(kEndpoints));
}

// Takes the first word off `rest`, and the spaces around it.
std::string take_word(std::string& rest) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  const auto begin = std::find_if_not(rest.begin(), rest.end(), is_space);
  const auto end = std::find_if(begin, rest.end(), is_space);
  const std::string word(begin, end);
  rest.assign(std::find_if_not(end, rest.end(), is_space), rest.end());
  return word;
}

Result<InputOptions> read_replay(std::string rest) {
  InputOptions replay;
  replay.kind = InputKind::replay;
  replay.stream = take_word(rest);
  replay.path = rest;
  if (!wire::is_stream_name(replay.stream)) {
    return fail(in_quotes(replay.stream) + " is not a stream name" + only(kStreamNames));
  }
  if (replay.path.empty()) return fail("the path of the replay is missing; allowed: replay STREAM PATH");
  return replay;
}

Result<InputOptions> read_input(const std::string& text) {
  static const auto kinds = one_of<InputKind>(
      {{"pull", InputKind::pull},
       {"subscribe", InputKind::subscribe},
       {"acknowledged", InputKind::acknowledged},
       {"replay", InputKind::replay}});
  static const auto attachments = one_of<Attachment>({{"bind", Attachment::bind}, {"connect", Attachment::connect}});
  std::string rest = text;
  const auto kind = kinds.read(take_word(rest));
  if (!kind) return tl::make_unexpected(kind.error());
  if (*kind == InputKind::replay) return read_replay(rest);
  const auto attachment = attachments.read(take_word(rest));
  if (!attachment) return tl::make_unexpected(attachment.error());
  if (*kind == InputKind::acknowledged && *attachment != Attachment::bind)
    return fail("an acknowledged input does not connect" + only("acknowledged bind ENDPOINT"));
  const auto endpoint = read_endpoint(rest, *attachment);
  if (!endpoint) return tl::make_unexpected(endpoint.error());
  InputOptions socket;
  socket.kind = *kind;
  socket.attachment = *attachment;
  socket.endpoint = *endpoint;
  return socket;
}

std::string print_input(const InputOptions& input) {
  if (input.kind == InputKind::replay) return "replay " + input.stream + " " + input.path;
  const char* kind = input.kind == InputKind::pull ? "pull" : input.kind == InputKind::subscribe ? "subscribe" : "acknowledged";
  return std::string(kind) +
         (input.attachment == Attachment::bind ? " bind " : " connect ") + input.endpoint;
}

}  // namespace

Format<std::string> zmq_endpoint(Attachment attachment) {
  const auto read = [attachment](const std::string& text) { return read_endpoint(text, attachment); };
  return {kEndpoints, read, [](const std::string& text) { return text; }};
}

Format<std::string> http_endpoint() {
  const auto read = [](const std::string& text) -> Result<std::string> {
    if (text.empty()) return text;
    const auto checked =
        check_address(text, text, false, false, Range{.low = 0, .high = 65535}, "0 to 65535, where 0 is any free port");
    if (!checked) return tl::make_unexpected(checked.error());
    return text;
  };
  return {"HOST:PORT, or nothing", read, [](const std::string& text) { return text; }};
}

Format<InputOptions> input() {
  return {"pull|subscribe bind|connect ENDPOINT, acknowledged bind ENDPOINT, or replay STREAM PATH", read_input, print_input};
}

Format<std::vector<std::string>> stream_patterns() {
  const auto read = [](const std::string& text) -> Result<std::vector<std::string>> {
    std::istringstream words(text);
    std::vector<std::string> patterns;
    for (std::string word; words >> word;) {
      if (word.size() > kLongestPattern || !all_of(word, "_-*?")) {
        return fail(in_quotes(word) + " is not a pattern; allowed: 1 to 64 of A-Z a-z 0-9 _ - * ?");
      }
      patterns.push_back(word);
    }
    return patterns;
  };
  const auto print = [](const std::vector<std::string>& patterns) {
    std::string text;
    for (const std::string& pattern : patterns) text += (text.empty() ? "" : " ") + pattern;
    return text;
  };
  return {"patterns with * and ?, separated by spaces; or nothing", read, print};
}

bool matches(const std::string& pattern, const std::string& name) {
  return fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

}  // namespace emulsion::service
