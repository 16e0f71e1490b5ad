// The whole daemon but for sockets, disk and clock.
#pragma once

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "daemon/feed.h"
#include "daemon/log.h"
#include "daemon/memory_state_store.h"
#include "daemon/memory_transport.h"
#include "daemon/pipeline.h"

namespace emulsion::service {

// Keeps what is logged while it lives.
class CapturedLog {
 public:
  CapturedLog() {
    log::write_to([this](std::string_view line) { lines_.emplace_back(line); });
  }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;
  ~CapturedLog() { log::write_to({}); }

  int count(const std::string& text) const {
    int found = 0;
    for (const std::string& line : lines_) found += line.find(text) != std::string::npos;
    return found;
  }

 private:
  std::vector<std::string> lines_;
};

// As many threads as EMULSION_TEST_THREADS says, which tests/soak.sh sets for the thread sanitizer; 1 otherwise.
inline int test_threads() {
  const char* text = std::getenv("EMULSION_TEST_THREADS");
  return text == nullptr ? 1 : std::atoi(text);
}

inline DaemonOptions quick_daemon() {
  DaemonOptions options;
  options.learning_threads = test_threads();
  options.defaults = quick_options();
  options.defaults.learner.threads = test_threads();
  options.streams["radar"] = options.defaults;
  options.dynamic_streams = {"s*"};
  options.max_streams = 3;
  return options;
}

class DaemonAtWork {
 public:
  explicit DaemonAtWork(const DaemonOptions& options = quick_daemon(), StateStore* store = nullptr) : streams(options, store) {
    const auto opened = streams.open();
    INFO((opened ? std::string() : opened.error().message));
    REQUIRE(opened);
    pipeline.emplace(Pipeline::Parts{{&source}, sink, control, streams, board, [this] { return read_clock(); }, 77, options.learning_threads},
                     options.save_interval_seconds);
  }
  DaemonAtWork(const DaemonAtWork&) = delete;
  DaemonAtWork& operator=(const DaemonAtWork&) = delete;

  void run() {
    while (pipeline->step()) {
    }
  }

  void wait(double seconds) {
    now += std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(seconds));
    run();
  }

  void push(const wire::PointsMessage& message, const std::string& stream = "radar") {
    REQUIRE(source.push({wire::to_string({stream, wire::TopicKind::points}), codec.encode(message)}));
  }

  void send(const wire::PointsMessage& message, const std::string& stream = "radar") {
    push(message, stream);
    run();
  }

  wire::ControlReply ask_bytes(std::string payload) {
    const std::uint64_t ticket = control.ask(std::move(payload));
    run();
    const auto answer = control.answer(ticket);
    REQUIRE(answer);
    const auto reply = codec.decode_reply(*answer);
    REQUIRE(reply);
    return *reply;
  }

  template <typename Command>
  wire::ControlReply ask(Command command, std::uint64_t request_id = 5) {
    return ask_bytes(codec.encode(wire::ControlRequest{request_id, std::move(command)}));
  }

  // What the pages for machines are made of.
  ServiceStatus watched() {
    board.ask();
    run();
    auto status = board.wait(std::chrono::milliseconds(0));
    REQUIRE(status);
    return std::move(*status);
  }

  wire::StatusReply status() { return std::get<wire::StatusReply>(ask(wire::StatusRequest{}).result); }
  std::string digest(const std::string& stream = "radar") { return streams.find(stream)->stream.digest(); }

  std::vector<wire::LabelsMessage> labels(const std::string& stream = "radar") {
    return published<wire::LabelsMessage>(stream, wire::TopicKind::labels, [&](auto& bytes) { return codec.decode_labels(bytes); });
  }
  std::vector<wire::ModelMessage> models(const std::string& stream = "radar") {
    return published<wire::ModelMessage>(stream, wire::TopicKind::model, [&](auto& bytes) { return codec.decode_model(bytes); });
  }
  std::vector<wire::EventMessage> events(const std::string& stream = "radar") {
    return published<wire::EventMessage>(stream, wire::TopicKind::events, [&](auto& bytes) { return codec.decode_event(bytes); });
  }

  CapturedLog log;

  // Before anything that holds references to them.
  MemorySource source;
  MemorySink sink;
  MemoryControl control;
  StatusBoard board;
  std::chrono::steady_clock::time_point now{};  // a machine that has just started
  std::chrono::microseconds tick{0};            // that the clock moves on whenever it is read
  wire::Codec codec;
  StreamRegistry streams;
  std::optional<Pipeline> pipeline;

 private:
  // Threads that learn may read a clock that stands still at the same time, so that one is not written to.
  std::chrono::steady_clock::time_point read_clock() {
    if (tick.count() != 0) now += tick;
    return now;
  }

  template <typename Message, typename Decode>
  std::vector<Message> published(const std::string& stream, wire::TopicKind kind, Decode decode) {
    std::vector<Message> messages;
    for (const Frame& frame : sink.sent()) {
      if (frame.topic != wire::to_string({stream, kind})) continue;
      auto message = decode(frame.payload);
      REQUIRE(message);
      messages.push_back(std::move(*message));
    }
    return messages;
  }
};

template <typename Reply>
bool is(const wire::ControlReply& reply) {
  return std::holds_alternative<Reply>(reply.result);
}

inline wire::ControlError error_of(const wire::ControlReply& reply) {
  REQUIRE(is<wire::ControlError>(reply));
  return std::get<wire::ControlError>(reply.result);
}

}  // namespace emulsion::service
