// The connections to a daemon: questions, points going in (one way, or acknowledged), results coming out.
//
// ZeroMQ is used in connection.cc alone. Every wait has a deadline and ends at once when the user presses Ctrl-C
// (interrupt.h); the caller asks `interrupted()` to tell the one from the other.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "clients/failure.h"
#include "emulsion/wire/messages.h"

namespace emulsion::client {

// Where the daemon is; the defaults are the daemon's own.
struct Endpoints {
  std::string input = "tcp://127.0.0.1:7701";
  std::string acknowledged = "tcp://127.0.0.1:7705";  // which it has if it is configured
  std::string output = "tcp://127.0.0.1:7702";
  std::string control = "tcp://127.0.0.1:7703";
};

using Milliseconds = std::chrono::milliseconds;
using Deadline = std::chrono::steady_clock::time_point;
Deadline from_now(Milliseconds time);

// Errors of every `open`: exit_code::kUsage if the endpoint is not an address or cannot be bound.

// Asks the daemon, one question at a time. Not thread-safe.
class ControlConnection {
 public:
  using Question = decltype(wire::ControlRequest::command);

  static Attempt<ControlConnection> open(const std::string& endpoint);
  ~ControlConnection();
  ControlConnection(ControlConnection&&) noexcept;
  ControlConnection& operator=(ControlConnection&&) noexcept;

  // The reply to a question. Replies to earlier ones, which came too late, are dropped.
  // Errors: kUnavailable: no answer in time, or one that cannot be read. kRefused: the daemon says no, `answered` tells
  // why; kTryLater: it has no model yet.
  Attempt<wire::ControlReply> ask(const Question& question, Milliseconds timeout);

  // The same where only one kind of reply is right.
  template <typename Reply>
  Attempt<Reply> ask_for(const Question& question, Milliseconds timeout) {
    auto reply = ask(question, timeout);
    if (!reply) return tl::unexpected(std::move(reply.error()));
    if (auto* right = std::get_if<Reply>(&reply->result)) return std::move(*right);
    return fail(exit_code::kUnavailable, "the daemon answered another question than the one that was asked");
  }

  // A failure to tell the user. If it is that there is no such stream, it also tells which one may have been meant, or which
  // there are.
  Failure explained(Failure failure, std::string_view stream, Milliseconds timeout);

 private:
  struct State;
  explicit ControlConnection(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

enum class SenderKind {
  push,     // to one daemon, which reads with PULL: waits while the daemon is slower
  publish,  // to every subscriber; waits for the first one, and while the slowest is slower
};

struct SenderOptions {
  std::string endpoint;
  SenderKind kind = SenderKind::push;
  bool bind = false;  // others connect to us
};

// Sends points. Not thread-safe.
//
// Call order: open wait_for_peer send* close
class PointSender {
 public:
  static Attempt<PointSender> open(const SenderOptions& options);
  ~PointSender();
  PointSender(PointSender&&) noexcept;
  PointSender& operator=(PointSender&&) noexcept;

  // Until somebody is there who takes this topic. Errors: kUnavailable.
  Attempt<void> wait_for_peer(std::string_view topic, Milliseconds timeout);

  // Hands one message over; waits up to `timeout` while the queue is full. Errors: kUnavailable.
  Attempt<void> send(std::string_view topic, std::string_view payload, Milliseconds timeout);

  // Waits until what was sent has left this process. Errors: kUnavailable.
  Attempt<void> close(Milliseconds timeout);

  // Where we are bound or connected to, with a wildcard port resolved.
  std::string endpoint() const;

 private:
  struct State;
  explicit PointSender(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// One message of the daemon.
struct Delivery {
  std::string topic;
  std::string payload;
};

// Both ways with the acknowledged input of a daemon. Not thread-safe.
class Conversation {
 public:
  static Attempt<Conversation> open(const std::string& endpoint);
  ~Conversation();
  Conversation(Conversation&&) noexcept;
  Conversation& operator=(Conversation&&) noexcept;

  // Sends if there is a connection; false, and nothing is kept for later, if there is none.
  bool send(std::string_view topic, std::string_view payload);

  // What the daemon says next; nothing at the deadline or when interrupted.
  std::optional<Delivery> receive(Deadline deadline);

 private:
  struct State;
  explicit Conversation(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

struct SubscriberOptions {
  std::string endpoint;
  std::vector<std::string> prefixes;       // of topics
  std::uint64_t queue_messages = 1000000;  // that may wait here before the daemon drops further ones for us
};

// Receives what the daemon publishes. Not thread-safe.
class Subscriber {
 public:
  static Attempt<Subscriber> open(const SubscriberOptions& options);
  ~Subscriber();
  Subscriber(Subscriber&&) noexcept;
  Subscriber& operator=(Subscriber&&) noexcept;

  // The next message; nothing at the deadline or when interrupted. A message of other than two frames is skipped.
  std::optional<Delivery> receive(Deadline deadline);

  // True once the daemon has been reached.
  bool connected();

 private:
  struct State;
  explicit Subscriber(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace emulsion::client
