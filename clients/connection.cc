#include "clients/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>
#include <utility>
#include <zmq.hpp>

#include "clients/flags.h"
#include "clients/interrupt.h"
#include "emulsion/wire/convert.h"
#include "emulsion/wire/topic.h"

namespace emulsion::client {
namespace {

using Clock = std::chrono::steady_clock;

// Longest time that a wait does not look for Ctrl-C: a signal may come between the look and the wait.
constexpr Milliseconds kLook{100};

Milliseconds time_left(Deadline deadline) {
  return std::max(Milliseconds(0), std::chrono::ceil<Milliseconds>(deadline - Clock::now()));
}

std::string seconds(Milliseconds time) { return fmt::format("{:g} s", std::chrono::duration<double>(time).count()); }

Failure bad_endpoint(const std::string& endpoint, const zmq::error_t& error) {
  return {exit_code::kUsage, fmt::format("\"{}\": {}", wire::printable(endpoint), error.what()), std::nullopt};
}

void attach(zmq::socket_t& socket, const std::string& endpoint, bool bind) {
  bind ? socket.bind(endpoint) : socket.connect(endpoint);
}

// A dead peer behind a silent network is noticed after about a minute. (No ZeroMQ heartbeats: they can abort a SUB.)
void keep_alive(zmq::socket_t& socket) {
  socket.set(zmq::sockopt::tcp_keepalive, 1);
  socket.set(zmq::sockopt::tcp_keepalive_idle, 30);
  socket.set(zmq::sockopt::tcp_keepalive_intvl, 10);
  socket.set(zmq::sockopt::tcp_keepalive_cnt, 3);
}

// True if the socket has something to read before `deadline`; false at the deadline or when interrupted.
bool wait_readable(zmq::socket_t& socket, Deadline deadline) {
  for (;;) {
    zmq::pollitem_t item{socket.handle(), 0, ZMQ_POLLIN, 0};
    const Milliseconds left = time_left(deadline);
    try {
      if (zmq::poll(&item, 1, std::min(left, kLook)) > 0) return true;
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) throw;
    }
    if (left <= Milliseconds(0) || interrupted()) return false;
  }
}

// The parts of one message; empty if there is none now.
std::vector<zmq::message_t> read(zmq::socket_t& socket) {
  std::vector<zmq::message_t> parts;
  zmq::message_t part;
  for (;;) {
    try {
      if (!socket.recv(part, zmq::recv_flags::dontwait)) return parts;
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) throw;
      continue;
    }
    const bool more = part.more();
    if (parts.size() < 8) parts.push_back(std::move(part));  // no message of ours has more
    if (!more) return parts;
  }
}

// Tells when a socket has a peer.
class PeerMonitor {
 public:
  PeerMonitor(zmq::context_t& context, zmq::socket_t& socket) : events_(context, zmq::socket_type::pair) {
    const std::string address = fmt::format("inproc://peers-of-{}", socket.handle());
    if (zmq_socket_monitor(socket.handle(), address.c_str(), ZMQ_EVENT_HANDSHAKE_SUCCEEDED) != 0) throw zmq::error_t();
    events_.set(zmq::sockopt::linger, 0);
    events_.connect(address);
  }

  bool wait(Deadline deadline) {
    if (!seen_) seen_ = wait_readable(events_, deadline);
    while (!read(events_).empty()) {
    }
    return seen_;
  }

 private:
  zmq::socket_t events_;
  bool seen_ = false;
};

}  // namespace

Deadline from_now(Milliseconds time) { return Clock::now() + time; }

struct ControlConnection::State {
  std::string endpoint;
  zmq::context_t context;
  zmq::socket_t socket{context, zmq::socket_type::dealer};
  wire::Codec codec;
  std::uint64_t next_id = std::random_device()() + 1ULL;  // so that no reply to an earlier process fits
};

ControlConnection::ControlConnection(std::unique_ptr<State> state) : state_(std::move(state)) {}
ControlConnection::~ControlConnection() = default;
ControlConnection::ControlConnection(ControlConnection&&) noexcept = default;
ControlConnection& ControlConnection::operator=(ControlConnection&&) noexcept = default;

Attempt<ControlConnection> ControlConnection::open(const std::string& endpoint) {
  auto state = std::make_unique<State>();
  state->endpoint = endpoint;
  state->socket.set(zmq::sockopt::linger, 0);
  keep_alive(state->socket);
  try {
    attach(state->socket, endpoint, false);
  } catch (const zmq::error_t& error) {
    return tl::unexpected(bad_endpoint(endpoint, error));
  }
  return ControlConnection(std::move(state));
}

Attempt<wire::ControlReply> ControlConnection::ask(const Question& question, Milliseconds timeout) {
  State& state = *state_;
  const Deadline deadline = from_now(timeout);
  const std::uint64_t id = state.next_id++;
  const std::string payload = state.codec.encode(wire::ControlRequest{id, question});
  // The same two frames that a REQ socket sends, without its refusal to ask again after a lost reply.
  state.socket.send(zmq::const_buffer{}, zmq::send_flags::sndmore | zmq::send_flags::dontwait);
  state.socket.send(zmq::buffer(payload), zmq::send_flags::dontwait);

  while (wait_readable(state.socket, deadline)) {
    const auto parts = read(state.socket);
    if (parts.empty()) continue;
    auto reply = state.codec.decode_reply(parts.back().to_string_view());
    if (!reply) {
      return fail(exit_code::kUnavailable, fmt::format("what answers at {} is not this version of emulsiond: {}",
                                                       state.endpoint, reply.error().message));
    }
    if (reply->request_id != id && reply->request_id != 0) continue;
    if (const auto* error = std::get_if<wire::ControlError>(&reply->result)) {
      const bool early = error->code == wire::ControlErrorCode::no_model;
      return tl::unexpected(Failure{early ? exit_code::kTryLater : exit_code::kRefused,
                                    wire::printable(error->message, 500), error->code});
    }
    return std::move(*reply);
  }
  if (interrupted()) return fail(exit_code::kInterrupted, "interrupted");
  return fail(exit_code::kUnavailable,
              fmt::format("no answer from {} within {}; is emulsiond running?", state.endpoint, seconds(timeout)));
}

Failure ControlConnection::explained(Failure failure, std::string_view stream, Milliseconds timeout) {
  if (failure.answered != wire::ControlErrorCode::unknown_stream) return failure;
  const auto known = ask_for<wire::ListReply>(wire::ListRequest{}, timeout);
  if (!known) return failure;
  if (const auto meant = nearest(stream, known->streams))
    failure.message += "; did you mean \"" + *meant + "\"?";
  else if (known->streams.empty())
    failure.message += "; there are none yet";
  else
    failure.message += fmt::format("; there are {}", fmt::join(known->streams, ", "));
  return failure;
}

struct PointSender::State {
  SenderOptions options;
  zmq::context_t context;
  zmq::socket_t socket;
  std::unique_ptr<PeerMonitor> peers;  // of a PUSH; a publisher sees the subscriptions themselves

  explicit State(const SenderOptions& given)
      : options(given),
        socket(context, given.kind == SenderKind::push ? zmq::socket_type::push : zmq::socket_type::xpub) {}

  ~State() {
    if (socket.handle() != nullptr) zmq_socket_monitor(socket.handle(), nullptr, 0);
  }

  bool wait_for_subscription(std::string_view topic, Deadline deadline) {
    while (wait_readable(socket, deadline)) {
      for (const auto& part : read(socket)) {
        const std::string_view text = part.to_string_view();
        if (text.starts_with('\1') && topic.starts_with(text.substr(1))) return true;
      }
    }
    return false;
  }

  bool send_part(std::string_view bytes, bool more, Deadline deadline) {
    const auto flags = more ? zmq::send_flags::sndmore : zmq::send_flags::none;
    for (;;) {
      try {
        if (socket.send(zmq::const_buffer(bytes.data(), bytes.size()), flags)) return true;  // else after kLook
      } catch (const zmq::error_t& error) {
        if (error.num() != EINTR) throw;
      }
      if (interrupted() || Clock::now() >= deadline) return false;
    }
  }

  Failure silent(Milliseconds timeout, std::string_view what) const {
    if (interrupted()) return {exit_code::kInterrupted, "interrupted", std::nullopt};
    return {exit_code::kUnavailable,
            fmt::format("{} {}: {} within {}; is emulsiond running, and is this its input?",
                        options.kind == SenderKind::push ? "push to" : "publish to", options.endpoint, what,
                        seconds(timeout)),
            std::nullopt};
  }
};

PointSender::PointSender(std::unique_ptr<State> state) : state_(std::move(state)) {}
PointSender::~PointSender() = default;
PointSender::PointSender(PointSender&&) noexcept = default;
PointSender& PointSender::operator=(PointSender&&) noexcept = default;

Attempt<PointSender> PointSender::open(const SenderOptions& options) {
  auto state = std::make_unique<State>(options);
  zmq::socket_t& socket = state->socket;
  socket.set(zmq::sockopt::linger, 0);  // close() waits; an error does not
  socket.set(zmq::sockopt::sndtimeo, static_cast<int>(kLook.count()));
  keep_alive(socket);
  if (options.kind == SenderKind::publish) {
    socket.set(zmq::sockopt::xpub_nodrop, 1);  // at the high-water mark wait, where PUB would drop silently
  } else {
    state->peers = std::make_unique<PeerMonitor>(state->context, socket);
  }
  try {
    attach(socket, options.endpoint, options.bind);
  } catch (const zmq::error_t& error) {
    return tl::unexpected(bad_endpoint(options.endpoint, error));
  }
  return PointSender(std::move(state));
}

Attempt<void> PointSender::wait_for_peer(std::string_view topic, Milliseconds timeout) {
  const Deadline deadline = from_now(timeout);
  const bool push = state_->options.kind == SenderKind::push;
  const bool there = push ? state_->peers->wait(deadline) : state_->wait_for_subscription(topic, deadline);
  if (there) return {};
  return tl::unexpected(state_->silent(timeout, push ? "nobody there" : "nobody subscribed"));
}

Attempt<void> PointSender::send(std::string_view topic, std::string_view payload, Milliseconds timeout) {
  const Deadline deadline = from_now(timeout);
  if (state_->send_part(topic, true, deadline) && state_->send_part(payload, false, deadline)) return {};
  return tl::unexpected(state_->silent(timeout, "the queue is full and nothing was taken"));
}

Attempt<void> PointSender::close(Milliseconds timeout) {
  State& state = *state_;
  const Deadline deadline = from_now(timeout);
  zmq_socket_monitor(state.socket.handle(), nullptr, 0);
  state.peers.reset();
  state.socket.set(zmq::sockopt::linger, static_cast<int>(timeout.count()));
  state.socket.close();
  state.context.close();  // returns when the last message has left, or at the end of the linger time
  if (Clock::now() < deadline) return {};
  return tl::unexpected(state.silent(timeout, "not every message could be handed over"));
}

std::string PointSender::endpoint() const { return state_->socket.get(zmq::sockopt::last_endpoint); }

struct Conversation::State {
  zmq::context_t context;
  zmq::socket_t socket{context, zmq::socket_type::dealer};
};

Conversation::Conversation(std::unique_ptr<State> state) : state_(std::move(state)) {}
Conversation::~Conversation() = default;
Conversation::Conversation(Conversation&&) noexcept = default;
Conversation& Conversation::operator=(Conversation&&) noexcept = default;

Attempt<Conversation> Conversation::open(const std::string& endpoint) {
  auto state = std::make_unique<State>();
  zmq::socket_t& socket = state->socket;
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::immediate, 1);  // what waits for a connection would come late, and out of order
  socket.set(zmq::sockopt::sndhwm, 0);     // the daemon's credit is the bound
  socket.set(zmq::sockopt::rcvhwm, 0);
  socket.set(zmq::sockopt::reconnect_ivl, 20);
  socket.set(zmq::sockopt::reconnect_ivl_max, 500);
  keep_alive(socket);
  try {
    attach(socket, endpoint, false);
  } catch (const zmq::error_t& error) {
    return tl::unexpected(bad_endpoint(endpoint, error));
  }
  return Conversation(std::move(state));
}

bool Conversation::send(std::string_view topic, std::string_view payload) {
  try {
    return state_->socket.send(zmq::buffer(topic), zmq::send_flags::sndmore | zmq::send_flags::dontwait) &&
           state_->socket.send(zmq::buffer(payload), zmq::send_flags::dontwait);
  } catch (const zmq::error_t& error) {
    if (error.num() != EINTR) throw;
    return false;
  }
}

std::optional<Delivery> Conversation::receive(Deadline deadline) {
  for (;;) {
    const auto parts = read(state_->socket);
    if (parts.size() == 2) return Delivery{parts[0].to_string(), parts[1].to_string()};
    if (parts.empty() && !wait_readable(state_->socket, deadline)) return std::nullopt;
  }
}

struct Subscriber::State {
  zmq::context_t context;
  zmq::socket_t socket{context, zmq::socket_type::sub};
  PeerMonitor peers{context, socket};

  ~State() { zmq_socket_monitor(socket.handle(), nullptr, 0); }
};

Subscriber::Subscriber(std::unique_ptr<State> state) : state_(std::move(state)) {}
Subscriber::~Subscriber() = default;
Subscriber::Subscriber(Subscriber&&) noexcept = default;
Subscriber& Subscriber::operator=(Subscriber&&) noexcept = default;

Attempt<Subscriber> Subscriber::open(const SubscriberOptions& options) {
  auto state = std::make_unique<State>();
  zmq::socket_t& socket = state->socket;
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::rcvhwm, static_cast<int>(options.queue_messages));
  keep_alive(socket);
  for (const std::string& prefix : options.prefixes) socket.set(zmq::sockopt::subscribe, prefix);
  try {
    attach(socket, options.endpoint, false);
  } catch (const zmq::error_t& error) {
    return tl::unexpected(bad_endpoint(options.endpoint, error));
  }
  return Subscriber(std::move(state));
}

std::optional<Delivery> Subscriber::receive(Deadline deadline) {
  for (;;) {
    const auto parts = read(state_->socket);
    if (parts.size() == 2) return Delivery{parts[0].to_string(), parts[1].to_string()};
    if (parts.empty() && !wait_readable(state_->socket, deadline)) return std::nullopt;
  }
}

bool Subscriber::connected() { return state_->peers.wait(Clock::now()); }

}  // namespace emulsion::client
