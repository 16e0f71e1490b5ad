// The one place that turns bytes into values and back.
//
// decode_* reads a payload frame and checks everything that can be checked without knowing the stream: sizes before
// anything is allocated, counts that must agree, enum values. Errors say which field is wrong, what it holds and what
// was expected; untrusted text in them is escaped and capped. encode cannot fail.
// Not thread-safe per object: a Codec reuses its protobuf messages, so one thread owns one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "emulsion/result.h"
#include "emulsion/wire/messages.h"

namespace emulsion::wire {

// Most coordinates that a point may have.
inline constexpr std::uint32_t kMaxDimension = 1024;

// Memory is kept from message to message, but not that of one of unusual size: beyond so many bytes it is given back.
inline constexpr std::size_t kKeptBytes = 1048576;

class Codec {
 public:
  Codec();
  ~Codec();
  Codec(Codec&&) noexcept;
  Codec& operator=(Codec&&) noexcept;

  // Reads points where they are: what is returned lies in the payload and in the codec, until it next decodes or encodes
  // points.
  Result<PointsMessageView> view_points(std::string_view payload);

  // Whose the payload is that view_points has refused just now; nothing if that cannot be read either.
  std::optional<MessageIdentity> refused_points() const;

  // What view_points returns, copied.
  Result<PointsMessage> decode_points(std::string_view payload);
  Result<HelloMessage> decode_hello(std::string_view payload);
  Result<AcknowledgementMessage> decode_acknowledgement(std::string_view payload);
  Result<LabelsMessage> decode_labels(std::string_view payload);
  Result<ModelMessage> decode_model(std::string_view payload);
  Result<EventMessage> decode_event(std::string_view payload);
  Result<ControlRequest> decode_request(std::string_view payload);
  Result<ControlReply> decode_reply(std::string_view payload);

  std::string encode(const PointsMessage& message);
  std::string encode(const HelloMessage& message);
  std::string encode(const AcknowledgementMessage& message);
  std::string encode(const LabelsMessage& message);
  std::string encode(const ModelMessage& message);
  std::string encode(const EventMessage& message);
  std::string encode(const ControlRequest& message);
  std::string encode(const ControlReply& message);

  // Appends to what is in `payload`. Once both have been as large as a message needs, nothing is allocated.
  void append(const LabelsMessage& message, std::string& payload);
  void append(const ModelMessage& message, std::string& payload);
  void append(const EventMessage& message, std::string& payload);

 private:
  struct Messages;  // the reused protobuf messages
  std::unique_ptr<Messages> messages_;
};

}  // namespace emulsion::wire
