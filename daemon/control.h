// Answers the requests of the control endpoint.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "daemon/publisher.h"
#include "daemon/stream_registry.h"
#include "emulsion/wire/convert.h"
#include "emulsion/wire/messages.h"

namespace emulsion::service {

// Numbers of the daemon as a whole.
struct DaemonCounts {
  std::uint64_t messages_received = 0;
  Refusals refusals;  // of messages that belong to no stream
};

// One thread owns it.
class Control {
 public:
  // What a request makes a stream say.
  using Publish = std::function<void(StreamEntry& entry, StreamOutput& output)>;

  //   counts   kept by the pipeline
  //   uptime   seconds since the daemon started
  //   publish  lets the world, and whoever saves, know
  Control(StreamRegistry& streams, Publisher& publisher, const DaemonCounts& counts, std::function<double()> uptime, Publish publish)
      : streams_(streams), publisher_(publisher), counts_(counts), uptime_(std::move(uptime)), publish_(std::move(publish)) {}

  // The reply to a payload, whatever it is.
  std::string answer(const Request& request);

  // The status of the daemon, without its streams.
  wire::StatusReply daemon_status() const;

  // True once somebody has asked for the end.
  bool shutdown_requested() const { return shutdown_requested_; }

 private:
  using Outcome = decltype(wire::ControlReply::result);

  Outcome carry_out(const wire::ControlRequest& request);
  Outcome run(const std::monostate& command);
  Outcome run(const wire::StatusRequest& command);
  Outcome run(const wire::ListRequest& command);
  Outcome run(const wire::GetModelRequest& command);
  Outcome run(const wire::SaveRequest& command);
  Outcome run(const wire::ResetRequest& command);
  Outcome run(const wire::PauseRequest& command);
  Outcome run(const wire::ResumeRequest& command);
  Outcome run(const wire::FlushRequest& command);
  Outcome run(const wire::ShutdownRequest& command);
  static wire::ControlError unknown_stream(const std::string& name);
  static wire::ControlError no_model(const std::string& name);

  StreamRegistry& streams_;
  Publisher& publisher_;
  const DaemonCounts& counts_;
  std::function<double()> uptime_;
  Publish publish_;
  wire::Codec codec_;
  bool shutdown_requested_ = false;
};

}  // namespace emulsion::service
