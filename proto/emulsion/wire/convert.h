// The one place that turns bytes into values and back.
//
// decode_* reads a payload frame and checks everything that can be checked without knowing the stream: sizes before
// anything is allocated, counts that must agree, enum values. Errors say which field is wrong, what it holds and what
// was expected; untrusted text in them is escaped and capped. encode_* cannot fail.
// Not thread-safe per object: a Codec reuses its protobuf messages, so one thread owns one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "emulsion/result.h"
#include "emulsion/wire/messages.h"

namespace emulsion::wire {

// Most coordinates that a point may have.
inline constexpr std::uint32_t kMaxDimension = 1024;

class Codec {
 public:
  Codec();
  ~Codec();
  Codec(Codec&&) noexcept;
  Codec& operator=(Codec&&) noexcept;

  Result<PointsMessage> decode_points(std::string_view payload);
  Result<LabelsMessage> decode_labels(std::string_view payload);
  Result<ModelMessage> decode_model(std::string_view payload);
  Result<EventMessage> decode_event(std::string_view payload);
  Result<ControlRequest> decode_request(std::string_view payload);
  Result<ControlReply> decode_reply(std::string_view payload);

  std::string encode(const PointsMessage& message);
  std::string encode(const LabelsMessage& message);
  std::string encode(const ModelMessage& message);
  std::string encode(const EventMessage& message);
  std::string encode(const ControlRequest& message);
  std::string encode(const ControlReply& message);

 private:
  struct Messages;  // the reused protobuf messages
  std::unique_ptr<Messages> messages_;
};

}  // namespace emulsion::wire
