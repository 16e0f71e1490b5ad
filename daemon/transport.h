// How frames come in and go out: the seam between the pipeline and the world.
//
// Implementations: zmq_transport.h (ZeroMQ), memory_transport.h (tests), file_replay.h (recorded data).
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace emulsion::service {

// One message: where it belongs and what it says. Its bytes are somebody else's.
struct FrameView {
  std::string_view topic;
  std::string_view payload;

  // Not empty: what came is no frame, and why, such as "frames: 3, expected 2". The topic is then what was readable of
  // it, at most kFaultTopicBytes; the payload is empty. It is received, counted and settled as refused like any other.
  std::string_view fault = {};

  // Who sent it, where the source can answer: opaque, and given back with the answer.
  std::string_view peer = {};

  // Where the source goes on behind this frame, in its own form: to be kept with the state of the stream, so that the
  // source can be opened there again. Empty: it has no such place.
  std::string_view mark = {};
};

// The same with bytes of its own.
struct Frame {
  std::string topic;
  std::string payload;
  std::string fault = {};
  std::string peer = {};
  std::string mark = {};

  operator FrameView() const { return {topic, payload, fault, peer, mark}; }
};
inline Frame copy_of(const FrameView& frame) {
  return {std::string(frame.topic), std::string(frame.payload), std::string(frame.fault), std::string(frame.peer), std::string(frame.mark)};
}

// The fault of a message of so many frames, where a topic and a payload were expected.
inline std::string frame_count_fault(std::size_t frames) {
  return "frames: " + std::to_string(frames) + ", expected 2";
}
inline constexpr std::size_t kFaultTopicBytes = 256;

// What became of a frame.
enum class Outcome {
  applied,    // its good rows are in the stream
  duplicate,  // it had been applied before
  refused,    // nothing of it was used
  ahead,      // dropped, as others of its session come first
  question,   // it was no message of points, and has been answered
};

// Where frames come from. One thread owns it.
//
// Call order: (receive* settle*)*     every received frame is settled once, in the order of receipt; the source keeps its
//                                     bytes until then
class FrameSource {
 public:
  virtual ~FrameSource() = default;

  // The next frame, or nothing if none is there now. Never blocks.
  virtual std::optional<FrameView> receive() = 0;

  // Tells the source what became of a frame, and that its bytes can go.
  virtual void settle(const FrameView& frame, Outcome outcome) = 0;

  // True if producers are told what is durable, and send again what is not: each session is then taken strictly in order.
  virtual bool acknowledges() const { return false; }

  // Sends to the peer of an earlier frame. Never blocks: an answer to a peer that is gone, or does not read, is lost, and
  // the peer asks again.
  virtual void answer(std::string_view /*peer*/, const FrameView& /*answer*/) {}

  // True when no frame can ever come again, as at the end of a file.
  virtual bool exhausted() const = 0;

  // Stops accepting; what has been received already can still be read. The source is exhausted once receive() has then
  // found nothing.
  virtual void close_intake() = 0;

  // For messages to people, such as "pull tcp://127.0.0.1:7701".
  virtual std::string describe() const = 0;
};

// Where frames go. Never blocks: a reader who is too slow loses frames, and can count them.
class FrameSink {
 public:
  virtual ~FrameSink() = default;
  virtual void send(const FrameView& frame) = 0;

  // True if somebody has subscribed to a topic: what nobody reads need not be made.
  virtual bool has_reader(std::string_view topic) const = 0;

  // Prefixes of topics that somebody has subscribed to since the last call, each once: whoever did is owed what is kept for
  // late subscribers.
  virtual std::set<std::string> new_subscriptions() = 0;
};

// One request of a client of the control endpoint.
struct Request {
  std::string reply_to;  // opaque: given back with the reply
  std::string payload;
  std::string fault = {};  // not empty: what came is no request, and why; it still wants a reply
};

// Where requests come from and replies go. One thread owns it.
class ControlChannel {
 public:
  virtual ~ControlChannel() = default;

  // The next request, or nothing if none is there now. Never blocks.
  virtual std::optional<Request> receive() = 0;
  virtual void reply(const Request& request, std::string payload) = 0;
};

}  // namespace emulsion::service
