#include "emulsion/wire/topic.h"

#include <catch2/catch.hpp>

namespace emulsion::wire {
namespace {

std::string refusal(std::string_view topic) {
  const auto parsed = parse_topic(topic);
  return parsed ? "accepted" : parsed.error().message;
}

TEST_CASE("a topic is written as the contract says and read back") {
  const auto [kind, text] = GENERATE(table<TopicKind, std::string>({
      {TopicKind::points, "emulsion.v1.radar_1-b.points."},
      {TopicKind::model, "emulsion.v1.radar_1-b.model."},
      {TopicKind::labels, "emulsion.v1.radar_1-b.labels."},
      {TopicKind::events, "emulsion.v1.radar_1-b.events."},
      {TopicKind::hello, "emulsion.v1.radar_1-b.hello."},
      {TopicKind::acknowledgement, "emulsion.v1.radar_1-b.acknowledgement."},
  }));
  CHECK(to_string(Topic{"radar_1-b", kind}) == text);
  const auto parsed = parse_topic(text);
  REQUIRE(parsed);
  CHECK(parsed->stream == "radar_1-b");
  CHECK(parsed->kind == kind);
}

TEST_CASE("a topic that is not whole is refused") {
  CHECK(refusal("").find("expected emulsion.v1.<stream>.<kind>.") != std::string::npos);
  for (const char* text : {"emulsion", "emulsion.v1.", "emulsion.v1..", "emulsion.v1.radar.",
                           "emulsion.v1.radar.points", "emulsion.v2.radar.points.", "xemulsion.v1.radar.points."}) {
    INFO(text);
    CHECK(refusal(text).find("expected emulsion.v1.<stream>.<kind>.") != std::string::npos);
  }
}

TEST_CASE("a topic with a bad stream or kind is refused by name") {
  CHECK(refusal("emulsion.v1.ra/dar.points.") ==
        "topic \"emulsion.v1.ra/dar.points.\": stream \"ra/dar\" is not 1 to 64 of the characters A-Z a-z 0-9 _ -");
  CHECK(refusal("emulsion.v1..points.").find("stream \"\"") != std::string::npos);
  CHECK(refusal("emulsion.v1.radar.point.") ==
        "topic \"emulsion.v1.radar.point.\": kind \"point\" is none of points, model, labels, events, hello, acknowledgement");
  CHECK(refusal("emulsion.v1.radar.points.x.").find("kind \"points.x\"") != std::string::npos);
  CHECK(refusal("emulsion.v1.radar.points..").find("kind \"points.\"") != std::string::npos);
}

TEST_CASE("the bytes of a refused topic are escaped and capped in the message") {
  const std::string message = refusal("emulsion.v1.\n\x1B[31m" + std::string(100000, 'a'));
  CHECK(message.find('\n') == std::string::npos);
  CHECK(message.find("\\x0A\\x1B[31m") != std::string::npos);
  CHECK(message.size() < 300);
}

TEST_CASE("a stream name is 1 to 64 of its characters") {
  CHECK(is_stream_name("a"));
  CHECK(is_stream_name("Radar_1-b"));
  CHECK(is_stream_name(std::string(64, 'z')));
  CHECK_FALSE(is_stream_name(std::string(65, 'z')));
  for (const char* text : {"", "a.b", "a b", "a:b", "a/b", "\xC3\xA9", "a\n"}) {
    INFO(text);
    CHECK_FALSE(is_stream_name(text));
  }
  CHECK_FALSE(is_stream_name(std::string_view("a\0b", 3)));
}

TEST_CASE("a producer name may also hold dots and colons") {
  CHECK(is_producer_name("host.example:7_A-z"));
  CHECK(is_producer_name(std::string(64, '.')));
  CHECK_FALSE(is_producer_name(std::string(65, '.')));
  for (const char* text : {"", "a b", "a/b", "\xC3\xA9", "a\t"}) {
    INFO(text);
    CHECK_FALSE(is_producer_name(text));
  }
}

TEST_CASE("a subscription to m1 does not match m10") {
  CHECK(subscription("m1") == "emulsion.v1.m1.");
  CHECK(to_string(Topic{"m1", TopicKind::model}).starts_with(subscription("m1")));
  CHECK_FALSE(to_string(Topic{"m10", TopicKind::model}).starts_with(subscription("m1")));
}

TEST_CASE("the empty subscription matches every stream") {
  CHECK(to_string(Topic{"m10", TopicKind::model}).starts_with(subscription("")));
}

TEST_CASE("printable text holds printable ASCII only, and tells escapes from text") {
  CHECK(printable("plain ~ text") == "plain ~ text");
  CHECK(printable("\n\t\x7F\xC3\xA9") == "\\x0A\\x09\\x7F\\xC3\\xA9");
  CHECK(printable(std::string_view("\0", 1)) == "\\x00");
  CHECK(printable("\\x0A") == "\\\\x0A");
}

TEST_CASE("printable text is never longer than its limit, and shows that it was cut") {
  CHECK(printable("abcdef", 6) == "abcdef");
  CHECK(printable("abcdefg", 6) == "abc...");
  CHECK(printable("ab\ncdefg", 6) == "ab...");
  CHECK(printable(std::string(81, 'a')) == std::string(77, 'a') + "...");
  for (std::size_t limit = 0; limit < 20; ++limit) {
    CHECK(printable("a\n\n\n\n\n\n\n", limit).size() <= limit);
  }
}

}  // namespace
}  // namespace emulsion::wire
