// What a message costs in memory that is asked for: nothing, once everything has been as large as it needs to be.
//
// A program of its own, because it replaces the global operator new. ZeroMQ is not in it: frames come from memory and go
// nowhere. protobuf is, and is no exception: its messages are used again, and ask for nothing once they are warm.
#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "daemon/counting_new.h"
#include "daemon/feed.h"
#include "daemon/memory_transport.h"
#include "daemon/pipeline.h"
#include "emulsion/wire/convert.h"

namespace emulsion::service {
namespace {

// Gives frames that were made before, some for each turn of the pipeline.
class PreparedFrames : public FrameSource {
 public:
  std::vector<Frame> frames;
  std::size_t applied = 0;

  void allow(std::size_t count) { allowed_ += count; }
  std::optional<FrameView> receive() override {
    if (next_ == allowed_) return std::nullopt;
    return frames[next_++];
  }
  void settle(const FrameView&, Outcome outcome) override { applied += outcome == Outcome::applied; }
  bool exhausted() const override { return false; }
  void close_intake() override {}
  std::string describe() const override { return "prepared"; }

 private:
  std::size_t allowed_ = 0;
  std::size_t next_ = 0;
};

// Counts labels.
class Nowhere : public FrameSink {
 public:
  std::size_t labels = 0;

  void send(const FrameView& frame) override { labels += frame.topic.ends_with(".labels."); }
  bool has_reader(std::string_view) const override { return true; }
  std::set<std::string> new_subscriptions() override { return {}; }
};

// What one case is about.
struct Traffic {
  Index rows = 1;
  bool single_precision = false;
  bool weights_and_times = false;
  bool responsibilities = false;
  std::size_t at_once = 1;  // messages that are there when the pipeline looks
};

wire::PointsMessage message_of(const Traffic& traffic, std::uint64_t sequence, Index rows) {
  // Names too long to lie within a string.
  wire::PointsMessage message = points_message(sequence, two_clusters(rows, sequence + 1), std::string(64, 'p'));
  message.single_precision = traffic.single_precision;
  if (traffic.weights_and_times) {
    message.batch.weights = Eigen::VectorXd::Constant(rows, 2);
    message.batch.unix_nanoseconds.assign(static_cast<std::size_t>(rows), static_cast<std::int64_t>(sequence));
  }
  return message;
}

// How many allocations each turn of the pipeline took, of streams that take turns and have their models.
//   batch_points  of a mini-batch
std::vector<std::uint64_t> allocations_of(const Traffic& traffic, Index batch_points, std::size_t messages) {
  const std::vector<std::string> streams = {std::string(64, 'a'), "b"};
  DaemonOptions options;
  options.defaults = quick_options();
  options.defaults.learner.batch_points = batch_points;
  options.defaults.publish_responsibilities = traffic.responsibilities;
  options.defaults.model_interval_seconds = 3600;  // no model after the first
  PreparedFrames source;
  Nowhere sink;
  MemoryControl control;
  StatusBoard board;
  StreamRegistry registry(options, nullptr);
  Pipeline pipeline({{&source}, sink, control, registry, board, [] { return std::chrono::steady_clock::time_point{}; }, 1}, 0);

  wire::Codec codec;
  for (std::size_t i = 0; i < streams.size() + messages; ++i) {
    const std::uint64_t sequence = i / streams.size();
    const std::string& stream = streams[i % streams.size()];
    const Index rows = sequence == 0 ? 300 : traffic.rows;  // the first one makes the model
    source.frames.push_back({wire::to_string({stream, wire::TopicKind::points}), codec.encode(message_of(traffic, sequence, rows))});
  }
  std::vector<std::uint64_t> counts;
  for (std::size_t i = 0; i < source.frames.size();) {
    const std::size_t given = i < streams.size() ? 1 : traffic.at_once;
    source.allow(std::min(given, source.frames.size() - i));
    const std::uint64_t before = testing::allocations();
    pipeline.step();
    const std::uint64_t after = testing::allocations();
    if (i >= streams.size()) counts.push_back(after - before);
    i += given;
  }
  REQUIRE(source.applied == source.frames.size());
  REQUIRE(sink.labels == source.frames.size());
  return counts;
}

}  // namespace

TEST_CASE("a message that completes no tile and no mini-batch asks for no memory") {
  Traffic traffic;
  SECTION("one row") {}
  SECTION("single precision") { traffic.single_precision = true; }
  SECTION("weights and times") { traffic.weights_and_times = true; }
  SECTION("responsibilities") { traffic.responsibilities = true; }
  SECTION("some rows") { traffic.rows = 7; }
  const auto counts = allocations_of(traffic, 1000000, 6000);
  // All but the first, which finds out how much it needs, and those that complete tiles of 256 points.
  const auto completions = static_cast<std::ptrdiff_t>(6000 * traffic.rows / 256 + 2);
  const auto without = std::count(counts.begin() + 20, counts.end(), 0);
  CHECK(without >= static_cast<std::ptrdiff_t>(counts.size()) - 20 - completions);
}

TEST_CASE("nor do messages that are handled together, as long as none completes a tile") {
  Traffic traffic;
  traffic.at_once = 32;
  const auto counts = allocations_of(traffic, 1000000, 9600);
  // Sixteen points of either stream in each turn, so every sixteenth turn completes a tile of both.
  const auto without = std::count(counts.begin() + 20, counts.end(), 0);
  CHECK(without >= static_cast<std::ptrdiff_t>(counts.size()) - 20 - 9600 / 256 / 2 * 2);
}

TEST_CASE("what a mini-batch asks for does not depend on how many messages it comes in") {
  Traffic traffic;
  traffic.rows = GENERATE(1, 16, 64);
  const auto counts = allocations_of(traffic, 64, 4096 / static_cast<std::size_t>(traffic.rows) * 2);
  const std::uint64_t mini_batches = 2 * 4096 / 64;
  CHECK(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}) <= 200 * mini_batches);
}

TEST_CASE("the counter counts") {
  const std::uint64_t before = testing::allocations();
  const std::vector<int> some(1000);
  CHECK(testing::allocations() > before);
}

}  // namespace emulsion::service
