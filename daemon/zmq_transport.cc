#include "daemon/zmq_transport.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <cstring>
#include <random>
#include <set>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "daemon/queue_mark.h"
#include "daemon/subscriptions.h"
#include "daemon/unsettled.h"
#include "emulsion/wire/topic.h"

namespace emulsion::service {
namespace {

// A subscription is one byte and a prefix of a topic; a longer frame disconnects the peer.
constexpr std::int64_t kMaxSubscriptionBytes = 4096;

// Subscriptions that are read before the pipeline has its turn again.
constexpr int kSubscriptionsPerWait = 1000;

// No topic of ours is longer, so a longer prefix is one of none.
constexpr std::size_t kLongestTopic = 128;

// Frames of an envelope: an identity, a delimiter, and some for proxies in between.
constexpr std::size_t kMaxEnvelopeFrames = 8;

constexpr std::int64_t kMaxRequestBytes = 1048576;

// Reads one part of a message; false if there is none.
bool read(zmq::socket_t& socket, zmq::message_t& part) {
  for (;;) {
    try {
      return socket.recv(part, zmq::recv_flags::dontwait).has_value();
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) throw;
    }
  }
}

// Reads a whole message and keeps its first `limit` parts and its last: libzmq hands over a message once all of it has
// come, but sets no bound on the number of its parts.
struct Parts {
  std::vector<zmq::message_t> first;
  zmq::message_t last;
  std::size_t count = 0;
};
Parts read_parts(zmq::socket_t& socket, std::size_t limit) {
  Parts parts;
  zmq::message_t part;
  while (read(socket, part)) {
    ++parts.count;
    const bool more = part.more();
    if (!more) {
      parts.last = std::move(part);
      break;
    }
    if (parts.first.size() < limit) parts.first.push_back(std::move(part));
  }
  return parts;
}

void send_part(zmq::socket_t& socket, std::string_view bytes, bool more) {
  const auto flags = zmq::send_flags::dontwait | (more ? zmq::send_flags::sndmore : zmq::send_flags::none);
  // XPUB and ROUTER never make the sender wait: they drop.
  (void)socket.send(zmq::const_buffer(bytes.data(), bytes.size()), flags);
}

// An envelope as one string: each part after its length.
std::string pack(const std::vector<zmq::message_t>& parts) {
  std::string packed;
  for (const zmq::message_t& part : parts) {
    const auto size = static_cast<std::uint32_t>(part.size());
    packed.append(reinterpret_cast<const char*>(&size), sizeof size);
    packed.append(static_cast<const char*>(part.data()), part.size());
  }
  return packed;
}

std::vector<std::string_view> unpack(std::string_view packed) {
  std::vector<std::string_view> parts;
  while (packed.size() >= sizeof(std::uint32_t)) {
    std::uint32_t size = 0;
    std::memcpy(&size, packed.data(), sizeof size);
    packed.remove_prefix(sizeof size);
    parts.push_back(packed.substr(0, size));
    packed.remove_prefix(parts.back().size());
  }
  return parts;
}

class Source final : public ZmqSource {
 public:
  Source(zmq::socket_t socket, InputKind kind, Attachment attachment, std::string endpoint, const ZmqOptions& options)
      : socket_(std::move(socket)),
        kind_(kind),
        attachment_(attachment),
        endpoint_(std::move(endpoint)),
        queue_messages_(options.queue_messages),
        mark_(options.queue_messages, options.queue_bytes) {}

  std::optional<FrameView> receive() override {
    if (phase_ == Phase::exhausted) return std::nullopt;
    std::optional<FrameView> frame = read_frame();
    if (phase_ == Phase::open) return frame;
    if (phase_ == Phase::closing && (!frame || --left_ == 0)) {
      leave();
      if (!frame) frame = read_frame();  // may have come since the first look
    }
    if (!frame) phase_ = Phase::exhausted;
    return frame;
  }

  void settle(const FrameView&, Outcome) override { unsettled_.drop_first(); }
  bool exhausted() const override { return phase_ == Phase::exhausted; }
  bool acknowledges() const override { return kind_ == InputKind::acknowledged; }

  void answer(std::string_view peer, const FrameView& answer) override {
    try {
      // Told with ROUTER_MANDATORY: EHOSTUNREACH for a peer that is gone; nothing sent where its queue is full.
      if (!socket_.send(zmq::buffer(peer), zmq::send_flags::dontwait | zmq::send_flags::sndmore)) return;
    } catch (const zmq::error_t& error) {
      if (error.num() == EHOSTUNREACH || error.num() == EINTR) return;
      throw;
    }
    send_part(socket_, answer.topic, true);
    send_part(socket_, answer.payload, false);
  }

  void close_intake() override {
    if (phase_ != Phase::open) return;
    phase_ = Phase::closing;
    left_ = queue_messages_;
  }

  std::string describe() const override { return std::string(name_of(kind_)) + " " + endpoint_; }
  const std::string& endpoint() const override { return endpoint_; }
  zmq::socket_t& socket() { return socket_; }

 private:
  enum class Phase { open, closing, left, exhausted };

  static const char* name_of(InputKind kind) {
    if (kind == InputKind::acknowledged) return "acknowledged";
    return kind == InputKind::subscribe ? "subscribe" : "pull";
  }

  // The two parts as libzmq has received them, and before them, of a ROUTER, who sent them. Of a message with another
  // number of parts, the first, and what is wrong.
  struct Received {
    zmq::message_t peer, topic, payload;
    std::string fault;
  };

  std::optional<FrameView> read_frame() {
    Received received;
    zmq::message_t& first = acknowledges() ? received.peer : received.topic;
    if (!read(socket_, first)) return std::nullopt;
    bool more = first.more();
    std::size_t count = acknowledges() ? 0 : 1;
    for (; more; ++count) {
      zmq::message_t& part = count == 0 ? received.topic : received.payload;
      if (!read(socket_, part)) break;
      more = part.more();
    }
    if (count != 2) {
      received.payload.rebuild();  // the topic stays, to be named
      received.fault = frame_count_fault(count);
    }
    const Received& kept = unsettled_.add(std::move(received));
    if (const auto mark = mark_.lower(kept.payload.size())) socket_.set(zmq::sockopt::rcvhwm, *mark);
    const std::string_view topic = kept.topic.to_string_view();
    return FrameView{count == 2 ? topic : topic.substr(0, kFaultTopicBytes), kept.payload.to_string_view(), kept.fault,
                     kept.peer.to_string_view()};
  }

  void leave() {
    phase_ = Phase::left;
    try {
      attachment_ == Attachment::bind ? socket_.unbind(endpoint_) : socket_.disconnect(endpoint_);
    } catch (const zmq::error_t& error) {
      // The only reason is that the endpoint is gone already, as when an inproc peer has closed.
      if (error.num() != ENOENT) throw;
    }
  }

  zmq::socket_t socket_;
  InputKind kind_;
  Attachment attachment_;
  std::string endpoint_;
  int queue_messages_;
  QueueMark mark_;
  Unsettled<Received> unsettled_;
  Phase phase_ = Phase::open;
  int left_ = 0;  // messages that may still be read before the endpoint is left
};

class Sink final : public ZmqSink {
 public:
  Sink(zmq::socket_t socket, std::string endpoint, const ZmqOptions& options)
      : socket_(std::move(socket)), endpoint_(std::move(endpoint)), mark_(options.queue_messages, options.queue_bytes) {}

  void send(const FrameView& frame) override {
    if (const auto mark = mark_.lower(frame.payload.size())) socket_.set(zmq::sockopt::sndhwm, *mark);
    send_part(socket_, frame.topic, true);
    send_part(socket_, frame.payload, false);
  }

  bool has_reader(std::string_view topic) const override { return subscriptions_.match(topic); }
  std::set<std::string> new_subscriptions() override { return std::exchange(new_subscriptions_, {}); }

  // The socket tells of every subscription, and of the end of the last one to a prefix.
  void read_subscriptions() {
    for (int i = 0; i < kSubscriptionsPerWait; ++i) {
      const Parts parts = read_parts(socket_, 0);
      if (parts.count == 0) break;
      const std::string_view message = parts.last.to_string_view();
      if (parts.count != 1 || message.empty() || message.size() > 1 + kLongestTopic) continue;
      const std::string_view prefix = message.substr(1);
      if (message.front() == '\1') {
        subscriptions_.add(prefix);
        new_subscriptions_.emplace(prefix);
      } else if (message.front() == '\0') {
        subscriptions_.remove(prefix);
      }
    }
  }

  const std::string& endpoint() const override { return endpoint_; }
  zmq::socket_t& socket() { return socket_; }

 private:
  zmq::socket_t socket_;
  std::string endpoint_;
  QueueMark mark_;
  Subscriptions subscriptions_;
  std::set<std::string> new_subscriptions_;
};

class Control final : public ZmqControl {
 public:
  Control(zmq::socket_t socket, std::string endpoint) : socket_(std::move(socket)), endpoint_(std::move(endpoint)) {}

  std::optional<Request> receive() override {
    Parts parts = read_parts(socket_, kMaxEnvelopeFrames);
    if (parts.count == 0) return std::nullopt;
    if (parts.count <= kMaxEnvelopeFrames + 1) return Request{pack(parts.first), parts.last.to_string()};

    // Enough of the envelope for a plain client to get the reply: its identity, and the delimiter if it sent one.
    parts.first.resize(parts.first[1].empty() ? 2 : 1);
    return Request{
        pack(parts.first),
        {},
        "frames: " + std::to_string(parts.count - 1) + ", expected at most " + std::to_string(kMaxEnvelopeFrames)};
  }

  void reply(const Request& request, std::string payload) override {
    for (const std::string_view part : unpack(request.reply_to)) send_part(socket_, part, true);
    send_part(socket_, payload, false);
  }

  const std::string& endpoint() const override { return endpoint_; }
  zmq::socket_t& socket() { return socket_; }

 private:
  zmq::socket_t socket_;
  std::string endpoint_;
};

// Binds or connects; the endpoint as it has become.
Result<std::string> attach(zmq::socket_t& socket, Attachment attachment, const std::string& endpoint) {
  const bool bind = attachment == Attachment::bind;
  try {
    if (!bind) {
      socket.connect(endpoint);
      return endpoint;
    }
    socket.bind(endpoint);
    return socket.get(zmq::sockopt::last_endpoint);
  } catch (const zmq::error_t& error) {
    return fail((bind ? "cannot bind " : "cannot connect ") + endpoint + ": " + error.what());
  }
}

}  // namespace

struct ZmqHub::Sockets {
  ZmqOptions options;
  zmq::context_t context{1};
  std::vector<std::unique_ptr<Source>> sources;
  std::vector<std::unique_ptr<Sink>> sinks;
  std::vector<std::unique_ptr<Control>> controls;
  std::vector<int> descriptors;
  std::vector<zmq::pollitem_t> items;  // reused by wait()

  // No ZMQ_HEARTBEAT_IVL: libzmq 4.3.4 aborts when a SUB socket with a full queue has one.
  Result<zmq::socket_t> open(zmq::socket_type type, const std::string& endpoint, std::int64_t max_bytes) {
    try {
      zmq::socket_t socket(context, type);
      const int mark = QueueMark(options.queue_messages, options.queue_bytes).messages();
      socket.set(zmq::sockopt::sndhwm, mark);
      socket.set(zmq::sockopt::rcvhwm, mark);
      socket.set(zmq::sockopt::maxmsgsize, max_bytes);
      socket.set(zmq::sockopt::linger, static_cast<int>(options.linger.count()));
      socket.set(zmq::sockopt::tcp_keepalive, 1);
      socket.set(zmq::sockopt::tcp_keepalive_idle, 60);
      socket.set(zmq::sockopt::tcp_keepalive_intvl, 10);
      socket.set(zmq::sockopt::tcp_keepalive_cnt, 6);
      return socket;
    } catch (const zmq::error_t& error) {
      return fail("cannot open a socket for " + endpoint + ": " + error.what());
    }
  }
};

// A ROUTER of libzmq 4.3.4 numbers its peers from random() on, and aborts where a peer has named itself by the next number. Unseeded,
// everybody knows that.
ZmqHub::ZmqHub(const ZmqOptions& options) : sockets_(std::make_unique<Sockets>()) {
  ::srandom(std::random_device{}());
  sockets_->options = options;
}

ZmqHub::~ZmqHub() = default;

Result<ZmqSource*> ZmqHub::add_source(InputKind kind, Attachment attachment, const std::string& endpoint) {
  assert(kind != InputKind::replay);
  ZmqOptions options = sockets_->options;
  const auto type = kind == InputKind::subscribe ? zmq::socket_type::sub
                    : kind == InputKind::pull    ? zmq::socket_type::pull
                                                 : zmq::socket_type::router;
  auto socket = sockets_->open(type, endpoint, sockets_->options.max_message_bytes);
  if (!socket) return tl::unexpected(socket.error());
  if (kind == InputKind::subscribe) socket->set(zmq::sockopt::subscribe, wire::subscription(""));
  if (kind == InputKind::acknowledged) {
    options.queue_messages = std::min(options.acknowledged_queue_messages, options.queue_messages);
    socket->set(zmq::sockopt::rcvhwm, QueueMark(options.queue_messages, options.queue_bytes).messages());
    socket->set(zmq::sockopt::sndhwm, options.queue_messages);
    socket->set(zmq::sockopt::router_mandatory, 1);
    socket->set(zmq::sockopt::router_handover, 1);  // a producer that names itself can come back
  }
  const auto attached = attach(*socket, attachment, endpoint);
  if (!attached) return tl::unexpected(attached.error());
  sockets_->sources.push_back(
      std::make_unique<Source>(std::move(*socket), kind, attachment, *attached, options));
  return sockets_->sources.back().get();
}

Result<ZmqSink*> ZmqHub::add_sink(const std::string& endpoint) {
  auto socket = sockets_->open(zmq::socket_type::xpub, endpoint, kMaxSubscriptionBytes);
  if (!socket) return tl::unexpected(socket.error());
  socket->set(zmq::sockopt::xpub_verbose, 1);  // else a second subscriber to a topic is not seen
  const auto attached = attach(*socket, Attachment::bind, endpoint);
  if (!attached) return tl::unexpected(attached.error());
  sockets_->sinks.push_back(std::make_unique<Sink>(std::move(*socket), *attached, sockets_->options));
  return sockets_->sinks.back().get();
}

Result<ZmqControl*> ZmqHub::add_control(const std::string& endpoint) {
  auto socket = sockets_->open(zmq::socket_type::router, endpoint,
                               std::min(kMaxRequestBytes, sockets_->options.max_message_bytes));
  if (!socket) return tl::unexpected(socket.error());
  const auto attached = attach(*socket, Attachment::bind, endpoint);
  if (!attached) return tl::unexpected(attached.error());
  sockets_->controls.push_back(std::make_unique<Control>(std::move(*socket), *attached));
  return sockets_->controls.back().get();
}

void ZmqHub::add_descriptor(int fd) { sockets_->descriptors.push_back(fd); }

bool ZmqHub::wait(std::chrono::milliseconds timeout) {
  auto& items = sockets_->items;
  items.clear();
  for (const auto& sink : sockets_->sinks) items.push_back({sink->socket().handle(), 0, ZMQ_POLLIN, 0});
  for (const auto& source : sockets_->sources) {
    if (!source->exhausted()) items.push_back({source->socket().handle(), 0, ZMQ_POLLIN, 0});
  }
  for (const auto& control : sockets_->controls) items.push_back({control->socket().handle(), 0, ZMQ_POLLIN, 0});
  for (const int fd : sockets_->descriptors) items.push_back({nullptr, fd, ZMQ_POLLIN, 0});

  try {
    zmq::poll(items, timeout);
  } catch (const zmq::error_t& error) {
    if (error.num() != EINTR) throw;
    return false;
  }

  const std::size_t sinks = sockets_->sinks.size();
  for (std::size_t i = 0; i < sinks; ++i) {
    if (items[i].revents & ZMQ_POLLIN) sockets_->sinks[i]->read_subscriptions();
  }
  return std::any_of(items.begin() + static_cast<std::ptrdiff_t>(sinks), items.end(),
                     [](const zmq::pollitem_t& item) { return item.revents != 0; });
}

}  // namespace emulsion::service
