#include "emulsion/wire/topic.h"

#include <algorithm>
#include <array>

namespace emulsion::wire {
namespace {

constexpr std::size_t kLongestName = 64;
constexpr std::array kKinds{TopicKind::points, TopicKind::model, TopicKind::labels, TopicKind::events, TopicKind::hello,
                            TopicKind::acknowledgement};

// Not std::isalnum: names must not depend on the locale.
bool is_alphanumeric(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool is_name(std::string_view text, std::string_view punctuation) {
  return !text.empty() && text.size() <= kLongestName && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_alphanumeric(c) || punctuation.find(c) != std::string_view::npos;
  });
}

void append_printable(std::string& out, char c) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  if (c == '\\') {
    out += "\\\\";
  } else if (byte >= 0x20 && byte < 0x7F) {
    out += c;
  } else {
    out += "\\x";
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
}

}  // namespace

const char* name(TopicKind kind) {
  switch (kind) {
    case TopicKind::points:
      return "points";
    case TopicKind::model:
      return "model";
    case TopicKind::labels:
      return "labels";
    case TopicKind::events:
      return "events";
    case TopicKind::hello:
      return "hello";
    case TopicKind::acknowledgement:
      return "acknowledgement";
  }
  return "unknown";
}

bool is_stream_name(std::string_view text) { return is_name(text, "_-"); }

bool is_producer_name(std::string_view text) { return is_name(text, "._:-"); }

std::string to_string(const Topic& topic) { return subscription(topic.stream) + name(topic.kind) + "."; }

Result<Topic> parse_topic(std::string_view text) {
  const auto refuse = [&](const std::string& problem) { return fail("topic \"" + printable(text) + "\": " + problem); };
  if (!text.starts_with(kTopicPrefix) || !text.ends_with('.')) {
    return refuse("expected emulsion.v1.<stream>.<kind>. with the last dot");
  }
  const std::string_view rest = text.substr(kTopicPrefix.size());
  const std::size_t dot = rest.find('.');
  if (dot == std::string_view::npos || dot + 1 == rest.size()) {
    return refuse("expected emulsion.v1.<stream>.<kind>. with a stream and a kind");
  }
  const std::string_view stream = rest.substr(0, dot);
  if (!is_stream_name(stream)) {
    return refuse("stream \"" + printable(stream) + "\" is not 1 to 64 of the characters A-Z a-z 0-9 _ -");
  }
  const std::string_view kind = rest.substr(dot + 1, rest.size() - dot - 2);
  const auto* known = std::find_if(kKinds.begin(), kKinds.end(), [&](TopicKind k) { return kind == name(k); });
  if (known == kKinds.end()) {
    return refuse("kind \"" + printable(kind) + "\" is none of points, model, labels, events, hello, acknowledgement");
  }
  return Topic{stream, *known};
}

std::string subscription(std::string_view stream) {
  std::string prefix(kTopicPrefix);
  if (!stream.empty()) prefix.append(stream).append(".");
  return prefix;
}

std::string printable(std::string_view text, std::size_t limit) {
  constexpr std::string_view kEllipsis = "...";
  std::string out;
  std::size_t kept = 0;  // what fits together with an ellipsis
  for (const char c : text) {
    append_printable(out, c);
    if (out.size() + kEllipsis.size() <= limit) kept = out.size();
    if (out.size() > limit) {
      out.resize(kept);
      return out.append(kEllipsis.substr(0, limit));
    }
  }
  return out;
}

}  // namespace emulsion::wire
