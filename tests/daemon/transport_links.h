// The same link made of memory and of ZeroMQ: what the pipeline holds on one side, peers on the other.
#pragma once

#include <catch2/catch.hpp>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "daemon/memory_transport.h"
#include "daemon/raw_peer.h"
#include "daemon/zmq_transport.h"

namespace emulsion::service {

using Parts = std::vector<std::string>;
inline constexpr std::chrono::seconds kDeadline{10};

// Repeats `attempt` until it gives something, waiting on `hub` in between; nothing after the deadline.
template <typename Attempt>
auto eventually(ZmqHub& hub, Attempt attempt) -> decltype(attempt()) {
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  for (;;) {
    if (auto outcome = attempt()) return outcome;
    if (std::chrono::steady_clock::now() > deadline) return {};
    hub.wait(std::chrono::milliseconds(1));
  }
}

inline void send_parts(zmq::socket_t& socket, const Parts& parts) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    socket.send(zmq::buffer(parts[i]), i + 1 < parts.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
  }
}

inline std::optional<Parts> receive_parts(zmq::socket_t& socket) {
  Parts parts;
  zmq::message_t part;
  while (socket.recv(part, zmq::recv_flags::dontwait)) {
    parts.push_back(part.to_string());
    if (!part.more()) return parts;
  }
  return std::nullopt;
}

struct MemoryLink {
  MemorySource memory_source;
  MemorySink memory_sink;
  MemoryControl memory_control;
  std::vector<std::deque<Frame>*> inboxes;

  FrameSource& source() { return memory_source; }
  FrameSink& sink() { return memory_sink; }
  ControlChannel& control() { return memory_control; }

  // The peer of the source sends messages, which arrive together.
  void publish(const std::vector<Parts>& messages) {
    for (const Parts& parts : messages) memory_source.push(parts);
  }
  // The next frame, waiting for it.
  std::optional<FrameView> next_frame() { return memory_source.receive(); }

  // A subscriber of the sink, by number, whose subscription has arrived.
  std::size_t subscribe(const std::string& prefix) {
    inboxes.push_back(&memory_sink.subscribe(prefix));
    return inboxes.size() - 1;
  }
  // The next frame of a subscriber, waiting for it.
  std::optional<Frame> next_published(std::size_t subscriber) {
    auto& inbox = *inboxes[subscriber];
    if (inbox.empty()) return std::nullopt;
    Frame frame = inbox.front();
    inbox.pop_front();
    return frame;
  }

  std::uint64_t ask(const std::string& payload) { return memory_control.ask(payload); }
  std::optional<Request> next_request() { return memory_control.receive(); }
  std::optional<std::string> answer(std::uint64_t ticket) { return memory_control.answer(ticket); }
};

template <InputKind kind, Attachment attachment>
struct ZmqLink {
  zmq::context_t peers{1};  // of the readers and askers
  RawPeer peer;
  ZmqHub hub;
  ZmqSource* zmq_source = nullptr;
  ZmqSink* zmq_sink = nullptr;
  ZmqControl* zmq_control = nullptr;
  struct Reader {
    zmq::socket_t socket;
    std::deque<Frame> inbox;
  };
  std::vector<Reader> readers;
  std::vector<zmq::socket_t> askers;

  ZmqLink() {
    zmq_sink = hub.add_sink("tcp://127.0.0.1:*").value();
    zmq_control = hub.add_control("tcp://127.0.0.1:*").value();
    const std::string there = attachment == Attachment::bind ? "tcp://127.0.0.1:*" : peer.listen();
    zmq_source = hub.add_source(kind, attachment, there).value();
    attachment == Attachment::bind ? peer.connect(zmq_source->endpoint()) : peer.accept();
    peer.shake_hands(kind == InputKind::acknowledged ? "DEALER" : kind == InputKind::pull ? "PUSH" : "PUB");
  }

  FrameSource& source() { return *zmq_source; }
  FrameSink& sink() { return *zmq_sink; }
  ControlChannel& control() { return *zmq_control; }

  void publish(const std::vector<Parts>& messages) {
    std::string bytes;
    for (const Parts& parts : messages) bytes += RawPeer::encode(parts);
    peer.write(bytes);
  }
  std::optional<FrameView> next_frame() {
    return eventually(hub, [&] { return zmq_source->receive(); });
  }

  std::size_t subscribe(const std::string& prefix) {
    // Subscriptions of one connection arrive in order, so the second one tells that the first is there.
    const std::string mark = "mark " + std::to_string(readers.size());
    Reader& reader = readers.emplace_back(Reader{zmq::socket_t(peers, zmq::socket_type::sub), {}});
    reader.socket.set(zmq::sockopt::linger, 0);
    reader.socket.connect(zmq_sink->endpoint());
    reader.socket.set(zmq::sockopt::subscribe, prefix);
    reader.socket.set(zmq::sockopt::subscribe, mark);
    REQUIRE(eventually(hub, [&] { return zmq_sink->has_reader(mark); }));
    return readers.size() - 1;
  }
  std::optional<Frame> next_published(std::size_t subscriber) {
    Reader& reader = readers[subscriber];
    if (reader.inbox.empty()) {
      const auto parts = eventually(hub, [&] { return receive_parts(reader.socket); });
      if (!parts) return std::nullopt;
      reader.inbox.push_back({parts->at(0), parts->at(1)});
    }
    Frame frame = reader.inbox.front();
    reader.inbox.pop_front();
    return frame;
  }

  std::uint64_t ask(const std::string& payload) {
    zmq::socket_t& asker = askers.emplace_back(peers, zmq::socket_type::req);
    asker.set(zmq::sockopt::linger, 0);
    asker.connect(zmq_control->endpoint());
    send_parts(asker, {payload});
    return askers.size() - 1;
  }
  std::optional<Request> next_request() {
    return eventually(hub, [&] { return zmq_control->receive(); });
  }
  std::optional<std::string> answer(std::uint64_t ticket) {
    const auto parts = eventually(hub, [&] { return receive_parts(askers[ticket]); });
    return parts ? std::optional(parts->at(0)) : std::nullopt;
  }
};

using PullBind = ZmqLink<InputKind::pull, Attachment::bind>;
using PullConnect = ZmqLink<InputKind::pull, Attachment::connect>;
using SubscribeBind = ZmqLink<InputKind::subscribe, Attachment::bind>;
using AcknowledgedBind = ZmqLink<InputKind::acknowledged, Attachment::bind>;
using SubscribeConnect = ZmqLink<InputKind::subscribe, Attachment::connect>;

}  // namespace emulsion::service
