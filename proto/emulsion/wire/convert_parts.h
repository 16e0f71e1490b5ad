// What the converters of single messages share. Private to this room: it shows generated protobuf headers.
//
// Each message has a `read` (from protobuf; its checks name the field from the outside in, as in
// "components[1].gaussian.mean: ...") and a `write` (to protobuf; cannot fail).
#pragma once

#include <google/protobuf/message_lite.h>

#include <climits>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "emulsion/result.h"
#include "emulsion/v1/acknowledged.pb.h"
#include "emulsion/v1/control.pb.h"
#include "emulsion/v1/events.pb.h"
#include "emulsion/v1/labels.pb.h"
#include "emulsion/v1/model.pb.h"
#include "emulsion/v1/points.pb.h"
#include "emulsion/wire/messages.h"

namespace emulsion::wire {

Result<PointsMessageView> read(const v1::Points& message, std::string_view values);  // lies in both

// A serialised points message in three parts: what stands before its values, their bytes, and what stands behind them. Where that is
// not plain to see, as in a message that is none, all of it is before.
struct PointsFields {
  std::string_view before;
  std::optional<std::string_view> values;
  std::string_view after;
};
PointsFields split_at_values(std::string_view payload);
PointsMessage copy_of(const PointsMessageView& view);
void write(const PointsMessage& value, v1::Points& message);
Result<HelloMessage> read(const v1::Hello& message);
void write(const HelloMessage& value, v1::Hello& message);
Result<AcknowledgementMessage> read(const v1::Acknowledgement& message);
void write(const AcknowledgementMessage& value, v1::Acknowledgement& message);
Result<LabelsMessage> read(const v1::Labels& message);
void write(const LabelsMessage& value, v1::Labels& message);
Result<ModelMessage> read(const v1::Model& message);
void write(const ModelMessage& value, v1::Model& message);
Result<EventMessage> read(const v1::Event& message);
void write(const EventMessage& value, v1::Event& message);
Result<ControlRequest> read(const v1::ControlRequest& message);
void write(const ControlRequest& value, v1::ControlRequest& message);
Result<ControlReply> read(const v1::ControlReply& message);
void write(const ControlReply& value, v1::ControlReply& message);

// A number as it stands in an error.
std::string text_of(double number);

// "field[index]."
std::string element(const char* field, int index);

// The text, escaped where it is not UTF-8: a message with such a string could not be read by anybody.
std::string utf8(const std::string& text);

// Errors: what the name is, and what was expected.
Result<void> check_stream(const std::string& stream);
Result<void> check_producer(const std::string& producer);

// Puts the place of an error before it.
inline auto inside(std::string place) {
  return [place = std::move(place)](const Error& error) { return Error{place + error.message}; };
}

// A bytes field as the little-endian numbers that it holds, and back.
template <typename T>
std::vector<T> from_bytes(const std::string& bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

template <typename T>
void to_bytes(const std::vector<T>& values, std::string* bytes) {
  bytes->assign(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

// Writes whichever alternative a variant holds.
template <typename... Writers>
struct Overloaded : Writers... {
  using Writers::operator()...;
};
template <typename... Writers>
Overloaded(Writers...) -> Overloaded<Writers...>;

}  // namespace emulsion::wire
