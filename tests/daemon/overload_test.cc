// More points than can be learned: what is queued is bounded, and what is lost is counted exactly.
#include <catch2/catch.hpp>
#include <chrono>
#include <zmq.hpp>

#include "daemon/feed.h"
#include "daemon/memory_transport.h"
#include "daemon/pipeline.h"
#include "daemon/zmq_transport.h"

namespace emulsion::service {
namespace {

constexpr Index kRows = 4096;
constexpr std::size_t kMessageBytes = kRows * 2 * sizeof(double);
constexpr int kFit = 20;  // messages that are to be queued at each end

// What the kernel may hold of a connection: the largest send and receive buffers that Linux gives by default, and more.
constexpr std::size_t kKernelBytes = 32 << 20;
constexpr std::uint64_t kMostQueued = 2 * kFit + kKernelBytes / kMessageBytes;

constexpr std::uint64_t kFlood = 3000;
static_assert(kFlood > 5 * kMostQueued);

// A daemon that learns when it is told to, and a producer that is faster.
class Overloaded {
 public:
  explicit Overloaded(InputKind kind) : hub_(zmq_options()), registry_(daemon_options(), nullptr) {
    ZmqSource* source = hub_.add_source(kind, Attachment::bind, "tcp://127.0.0.1:*").value();
    pipeline_.emplace(Pipeline::Parts{{source}, sink_, control_, registry_, board_, std::chrono::steady_clock::now, 1}, 0);
    producer_ = zmq::socket_t(context_, kind == InputKind::pull ? zmq::socket_type::push : zmq::socket_type::pub);
    producer_.set(zmq::sockopt::sndhwm, kFit);
    producer_.set(zmq::sockopt::linger, 0);
    producer_.connect(source->endpoint());
    payload_ = points_message(0, two_clusters(kRows));
  }

  // False if the producer's queue is full, and stays so.
  bool send() {
    constexpr std::chrono::milliseconds kFull(300);
    zmq::pollitem_t item{producer_.handle(), 0, ZMQ_POLLOUT, 0};
    if (zmq::poll(&item, 1, kFull) == 0) return false;
    payload_.sequence = sent_++;
    producer_.send(zmq::buffer(kTopic), zmq::send_flags::sndmore);
    producer_.send(zmq::buffer(codec_.encode(payload_)), zmq::send_flags::none);
    return true;
  }

  void step() {
    hub_.wait(std::chrono::milliseconds(1));
    while (pipeline_->step()) {
    }
  }

  // Learns until the condition holds.
  template <typename Condition>
  void until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      REQUIRE(std::chrono::steady_clock::now() < deadline);
      step();
    }
  }

  std::uint64_t sent() const { return sent_; }
  wire::ProducerStatus producer() {
    const StreamEntry* entry = registry_.find("flood");
    return entry == nullptr ? wire::ProducerStatus{} : entry->stream.status().producers.at(0);
  }
  std::uint64_t told_missing() const {
    std::uint64_t missing = 0;
    wire::Codec codec;
    for (const Frame& frame : sink_.sent()) {
      if (!frame.topic.ends_with(".events.")) continue;
      const auto event = codec.decode_event(frame.payload);
      REQUIRE(event);
      if (event->kind == wire::EventKind::gap) missing += event->count;
    }
    return missing;
  }

 private:
  const std::string kTopic = "emulsion.v1.flood.points.";

  static ZmqOptions zmq_options() {
    ZmqOptions options;
    options.queue_messages = 1000000;  // no bound
    options.queue_bytes = kFit * (kMessageBytes + 100);
    return options;
  }
  static DaemonOptions daemon_options() {
    DaemonOptions options;
    options.defaults = quick_options();
    options.defaults.learner.batch_points = kRows;
    return options;
  }

  zmq::context_t context_{1};
  ZmqHub hub_;
  MemorySink sink_;
  MemoryControl control_;
  StatusBoard board_;
  StreamRegistry registry_;
  std::optional<Pipeline> pipeline_;
  zmq::socket_t producer_;
  wire::Codec codec_;
  wire::PointsMessage payload_;
  std::uint64_t sent_ = 0;
};

}  // namespace

TEST_CASE("a producer that pushes faster than the daemon learns is held up, and nothing is lost", "[overload]") {
  Overloaded overloaded(InputKind::pull);
  // The first one shows how large messages are.
  REQUIRE(overloaded.send());
  overloaded.until([&] { return overloaded.producer().messages == 1; });
  while (overloaded.sent() < kFlood && overloaded.send()) {
  }
  const std::uint64_t held = overloaded.sent();
  CHECK(held <= 1 + kMostQueued);
  overloaded.until([&] { return overloaded.producer().messages == held; });
  REQUIRE(overloaded.send());  // there is room again
  overloaded.until([&] { return overloaded.producer().messages == held + 1; });
  CHECK(overloaded.producer().rows_accepted == (held + 1) * kRows);
  CHECK(overloaded.producer().messages_missing == 0);
}

TEST_CASE("what a subscribing daemon is too slow for is lost, and counted to the last message", "[overload]") {
  Overloaded overloaded(InputKind::subscribe);
  // The subscription takes a moment: from the first message on that arrives, all is well for a while.
  overloaded.until([&] { return overloaded.send() && overloaded.producer().messages > 0; });
  const std::uint64_t before = overloaded.producer().messages;
  while (overloaded.sent() < kFlood) REQUIRE(overloaded.send());  // a publisher never waits
  const std::uint64_t flooded = overloaded.sent();
  // One more arrives at last, and shows how many before it have not.
  overloaded.until([&] { return overloaded.send() && overloaded.producer().last_sequence >= flooded; });
  const wire::ProducerStatus producer = overloaded.producer();
  CHECK(producer.messages - before <= kMostQueued + (overloaded.sent() - flooded));
  CHECK(producer.messages_missing > 0);
  CHECK(producer.messages + producer.messages_missing == producer.last_sequence + 1);
  CHECK(producer.rows_accepted == producer.messages * kRows);
  CHECK(overloaded.told_missing() == producer.messages_missing);
}

}  // namespace emulsion::service
