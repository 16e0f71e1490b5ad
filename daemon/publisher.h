// Numbers what goes out, turns it into frames and gives these to the sink.
//
// Every topic has its own sequence 0, 1, 2, ... from the start of the daemon, so that a subscriber can count what it
// missed. One thread owns it.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "daemon/stream.h"
#include "daemon/transport.h"
#include "emulsion/wire/convert.h"
#include "emulsion/wire/topic.h"

namespace emulsion::service {

class Publisher {
 public:
  // daemon_session: drawn at random when the daemon starts.
  Publisher(FrameSink& sink, std::uint64_t daemon_session) : sink_(sink), daemon_session_(daemon_session) {}

  // Publishes labels and events, in their order.
  void publish(StreamOutput output);

  // Publishes a model, and keeps it for those who subscribe later.
  void publish(wire::ModelMessage model);

  // Forgets the last model of a stream.
  void drop_model(const std::string& stream);

  std::uint64_t daemon_session() const { return daemon_session_; }
  std::uint64_t published() const { return published_; }

  struct Counts {
    std::uint64_t models = 0, labels = 0, events = 0;  // messages
  };
  Counts counts(const std::string& stream) const;

 private:
  // The numbers of the next messages on the three topics of a stream.
  struct Topics {
    std::string model, labels, events;  // names
    Counts next;
  };

  Topics& topics_of(const std::string& stream);

  FrameSink& sink_;
  wire::Codec codec_;
  std::uint64_t daemon_session_;
  std::uint64_t published_ = 0;
  std::map<std::string, Topics> topics_;
};

}  // namespace emulsion::service
