// Which frames are handled together: those that are there, while they are short.
#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daemon/blocked_signals.h"
#include "daemon/daemon_at_work.h"

using namespace emulsion;
using namespace emulsion::service;

namespace {

// Takes note of how many labels had left whenever a frame is received.
class WatchingSource final : public MemorySource {
 public:
  explicit WatchingSource(const MemorySink& sink) : sink_(sink) {}

  std::size_t labels_sent() const {
    const auto& sent = sink_.sent();
    const std::string labels = wire::to_string({"radar", wire::TopicKind::labels});
    return static_cast<std::size_t>(std::count_if(sent.begin(), sent.end(), [&](const Frame& frame) { return frame.topic == labels; }));
  }

  std::optional<FrameView> receive() override {
    auto frame = MemorySource::receive();
    if (frame) left_before_.push_back(labels_sent());
    return frame;
  }

  // For every frame since the last call: how many labels had left since the first of them was received.
  std::vector<std::size_t> take_left_before() {
    auto left = std::exchange(left_before_, {});
    if (!left.empty())
      for (const std::size_t first = left.front(); std::size_t& number : left) number -= first;
    return left;
  }

 private:
  const MemorySink& sink_;
  std::vector<std::size_t> left_before_;
};

// A daemon that labels, for the points of one stream. Its clock moves on whenever it is read, which is twice for each message.
class LabellingDaemon {
 public:
  explicit LabellingDaemon(int threads = 1, std::chrono::microseconds tick = {}) {
    daemon_.send(points_message(0, two_clusters(100)));
    const auto clock = [this, tick] {
      left_when_read_.insert(source_.labels_sent() - 1);
      return daemon_.now += tick;
    };
    daemon_.pipeline.emplace(Pipeline::Parts{{&source_}, daemon_.sink, daemon_.control, daemon_.streams, daemon_.board, clock, 77, threads}, 0);
  }

  // How many labels had left at the times when the clock was read.
  const std::set<std::size_t>& left_when_read() const { return left_when_read_; }

  // Gives it messages of so many rows at once; how many labels had left before each was received.
  std::vector<std::size_t> left_before(std::size_t messages, Index rows) {
    for (std::size_t i = 0; i < messages; ++i) {
      const std::string payload = daemon_.codec.encode(points_message(++sequence_, two_clusters(rows)));
      REQUIRE(source_.push({wire::to_string({"radar", wire::TopicKind::points}), payload}));
    }
    daemon_.run();
    return source_.take_left_before();
  }

 private:
  DaemonAtWork daemon_;
  WatchingSource source_{daemon_.sink};
  std::uint64_t sequence_ = 0;
  std::set<std::size_t> left_when_read_;
};

}  // namespace

TEST_CASE("a short message that comes alone is answered before the next is received") {
  LabellingDaemon daemon;
  CHECK(daemon.left_before(1, 1) == std::vector<std::size_t>{0});
  CHECK(daemon.left_before(1, 1) == std::vector<std::size_t>{0});
}

TEST_CASE("short messages that are there are answered together, 64 at a time") {
  LabellingDaemon daemon;
  std::vector<std::size_t> expected(64, 0);
  expected.push_back(64);
  CHECK(daemon.left_before(65, 1) == expected);
}

TEST_CASE("long messages do not hold each other up: those that make 64 KiB complete are answered first") {
  LabellingDaemon daemon;
  constexpr Index kRows = 40000 / 16;  // of two coordinates
  CHECK(daemon.left_before(5, kRows) == std::vector<std::size_t>{0, 0, 2, 2, 4});
  CHECK(daemon.left_before(3, 2 * kRows) == std::vector<std::size_t>{0, 1, 2});
}

TEST_CASE("answers that are ready leave before the next message is learned, if they have waited 100 us") {
  const auto left = [](std::chrono::microseconds tick) {
    LabellingDaemon daemon(1, tick);
    daemon.left_before(6, 1);
    return daemon.left_when_read();
  };
  using Numbers = std::set<std::size_t>;
  CHECK(left(std::chrono::microseconds(0)) == Numbers{0, 6});
  CHECK(left(std::chrono::microseconds(25)) == Numbers{0, 2, 4, 6});
  CHECK(left(std::chrono::microseconds(50)) == Numbers{0, 1, 2, 3, 4, 5, 6});
  CHECK(left(std::chrono::microseconds(500)) == Numbers{0, 1, 2, 3, 4, 5, 6});
}

TEST_CASE("several threads get long messages together, as they may be of several streams") {
  const BlockedSignals blocked;  // the threads outlive this test, and shall not take the signals of another
  LabellingDaemon daemon(2);
  CHECK(daemon.left_before(5, 40000 / 16) == std::vector<std::size_t>(5, 0));
}
