#include "daemon/control.h"

#include "daemon/log.h"
#include "emulsion/wire/topic.h"

namespace emulsion::service {

using wire::ControlErrorCode;

std::string Control::answer(const Request& request) {
  wire::ControlReply reply;
  const auto decoded = codec_.decode_request(request.payload);
  if (!request.fault.empty()) {
    reply.result = wire::ControlError{ControlErrorCode::malformed, request.fault};
  } else if (!decoded) {
    reply.result = wire::ControlError{ControlErrorCode::malformed, decoded.error().message};
  } else {
    reply.request_id = decoded->request_id;
    reply.result = carry_out(*decoded);
  }
  return codec_.encode(reply);
}

Control::Outcome Control::carry_out(const wire::ControlRequest& request) {
  return std::visit([this](const auto& command) { return run(command); }, request.command);
}

Control::Outcome Control::run(const std::monostate&) {
  return wire::ControlError{ControlErrorCode::unknown_command, "the request has no command, or one that this version does not know"};
}

Control::Outcome Control::run(const wire::StatusRequest& command) {
  wire::StatusReply reply = daemon_status();
  if (command.stream.empty()) {
    for (const auto& [name, entry] : streams_.all()) reply.streams.push_back(entry.stream.status());
    return reply;
  }
  const StreamEntry* entry = streams_.find(command.stream);
  if (entry == nullptr) return unknown_stream(command.stream);
  reply.streams.push_back(entry->stream.status());
  reply.streams.back().digest = entry->stream.digest();
  reply.streams.back().state_digest = entry->stream.state_digest();
  return reply;
}

Control::Outcome Control::run(const wire::ListRequest&) {
  wire::ListReply reply;
  for (const auto& [name, entry] : streams_.all()) reply.streams.push_back(name);
  return reply;
}

Control::Outcome Control::run(const wire::GetModelRequest& command) {
  const StreamEntry* entry = streams_.find(command.stream);
  if (entry == nullptr) return unknown_stream(command.stream);
  if (!entry->stream.has_model()) return no_model(command.stream);
  wire::GetModelReply reply{entry->stream.model()};
  reply.model.daemon_session = publisher_.daemon_session();
  reply.model.topic_sequence = entry->published.models;
  return reply;
}

Control::Outcome Control::run(const wire::SaveRequest& command) {
  if (!streams_.has_store())
    return wire::ControlError{ControlErrorCode::failed, "no state_directory is configured; there is nowhere to save to"};
  if (!command.stream.empty() && streams_.find(command.stream) == nullptr) return unknown_stream(command.stream);
  wire::SaveReply reply;
  std::string problems;
  for (auto& [name, entry] : streams_.all()) {
    if (!command.stream.empty() && name != command.stream) continue;
    streams_.changed(entry);
    if (const auto saved = streams_.save(entry); saved)
      reply.streams.push_back(name);
    else
      problems += (problems.empty() ? "" : "; ") + saved.error().message;
  }
  if (!problems.empty()) return wire::ControlError{ControlErrorCode::failed, problems};
  return reply;
}

Control::Outcome Control::run(const wire::ResetRequest& command) {
  StreamEntry* entry = streams_.find(command.stream);
  if (entry == nullptr) return unknown_stream(command.stream);
  // Producers of acknowledged inputs have let go of what they have sent, so their positions must not be lost.
  const bool keep_positions = entry->stream.has_acknowledged();
  if (const auto removed = keep_positions ? Result<void>{} : streams_.forget(command.stream); !removed)
    return wire::ControlError{ControlErrorCode::failed, removed.error().message};
  StreamOutput output;
  entry->stream.reset(output);
  entry->unpublished = false;
  streams_.changed(*entry);
  if (const auto saved = keep_positions ? streams_.save(*entry) : Result<void>{}; !saved)
    log::error("stream {}: not saved after its reset: {}", command.stream, saved.error().message);
  publish_(*entry, output);
  log::info("stream {}: reset by request", command.stream);
  return wire::ResetReply{};
}

Control::Outcome Control::run(const wire::PauseRequest& command) {
  StreamEntry* entry = streams_.find(command.stream);
  if (entry == nullptr) return unknown_stream(command.stream);
  if (!entry->stream.has_model()) return no_model(command.stream);
  StreamOutput output;
  entry->stream.pause(output);
  publish_(*entry, output);
  return wire::PauseReply{};
}

Control::Outcome Control::run(const wire::ResumeRequest& command) {
  StreamEntry* entry = streams_.find(command.stream);
  if (entry == nullptr) return unknown_stream(command.stream);
  StreamOutput output;
  entry->stream.resume(output);
  publish_(*entry, output);
  return wire::ResumeReply{};
}

Control::Outcome Control::run(const wire::FlushRequest& command) {
  StreamEntry* entry = streams_.find(command.stream);
  if (entry == nullptr) return unknown_stream(command.stream);
  StreamOutput output;
  const std::uint64_t points = entry->stream.flush(output);
  publish_(*entry, output);
  return wire::FlushReply{points};
}

Control::Outcome Control::run(const wire::ShutdownRequest&) {
  shutdown_requested_ = true;
  return wire::ShutdownReply{};
}

wire::StatusReply Control::daemon_status() const {
  wire::StatusReply reply;
  reply.version = EMULSION_VERSION;
  reply.uptime_seconds = uptime_();
  reply.messages_received = counts_.messages_received;
  reply.refusals = counts_.refusals.list();
  reply.messages_published = publisher_.published();
  reply.daemon_session = publisher_.daemon_session();
  reply.degraded = streams_.saves().reason();
  return reply;
}

wire::ControlError Control::unknown_stream(const std::string& name) {
  return {ControlErrorCode::unknown_stream, name.empty() ? std::string("the request names no stream")
                                                         : "there is no stream \"" + wire::printable(name) + "\""};
}

wire::ControlError Control::no_model(const std::string& name) {
  return {ControlErrorCode::no_model, "stream \"" + name + "\" has no model yet"};
}

}  // namespace emulsion::service
