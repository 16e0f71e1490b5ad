// Requests to the daemon to values and back.
#include "emulsion/wire/convert_parts.h"

namespace emulsion::wire {

Result<ControlRequest> read(const v1::ControlRequest& message) {
  ControlRequest result;
  result.request_id = message.request_id();
  switch (message.command_case()) {
    case v1::ControlRequest::kStatus:
      result.command = StatusRequest{message.status().stream()};
      break;
    case v1::ControlRequest::kList:
      result.command = ListRequest{};
      break;
    case v1::ControlRequest::kGetModel:
      result.command = GetModelRequest{message.get_model().stream()};
      break;
    case v1::ControlRequest::kSave:
      result.command = SaveRequest{message.save().stream()};
      break;
    case v1::ControlRequest::kReset:
      result.command = ResetRequest{message.reset().stream()};
      break;
    case v1::ControlRequest::kPause:
      result.command = PauseRequest{message.pause().stream()};
      break;
    case v1::ControlRequest::kResume:
      result.command = ResumeRequest{message.resume().stream()};
      break;
    case v1::ControlRequest::kFlush:
      result.command = FlushRequest{message.flush().stream()};
      break;
    case v1::ControlRequest::kShutdown:
      result.command = ShutdownRequest{};
      break;
    case v1::ControlRequest::COMMAND_NOT_SET:
      break;
  }
  return result;
}

void write(const ControlRequest& value, v1::ControlRequest& message) {
  message.set_request_id(value.request_id);
  std::visit(Overloaded{
                 [](const std::monostate&) {},
                 [&](const StatusRequest& request) { message.mutable_status()->set_stream(request.stream); },
                 [&](const ListRequest&) { message.mutable_list(); },
                 [&](const GetModelRequest& request) { message.mutable_get_model()->set_stream(request.stream); },
                 [&](const SaveRequest& request) { message.mutable_save()->set_stream(request.stream); },
                 [&](const ResetRequest& request) { message.mutable_reset()->set_stream(request.stream); },
                 [&](const PauseRequest& request) { message.mutable_pause()->set_stream(request.stream); },
                 [&](const ResumeRequest& request) { message.mutable_resume()->set_stream(request.stream); },
                 [&](const FlushRequest& request) { message.mutable_flush()->set_stream(request.stream); },
                 [&](const ShutdownRequest&) { message.mutable_shutdown(); },
             },
             value.command);
}

}  // namespace emulsion::wire
