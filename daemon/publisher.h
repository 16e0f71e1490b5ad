// Numbers what goes out, turns it into frames and gives these to the sink.
//
// Every topic has its own sequence 0, 1, 2, ... from the start of the daemon, so that a subscriber can count what it
// missed. One thread owns it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/stream.h"
#include "daemon/transport.h"
#include "emulsion/wire/convert.h"
#include "emulsion/wire/topic.h"

namespace emulsion::service {

// The numbers of the next messages on the three topics of a stream: how many have been published.
struct PublishedCounts {
  std::uint64_t models = 0, labels = 0, events = 0;
};

class Publisher {
 public:
  // daemon_session: drawn at random when the daemon starts.
  Publisher(FrameSink& sink, std::uint64_t daemon_session) : sink_(sink), daemon_session_(daemon_session) {}

  // Publishes the events and labels of a stream, in their order.
  //   counts  of the stream
  void publish(std::string_view stream, StreamOutput& output, PublishedCounts& counts);

  void publish(wire::ModelMessage model, PublishedCounts& counts);

  // True if somebody reads the models of a stream. Any thread may ask while nothing is published.
  bool has_model_reader(std::string_view stream) const { return sink_.has_reader(wire::to_string({stream, wire::TopicKind::model})); }

  std::uint64_t daemon_session() const { return daemon_session_; }
  std::uint64_t published() const { return published_; }

 private:
  // Numbers a message and sends it.
  template <typename Message>
  void send(std::string_view stream, wire::TopicKind kind, Message& message, std::uint64_t& count);

  FrameSink& sink_;
  wire::Codec codec_;
  std::uint64_t daemon_session_;
  std::uint64_t published_ = 0;

  // Of the frame that was sent last; reused.
  std::string topic_;
  std::string payload_;
};

}  // namespace emulsion::service
