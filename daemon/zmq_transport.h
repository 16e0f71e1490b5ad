// The transport over ZeroMQ: one hub owns the context and every socket.
//
// One message is a topic frame and a payload frame. What libzmq does when its queues are full: PULL and ROUTER make the
// producer wait, SUB and the sink drop; sequence numbers tell. An answer to a peer with a full queue is dropped.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "daemon/options.h"
#include "daemon/transport.h"
#include "emulsion/result.h"

namespace emulsion::service {

struct ZmqOptions {
  // Messages that may wait in each connection's queue, in either direction. Range [1, 10000000].
  int queue_messages = 4096;

  // Bytes that may wait there. libzmq counts messages only: so as many wait as fit if each has 8 KiB or the size of the
  // socket's first ones, whichever is more; 16 in any case (queue_mark.h). Range [65536, 1099511627776].
  std::int64_t queue_bytes = 67108864;

  // Longest frame that is read; a peer that sends a longer one is disconnected. Range [1024, 2147483647].
  std::int64_t max_message_bytes = 67108864;

  // Messages of an acknowledged source that may wait in each connection's queue, in either direction. Range [1, 10000000].
  int acknowledged_queue_messages = 2048;

  // How long the hub's end may wait until its last messages and replies have left.
  std::chrono::milliseconds linger{1000};
};

// What the hub hands out: the seam, and the endpoint. A bound endpoint is the real one, with the port in place of `*`.
class ZmqSource : public FrameSource {
 public:
  virtual const std::string& endpoint() const = 0;
};
class ZmqSink : public FrameSink {
 public:
  virtual const std::string& endpoint() const = 0;
};
class ZmqControl : public ControlChannel {
 public:
  virtual const std::string& endpoint() const = 0;
};

// Call order: add_* (wait (receive|send|reply)*)* ~
//
// One thread owns a hub and all that it hands out, which lives as long as the hub.
// Errors of add_*: the endpoint and the reason, as `cannot bind tcp://127.0.0.1:7701: Address already in use`.
class ZmqHub {
 public:
  explicit ZmqHub(const ZmqOptions& options = {});
  ~ZmqHub();

  // Points in: SUB, subscribed to every stream; PULL; or ROUTER, bound, which also answers. A name that does not resolve is no error; libzmq tries again.
  //
  // After close_intake() the source reads on until it finds nothing, or has read as many messages as its queue can
  // hold, and only then leaves the endpoint: leaving at once would drop what a connected socket has received
  // (libzmq 4.3.4 discards the queue on disconnect, keeps it on unbind) and what still waits in the kernel.
  Result<ZmqSource*> add_source(InputKind kind, Attachment attachment, const std::string& endpoint);

  // Results out: XPUB, bound. wait() takes note of who subscribes.
  Result<ZmqSink*> add_sink(const std::string& endpoint);

  // Questions in, answers out: ROUTER, bound, for REQ and DEALER clients.
  Result<ZmqControl*> add_control(const std::string& endpoint);

  // Lets wait() end when `fd` can be read, as for a signalfd. The caller keeps it open and reads it.
  void add_descriptor(int fd);

  // Waits until a source, a control channel or a descriptor has something to read, a subscriber came or went, or the time
  // is over. True if there is something to read. Zero does not wait; negative waits for ever.
  bool wait(std::chrono::milliseconds timeout);

 private:
  struct Sockets;
  std::unique_ptr<Sockets> sockets_;
};

}  // namespace emulsion::service
