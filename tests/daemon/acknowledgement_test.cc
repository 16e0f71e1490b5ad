// Acknowledged input: what is acknowledged is in a checkpoint, and everything is learned once and in order.
#include <random>

#include "daemon/daemon_at_work.h"
#include "daemon/file_state_store.h"
#include "daemon/simulated_disk.h"

namespace emulsion::service {
namespace {

// Takes saves as they come, counts them, and fails on request.
class CountingStore : public MemoryStateStore {
 public:
  Result<void> save(std::string_view stream, std::string_view state) override {
    ++attempts;
    return MemoryStateStore::save(stream, state);
  }
  int attempts = 0;
};

// A daemon with one acknowledged input, and the producer "a" of session 7 at its other end.
class Acknowledged {
 public:
  explicit Acknowledged(StateStore& store, std::uint32_t credit = 1000) : streams(quick_daemon(), &store) {
    REQUIRE(streams.open());
    pipeline.emplace(Pipeline::Parts{{&source}, sink, control, streams, board, [this] { return now; }, 77, 1,
                                     {std::chrono::milliseconds(10), credit}},
                     0.0);
  }

  void run() {
    while (pipeline->step()) {
    }
  }
  void wait(int milliseconds) {
    now += std::chrono::milliseconds(milliseconds);
    run();
  }
  void push(const wire::PointsMessage& message, const std::string& stream = "radar", const std::string& peer = "peer") {
    source.push({wire::to_string({stream, wire::TopicKind::points}), codec.encode(message)}, peer);
  }
  void send(const wire::PointsMessage& message) {
    push(message);
    run();
  }
  void ask(std::uint64_t question, const std::string& stream = "radar") {
    source.push({wire::to_string({stream, wire::TopicKind::hello}), codec.encode(wire::HelloMessage{"a", 7, question})});
    run();
  }
  std::vector<wire::AcknowledgementMessage> answers() {
    std::vector<wire::AcknowledgementMessage> messages;
    for (const Frame& frame : source.take_answers()) messages.push_back(codec.decode_acknowledgement(frame.payload).value());
    return messages;
  }
  wire::AcknowledgementMessage only_answer() {
    const auto all = answers();
    REQUIRE(all.size() == 1);
    return all.front();
  }
  std::string digest() { return streams.find("radar")->stream.state_digest(); }
  std::uint64_t out_of_order() { return refused(streams.find("radar")->stream.status().refusals, "message", wire::kOutOfOrder); }

  CapturedLog log;
  MemorySource source{true};
  MemorySink sink;
  MemoryControl control;
  StatusBoard board;
  std::chrono::steady_clock::time_point now{};
  wire::Codec codec;
  StreamRegistry streams;
  std::optional<Pipeline> pipeline;
};

std::vector<wire::PointsMessage> messages(Index count) { return cut(two_clusters(10 * count), 10); }

TEST_CASE("a message is acknowledged after the commit that covers it, and not before", "[acknowledged]") {
  CountingStore store;
  Acknowledged daemon(store);
  const auto sent = messages(3);
  daemon.send(sent[0]);
  daemon.wait(9);
  CHECK(daemon.answers().empty());
  CHECK(store.attempts == 0);
  daemon.send(sent[1]);  // waits no longer than the first
  daemon.wait(1);
  const auto answer = daemon.only_answer();
  CHECK(store.attempts == 1);  // one commit for both
  CHECK(answer.stream == "radar");
  CHECK(answer.producer == "a");
  CHECK(answer.session == 7);
  CHECK(answer.daemon_session == 77);
  CHECK(answer.next_sequence == 2);
  CHECK(answer.expected_sequence == 2);
  CHECK(answer.credit == 1000);
  CHECK_FALSE(answer.out_of_order);
  CHECK(answer.fault.empty());
  daemon.wait(1000);
  CHECK(daemon.answers().empty());
  CHECK(store.attempts == 1);
}

TEST_CASE("what is acknowledged is there after a crash, bit for bit", "[acknowledged]") {
  CountingStore store;
  const auto sent = messages(40);
  std::vector<std::string> digests;  // after so many messages, without a crash
  {
    CountingStore own;
    Acknowledged daemon(own);
    for (const auto& message : sent) {
      daemon.send(message);
      digests.push_back(daemon.digest());
    }
  }
  // Each life ends at random, without a word, and the producer goes on from what was acknowledged.
  std::mt19937 random(5);
  std::uint64_t durable = 0;
  for (int lives = 0; durable < sent.size(); ++lives) {
    REQUIRE(lives < 1000);
    Acknowledged daemon(store);
    daemon.ask(1);
    const auto hello = daemon.only_answer();
    REQUIRE(hello.next_sequence >= durable);
    durable = hello.next_sequence;
    if (durable > 0) REQUIRE(daemon.digest() == digests[durable - 1]);
    std::uint64_t next = durable;
    for (auto steps = random() % 12; steps > 0; --steps) {
      if (next > 0 && random() % 4 == 0) daemon.send(sent[next - 1]);  // once more
      if (next < sent.size()) daemon.send(sent[next++]);
      daemon.wait(static_cast<int>(random() % 8));
      for (const auto& answer : daemon.answers()) durable = std::max(durable, answer.next_sequence);
    }
  }
  CHECK(Acknowledged(store).digest() == digests.back());
}

TEST_CASE("a duplicate of what is not durable waits for the commit, one of what is durable needs none", "[acknowledged]") {
  CountingStore store;
  Acknowledged daemon(store);
  const auto sent = messages(2);
  store.fail_saves("disk full");
  daemon.send(sent[0]);
  daemon.send(sent[0]);
  daemon.wait(10);
  CHECK(daemon.only_answer().next_sequence == 0);
  daemon.send(sent[0]);
  daemon.wait(2000);
  for (const auto& answer : daemon.answers()) CHECK(answer.next_sequence == 0);

  store.fail_saves("");
  daemon.send(sent[0]);
  daemon.wait(2000);
  CHECK(daemon.only_answer().next_sequence == 1);
  const int saves = store.attempts;
  daemon.send(sent[0]);
  daemon.wait(10);
  CHECK(daemon.only_answer().next_sequence == 1);
  CHECK(store.attempts == saves);
  CHECK(daemon.streams.find("radar")->stream.status().points_accepted == 10);
}

TEST_CASE("a commit that fails acknowledges nothing, says so, and is tried again once a second", "[acknowledged]") {
  CountingStore store;
  Acknowledged daemon(store);
  const auto sent = messages(2);
  store.fail_saves("disk full");
  daemon.send(sent[0]);
  daemon.wait(10);
  const auto failed = daemon.only_answer();
  CHECK(failed.next_sequence == 0);
  CHECK(failed.expected_sequence == 1);
  CHECK(failed.fault == "stream \"radar\": its state cannot be saved; the daemon's log says why");
  for (int i = 0; i < 99; ++i) daemon.wait(10);
  CHECK(store.attempts == 1);
  daemon.wait(10);
  CHECK(store.attempts == 2);
  daemon.answers();

  store.fail_saves("");
  daemon.ask(4);
  CHECK(daemon.only_answer().next_sequence == 0);  // nothing has been saved yet
  daemon.wait(1000);
  daemon.ask(5);
  CHECK(daemon.answers().back().next_sequence == 1);
}

TEST_CASE("whatever call to the disk fails, what was acknowledged is there after a loss of power", "[acknowledged]") {
  const auto fault = GENERATE(SimulatedDisk::Fault::io_error, SimulatedDisk::Fault::no_space, SimulatedDisk::Fault::short_write,
                              SimulatedDisk::Fault::short_and_full);
  const auto sent = messages(4);
  std::mt19937_64 random(11);
  bool failed = true;
  for (std::uint64_t call = 1; failed; ++call) {
    CAPTURE(static_cast<int>(fault), call);
    SimulatedDisk disk;
    const auto store = FileStateStore::open(disk, "state", 2);
    REQUIRE(store);
    std::uint64_t acknowledged = 0;
    std::uint64_t fatal = 0;
    {
      Acknowledged daemon(**store);
      fatal = disk.calls() + call;
      disk.fail_at(fatal, fault);
      for (const auto& message : sent) {
        daemon.send(message);
        daemon.wait(10);
        if (call % 2 == 0) daemon.wait(1000);  // long enough for a second attempt
        for (const auto& answer : daemon.answers()) acknowledged = std::max(acknowledged, answer.next_sequence);
      }
    }
    failed = disk.calls() >= fatal;
    if (!failed) CHECK(acknowledged == sent.size());
    for (int loss = 0; loss < 5; ++loss) {
      SimulatedDisk left = disk.after_power_loss(random);
      const auto found = FileStateStore::open(left, "state", 2);
      REQUIRE(found);
      Acknowledged daemon(**found);
      daemon.ask(1);
      CHECK(daemon.only_answer().next_sequence >= acknowledged);
    }
  }
}

TEST_CASE("what comes after a gap is not applied, and the producer is told where to go on", "[acknowledged]") {
  CountingStore store;
  Acknowledged daemon(store), in_order(store);
  const auto sent = messages(6);
  for (const auto& message : sent) in_order.send(message);
  daemon.send(sent[0]);
  daemon.send(sent[2]);  // 1 is lost
  daemon.send(sent[3]);
  daemon.wait(10);
  const auto answer = daemon.only_answer();
  CHECK(answer.out_of_order);
  CHECK(answer.next_sequence == 1);
  CHECK(answer.expected_sequence == 1);
  CHECK(daemon.out_of_order() == 2);
  CHECK(daemon.source.outcomes() == std::vector{Outcome::applied, Outcome::ahead, Outcome::ahead});
  for (std::size_t i = 1; i < sent.size(); ++i) daemon.send(sent[i]);
  CHECK(daemon.digest() == in_order.digest());
}

TEST_CASE("an answer to a question knows of what was sent before it", "[acknowledged]") {
  CountingStore store;
  Acknowledged daemon(store);
  daemon.ask(1);
  auto answer = daemon.only_answer();
  CHECK(answer.question == 1);
  CHECK(answer.next_sequence == 0);
  const auto sent = messages(2);
  daemon.push(sent[0]);
  daemon.push(sent[1]);
  daemon.ask(2);
  answer = daemon.only_answer();
  CHECK(answer.question == 2);
  CHECK(answer.next_sequence == 0);  // received, and not durable
  CHECK(answer.expected_sequence == 2);
  // Of a stream that does not exist, and does not come to be by a question.
  daemon.ask(3, "s-new");
  CHECK(daemon.only_answer().expected_sequence == 0);
  CHECK(daemon.streams.find("s-new") == nullptr);
}

TEST_CASE("no more than the credit is taken beyond what is durable", "[acknowledged]") {
  CountingStore store;
  Acknowledged daemon(store, 3);
  const auto sent = messages(5);
  for (const auto& message : sent) daemon.send(message);
  CHECK(daemon.out_of_order() == 2);
  daemon.wait(10);
  CHECK(daemon.only_answer().next_sequence == 3);
  daemon.send(sent[3]);
  daemon.wait(10);
  CHECK(daemon.only_answer().next_sequence == 4);
}

TEST_CASE("a message that is refused for what it says takes its turn", "[acknowledged]") {
  CountingStore store;
  Acknowledged daemon(store);
  const auto sent = messages(4);
  daemon.send(sent[0]);
  daemon.send(points_message(1, PointBatch{Eigen::MatrixXd::Ones(3, 10), {}, {}}));  // a dimension too many
  // Weights that are none: it cannot be decoded, but for whose it is.
  auto bad = sent[2];
  bad.batch.weights = Eigen::VectorXd::Constant(10, -1);
  daemon.send(bad);
  daemon.send(sent[3]);
  daemon.wait(10);
  const auto answer = daemon.only_answer();
  CHECK(answer.next_sequence == 4);
  CHECK(answer.fault.empty());
  const auto status = daemon.streams.find("radar")->stream.status();
  CHECK(refused(status.refusals, "message", "bad_dimension") == 1);
  CHECK(refused(status.refusals, "message", "malformed") == 1);
  CHECK(status.points_accepted == 20);
  CHECK(Acknowledged(store).streams.find("radar")->stream.position("a", 7).expected == 4);
}

TEST_CASE("a message that no stream takes is not acknowledged, and the producer learns why", "[acknowledged]") {
  CountingStore store;
  Acknowledged daemon(store);
  daemon.push(messages(1)[0], "unknown");
  daemon.run();
  const auto answer = daemon.only_answer();
  CHECK(answer.stream == "unknown");
  CHECK(answer.next_sequence == 0);
  CHECK(answer.fault == "stream \"unknown\" is not configured and matches no pattern of dynamic_streams");
}

TEST_CASE("every producer is told at its own connection", "[acknowledged]") {
  CountingStore store;
  Acknowledged daemon(store);
  const auto sent = messages(2);
  daemon.push(sent[0], "radar", "first");
  auto other = sent[1];
  other.producer = "b";
  other.sequence = 0;
  daemon.push(other, "radar", "second");
  daemon.run();
  daemon.wait(10);
  const auto answers = daemon.source.take_answers();
  REQUIRE(answers.size() == 2);
  CHECK(answers[0].peer == "first");
  CHECK(daemon.codec.decode_acknowledgement(answers[0].payload)->producer == "a");
  CHECK(answers[1].peer == "second");
  CHECK(daemon.codec.decode_acknowledgement(answers[1].payload)->producer == "b");
  CHECK(store.attempts == 1);
}

TEST_CASE("a stop acknowledges what it saves", "[acknowledged]") {
  CountingStore store;
  Acknowledged daemon(store);
  daemon.send(messages(1)[0]);
  CHECK(daemon.pipeline->drain());
  CHECK(daemon.only_answer().next_sequence == 1);
}

TEST_CASE("a reset keeps the positions of acknowledged sessions on the disk", "[acknowledged]") {
  CountingStore store;
  Acknowledged daemon(store);
  daemon.send(messages(1)[0]);
  daemon.wait(10);
  daemon.control.ask(daemon.codec.encode(wire::ControlRequest{1, wire::ResetRequest{"radar"}}));
  daemon.run();
  Acknowledged after(store);
  CHECK(after.streams.find("radar")->stream.status().points_accepted == 0);
  CHECK(after.streams.find("radar")->stream.position("a", 7).durable == 1);
}

TEST_CASE("labels of what is learned again after a crash have the numbers that they had", "[acknowledged]") {
  CountingStore store;
  const auto sent = messages(12);
  const auto labels = [](Acknowledged& daemon) {
    std::vector<wire::LabelsMessage> found;
    for (const Frame& frame : daemon.sink.sent())
      if (frame.topic == wire::to_string({"radar", wire::TopicKind::labels})) found.push_back(daemon.codec.decode_labels(frame.payload).value());
    return found;
  };
  std::vector<wire::LabelsMessage> before, after;
  {
    Acknowledged daemon(store);
    for (std::size_t i = 0; i < 10; ++i) {
      daemon.send(sent[i]);
      if (i == 5) daemon.wait(10);
    }
    before = labels(daemon);
  }
  Acknowledged daemon(store);
  for (std::size_t i = 6; i < 12; ++i) daemon.send(sent[i]);
  after = labels(daemon);
  REQUIRE(before.size() == 10);
  REQUIRE(after.size() == 6);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(after[i].topic_sequence == before[6 + i].topic_sequence);
    CHECK(after[i].sequence == before[6 + i].sequence);
    CHECK(after[i].component_ids == before[6 + i].component_ids);
    CHECK(after[i].log_densities == before[6 + i].log_densities);
  }
}

}  // namespace
}  // namespace emulsion::service
