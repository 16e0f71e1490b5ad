#include "emulsion/wire/convert.h"

#include <google/protobuf/io/coded_stream.h>

#include <algorithm>
#include <climits>
#include <utility>

#include "emulsion/wire/convert_parts.h"
#include "emulsion/wire/silence.h"

namespace emulsion::wire {

struct Codec::Messages {
  v1::Points points;
  std::size_t points_bytes = 0;  // of the most that `points` has had to take in
  v1::Hello hello;
  v1::Acknowledgement acknowledgement;
  v1::Labels labels;
  v1::Model model;
  v1::Event event;
  v1::ControlRequest request;
  v1::ControlReply reply;
};

namespace {

template <typename Message>
bool parse(std::string_view payload, Message& message) {
  return payload.size() <= INT_MAX && message.ParseFromArray(payload.data(), static_cast<int>(payload.size()));
}

// Adds the fields of a payload to those that are there.
template <typename Message>
bool merge(std::string_view payload, Message& message) {
  google::protobuf::io::CodedInputStream input(reinterpret_cast<const std::uint8_t*>(payload.data()), static_cast<int>(payload.size()));
  return message.MergeFromCodedStream(&input) && input.ConsumedEntireMessage();
}

template <typename Message>
auto not_a_message(const char* what, std::string_view payload, Message& message) {
  message.Clear();  // half a message is none
  return fail(what + (": " + std::to_string(payload.size()) + " bytes that are not a message of type ") + message.GetTypeName());
}

template <typename Message>
using ReadResult = decltype(read(std::declval<const Message&>()));

template <typename Message>
ReadResult<Message> decode(const char* what, std::string_view payload, Message& message) {
  if (!parse(payload, message)) return not_a_message(what, payload, message);
  auto value = read(message);
  if (!value) return fail(what + (": " + value.error().message));
  return value;
}

template <typename Value, typename Message>
void append_to(std::string& payload, const Value& value, Message& message) {
  message.Clear();
  write(value, message);
  message.AppendToString(&payload);
  if (static_cast<std::size_t>(message.GetCachedSize()) > kKeptBytes) message = {};
}

template <typename Value, typename Message>
std::string encode_into(const Value& value, Message& message) {
  std::string payload;
  append_to(payload, value, message);
  return payload;
}

}  // namespace

Codec::Codec() : messages_(std::make_unique<Messages>()) { silence_protobuf(); }
Codec::~Codec() = default;
Codec::Codec(Codec&&) noexcept = default;
Codec& Codec::operator=(Codec&&) noexcept = default;

Result<PointsMessageView> Codec::view_points(std::string_view payload) {
  const auto [before, values, after] = split_at_values(payload);
  const std::size_t bytes = before.size() + after.size();
  if (messages_->points_bytes > kKeptBytes && bytes <= kKeptBytes) {
    messages_->points = {};
    messages_->points_bytes = 0;
  }
  messages_->points_bytes = std::max(messages_->points_bytes, bytes);
  v1::Points& points = messages_->points;
  if (!parse(before, points) || !merge(after, points)) return not_a_message("points", payload, points);
  auto view = read(points, values.value_or(points.values()));
  if (!view) return fail("points: " + view.error().message);
  return view;
}
Result<PointsMessage> Codec::decode_points(std::string_view payload) {
  return view_points(payload).map(copy_of);
}
std::optional<MessageIdentity> Codec::refused_points() const {
  const v1::Points& points = messages_->points;
  if (!check_producer(points.producer())) return std::nullopt;
  return MessageIdentity{points.producer(), points.session(), points.sequence()};
}
Result<HelloMessage> Codec::decode_hello(std::string_view payload) {
  return decode("hello", payload, messages_->hello);
}
Result<AcknowledgementMessage> Codec::decode_acknowledgement(std::string_view payload) {
  return decode("acknowledgement", payload, messages_->acknowledgement);
}
Result<LabelsMessage> Codec::decode_labels(std::string_view payload) {
  return decode("labels", payload, messages_->labels);
}
Result<ModelMessage> Codec::decode_model(std::string_view payload) {
  return decode("model", payload, messages_->model);
}
Result<EventMessage> Codec::decode_event(std::string_view payload) {
  return decode("event", payload, messages_->event);
}
Result<ControlRequest> Codec::decode_request(std::string_view payload) {
  return decode("request", payload, messages_->request);
}
Result<ControlReply> Codec::decode_reply(std::string_view payload) {
  return decode("reply", payload, messages_->reply);
}

std::string Codec::encode(const PointsMessage& message) { return encode_into(message, messages_->points); }
std::string Codec::encode(const HelloMessage& message) { return encode_into(message, messages_->hello); }
std::string Codec::encode(const AcknowledgementMessage& message) { return encode_into(message, messages_->acknowledgement); }
std::string Codec::encode(const LabelsMessage& message) { return encode_into(message, messages_->labels); }
std::string Codec::encode(const ModelMessage& message) { return encode_into(message, messages_->model); }
std::string Codec::encode(const EventMessage& message) { return encode_into(message, messages_->event); }
std::string Codec::encode(const ControlRequest& message) { return encode_into(message, messages_->request); }
std::string Codec::encode(const ControlReply& message) { return encode_into(message, messages_->reply); }

void Codec::append(const LabelsMessage& message, std::string& payload) { append_to(payload, message, messages_->labels); }
void Codec::append(const ModelMessage& message, std::string& payload) { append_to(payload, message, messages_->model); }
void Codec::append(const EventMessage& message, std::string& payload) { append_to(payload, message, messages_->event); }

}  // namespace emulsion::wire
