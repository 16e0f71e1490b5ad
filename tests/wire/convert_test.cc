#include "emulsion/wire/convert.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "decoding.h"
#include "golden.h"
#include "not_finite.h"
#include "raw_message.h"

namespace emulsion::wire {
namespace {

using testing::kInfinity;
using testing::kNan;

TEST_CASE("bytes that are not a message are refused for each type") {
  const std::string torn = "\x0A\x7F";  // a string of 127 bytes that is not there
  Codec codec;
  CHECK(error_of(codec.decode_points(torn)) == "points: 2 bytes that are not a message of type emulsion.v1.Points");
  CHECK(error_of(codec.decode_labels(torn)) == "labels: 2 bytes that are not a message of type emulsion.v1.Labels");
  CHECK(error_of(codec.decode_model(torn)) == "model: 2 bytes that are not a message of type emulsion.v1.Model");
  CHECK(error_of(codec.decode_event(torn)) == "event: 2 bytes that are not a message of type emulsion.v1.Event");
  const std::string torn_inside = "\x12\x7F";
  CHECK(error_of(codec.decode_request(torn_inside)) ==
        "request: 2 bytes that are not a message of type emulsion.v1.ControlRequest");
  CHECK(error_of(codec.decode_reply(torn_inside)) ==
        "reply: 2 bytes that are not a message of type emulsion.v1.ControlReply");
}

TEST_CASE("a string that is not UTF-8 makes the frame malformed") {
  CHECK(points_error(RawMessage().bytes(1, "\xFF")) ==
        "points: 3 bytes that are not a message of type emulsion.v1.Points");
}

TEST_CASE("a codec carries nothing over from one message to the next") {
  Codec codec;
  REQUIRE(codec.decode_points(golden("points_f32")));
  REQUIRE_FALSE(codec.decode_points("\x0A\x7F"));
  const auto message = codec.decode_points(points_head(1, 1).packed(7, 5.0).str());
  REQUIRE(message);
  CHECK(message->session == 0);
  CHECK(message->batch.size() == 1);
  CHECK(message->batch.weights.size() == 0);
  CHECK_FALSE(message->batch.has_times());
  CHECK_FALSE(message->end_of_stream);

  Codec moved = std::move(codec);
  CHECK(moved.encode(*message) == Codec().encode(*message));
}

// ---- Labels

RawMessage labels_head(std::uint64_t rows) { return RawMessage().bytes(1, "radar").bytes(4, "a1").varint(7, rows); }

std::string labels_error(const RawMessage& raw) { return error_of(Codec().decode_labels(raw.str())); }

TEST_CASE("labels whose arrays do not have one entry per row are refused") {
  const std::string two(16, '\0');
  const RawMessage span = RawMessage().varint(1, 1).varint(2, 2);
  CHECK(labels_error(labels_head(2).bytes(8, two).bytes(9, two).message(11, span)) == "accepted");
  CHECK(labels_error(labels_head(2).bytes(8, "x").bytes(9, two).message(11, span)) ==
        "labels: component_ids: 1 bytes, expected 16 (rows 2 x 8 bytes)");
  CHECK(labels_error(labels_head(2).bytes(8, two).message(11, span)) ==
        "labels: log_densities: 0 bytes, expected 16 (rows 2 x 8 bytes)");
  CHECK(labels_error(labels_head(2).bytes(8, two).bytes(9, two).bytes(10, "12345678").message(11, span)) ==
        "labels: responsibilities: 8 bytes, expected a multiple of 16 (rows 2 x 8 bytes)");
  CHECK(labels_error(labels_head(0).bytes(10, "12345678")) ==
        "labels: responsibilities: 8 bytes, expected a multiple of 0 (rows 0 x 8 bytes)");
}

TEST_CASE("labels whose spans do not cover their rows are refused") {
  const std::string two(16, '\0');
  const RawMessage body = labels_head(2).bytes(8, two).bytes(9, two);
  CHECK(labels_error(body) == "labels: model_spans: 0 rows in all, expected 2");
  // 3 + (2^32 - 1) is 2 in 32 bits.
  CHECK(labels_error(
            RawMessage(body).message(11, RawMessage().varint(2, 3)).message(11, RawMessage().varint(2, 0xFFFFFFFF))) ==
        "labels: model_spans: 4294967298 rows in all, expected 2");
  CHECK(labels_error(RawMessage(body).message(11, RawMessage().varint(1, 1))) ==
        "labels: model_spans: a span of 0 rows, expected at least 1");
}

TEST_CASE("labels of a bad stream or producer are refused") {
  CHECK(labels_error(RawMessage().bytes(1, "a.b").bytes(4, "a1")) ==
        "labels: stream: \"a.b\", expected 1 to 64 of the characters A-Z a-z 0-9 _ -");
  CHECK(labels_error(RawMessage().bytes(1, "radar")).find("labels: producer: \"\"") == 0);
}

// ---- Model

RawMessage gaussian(int type, std::initializer_list<double> mean, std::initializer_list<double> covariance) {
  RawMessage raw = RawMessage().varint(1, static_cast<std::uint64_t>(type));
  for (const double x : mean) raw.fixed64(2, x);
  for (const double x : covariance) raw.fixed64(3, x);
  return raw;
}

std::string component_error(const RawMessage& component) {
  const RawMessage good =
      RawMessage().varint(1, 1).fixed64(2, 0.5).message(6, gaussian(1, {0.0, 0.0}, {1.0, 0.0, 1.0}));
  const RawMessage raw = RawMessage().bytes(1, "radar").varint(5, 2).message(9, good).message(9, component);
  return error_of(Codec().decode_model(raw.str()));
}

std::string gaussian_error(const RawMessage& parameters) {
  return component_error(RawMessage().varint(1, 2).fixed64(2, 0.5).message(6, parameters));
}

TEST_CASE("a covariance has as many numbers as its type and dimension say") {
  CHECK(gaussian_error(gaussian(1, {0, 0}, {1, 0, 1})) == "accepted");
  CHECK(gaussian_error(gaussian(1, {0, 0}, {1, 0, 0, 1})) ==
        "model: components[1].gaussian.covariance: 4 numbers, expected 3");
  CHECK(gaussian_error(gaussian(2, {0, 0}, {1, 1})) == "accepted");
  CHECK(gaussian_error(gaussian(2, {0, 0}, {1})) == "model: components[1].gaussian.covariance: 1 numbers, expected 2");
  CHECK(gaussian_error(gaussian(3, {0, 0}, {1})) == "accepted");
  CHECK(gaussian_error(gaussian(3, {0, 0}, {})) == "model: components[1].gaussian.covariance: 0 numbers, expected 1");
  CHECK(gaussian_error(gaussian(4, {0, 0}, {1, 0, 1})) == "accepted");
  CHECK(gaussian_error(gaussian(4, {0, 0}, {1, 1})) ==
        "model: components[1].gaussian.covariance: 2 numbers, expected 3");
}

TEST_CASE("a component whose parameters are wrong is refused by its place") {
  CHECK(gaussian_error(gaussian(1, {0}, {1, 0, 1})) == "model: components[1].gaussian.mean: 1 numbers, expected 2");
  CHECK(gaussian_error(gaussian(1, {0, kNan}, {1, 0, 1})) ==
        "model: components[1].gaussian.mean: a number that is not finite");
  CHECK(gaussian_error(gaussian(1, {0, 0}, {kInfinity, 0, 1})) ==
        "model: components[1].gaussian.covariance: a number that is not finite");
  CHECK(gaussian_error(gaussian(0, {0, 0}, {1, 0, 1})) ==
        "model: components[1].gaussian.covariance_type: 0, expected 1 to 4");
  CHECK(gaussian_error(gaussian(5, {0, 0}, {1, 0, 1})) ==
        "model: components[1].gaussian.covariance_type: 5, expected 1 to 4");
  CHECK(component_error(RawMessage().varint(1, 2).fixed64(2, 0.5)) ==
        "model: components[1].parameters: none, or of a kind that this version does not know");
  CHECK(component_error(RawMessage().fixed64(2, 0.5)) == "model: components[1].id: 0, expected at least 1");
  CHECK(component_error(RawMessage().varint(1, 2).fixed64(2, 1.5)) ==
        "model: components[1].weight: 1.5, expected a number between 0 and 1");
  CHECK(component_error(RawMessage().varint(1, 2).fixed64(2, kNan)) ==
        "model: components[1].weight: nan, expected a number between 0 and 1");
}

TEST_CASE("a model without dimension or components is refused") {
  const auto error = [](const RawMessage& raw) { return error_of(Codec().decode_model(raw.str())); };
  CHECK(error(RawMessage().bytes(1, "radar")) == "model: dimension: 0, expected 1 to 1024");
  CHECK(error(RawMessage().bytes(1, "radar").varint(5, 1025)) == "model: dimension: 1025, expected 1 to 1024");
  CHECK(error(RawMessage().bytes(1, "radar").varint(5, 2)) == "model: components: none, expected at least 1");
}

// ---- Event

TEST_CASE("a conversation that contradicts itself is refused") {
  Codec codec;
  CHECK(error_of(codec.decode_hello(codec.encode(HelloMessage{"a", 7, 0}))) == "hello: question: 0, expected at least 1");
  CHECK(error_of(codec.decode_hello(codec.encode(HelloMessage{"", 7, 1}))).starts_with("hello: producer: "));
  AcknowledgementMessage message{"radar", "a", 7, 1, 5, 4, 9, 0, false, {}};
  CHECK(error_of(codec.decode_acknowledgement(codec.encode(message))) ==
        "acknowledgement: expected_sequence: 4, expected at least 5, which is next_sequence");
}

TEST_CASE("an event of an unknown kind is refused") {
  const auto error = [](std::uint64_t kind) {
    return error_of(Codec().decode_event(RawMessage().bytes(1, "radar").varint(4, kind).str()));
  };
  CHECK(error(7) == "accepted");
  CHECK(error(0) == "event: kind: 0, expected 1 to 14");
  CHECK(error(15) == "event: kind: 15, expected 1 to 14");
}

TEST_CASE("an event whose text is not UTF-8 is escaped, not lost") {
  EventMessage event;
  event.stream = "radar";
  event.text = "caf\xE9 \xE2\x80\x93";
  const auto decoded = Codec().decode_event(Codec().encode(event));
  REQUIRE(decoded);
  CHECK(decoded->text == "caf\\xE9 \\xE2\\x80\\x93");
}

TEST_CASE("every kind and phase has its own word") {
  CHECK(std::string(name(EventKind::update_failed)) == "update_failed");
  CHECK(std::string(name(StreamPhase::warming_up)) == "warming_up");
  std::vector<std::string> words;
  for (int kind = 1; kind <= 14; ++kind) words.emplace_back(name(static_cast<EventKind>(kind)));
  for (int phase = 1; phase <= 3; ++phase) words.emplace_back(name(static_cast<StreamPhase>(phase)));
  CHECK(std::count(words.begin(), words.end(), "unknown") == 0);
  CHECK(std::count(words.begin(), words.end(), "paused") == 2);
  CHECK(std::string(name(static_cast<EventKind>(15))) == "unknown");
  CHECK(std::string(name(static_cast<StreamPhase>(0))) == "unknown");
}

// ---- Control

TEST_CASE("a request with no command, or an unknown one, keeps its id") {
  const auto none = Codec().decode_request(RawMessage().varint(1, 77).str());
  REQUIRE(none);
  CHECK(none->request_id == 77);
  CHECK(std::holds_alternative<std::monostate>(none->command));

  const auto unknown = Codec().decode_request(RawMessage().varint(1, 78).message(99, RawMessage().varint(1, 1)).str());
  REQUIRE(unknown);
  CHECK(unknown->request_id == 78);
  CHECK(std::holds_alternative<std::monostate>(unknown->command));

  const auto again = Codec().decode_request(Codec().encode(ControlRequest{79, {}}));
  REQUIRE(again);
  CHECK(again->request_id == 79);
}

TEST_CASE("a request is read with its stream") {
  const auto request = Codec().decode_request(RawMessage().message(4, RawMessage().bytes(1, "radar")).str());
  REQUIRE(request);
  REQUIRE(std::holds_alternative<GetModelRequest>(request->command));
  CHECK(std::get<GetModelRequest>(request->command).stream == "radar");
}

TEST_CASE("a reply that cannot be understood is refused by its place") {
  const auto error = [](const RawMessage& raw) { return error_of(Codec().decode_reply(raw.str())); };
  CHECK(error(RawMessage().varint(1, 7)) == "reply: result: none, or one that this version does not know");
  CHECK(error(RawMessage().message(2, RawMessage())) == "reply: error.code: 0, expected 1 to 5");
  CHECK(error(RawMessage().message(3, RawMessage().message(6, RawMessage().varint(2, 4)))) ==
        "reply: status.streams[0].phase: 4, expected 1 to 3");
  CHECK(error(RawMessage().message(5, RawMessage())).find("reply: get_model.model.stream: \"\"") == 0);
}

}  // namespace
}  // namespace emulsion::wire
