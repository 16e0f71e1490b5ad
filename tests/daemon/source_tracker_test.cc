#include "daemon/source_tracker.h"

#include <catch2/catch.hpp>
#include <limits>
#include <random>
#include <set>

using namespace emulsion;
using namespace emulsion::service;

namespace {

// The same counts from everything that was ever received.
class SlowTracker {
 public:
  Arrival arrive(const std::string& name, std::uint64_t session, std::uint64_t sequence) {
    Producer& producer = producers_[name];
    ++producer.messages;
    Arrival arrival;
    const bool known = producer.received.count(session) > 0;
    arrival.restarted = !known && !producer.received.empty();
    std::set<std::uint64_t>& received = producer.received[session];
    const std::uint64_t next = received.empty() ? 0 : *received.rbegin() + 1;
    if (received.count(sequence) > 0) {
      arrival.duplicate = true;
    } else if (sequence < next) {
      arrival.reordered = true;
    } else {
      arrival.skipped = sequence - next;
    }
    received.insert(sequence);
    producer.last = session;
    producer.duplicates += arrival.duplicate;
    producer.reordered += arrival.reordered;
    producer.restarts += arrival.restarted;
    return arrival;
  }

  void check(const std::vector<wire::ProducerStatus>& status) const {
    REQUIRE(status.size() == producers_.size());
    auto at = status.begin();
    for (const auto& [name, producer] : producers_) {
      std::uint64_t missing = 0;
      for (const auto& [session, received] : producer.received) missing += *received.rbegin() + 1 - received.size();
      REQUIRE(at->producer == name);
      REQUIRE(at->session == producer.last);
      REQUIRE(at->last_sequence == *producer.received.at(producer.last).rbegin());
      REQUIRE(at->messages == producer.messages);
      REQUIRE(at->messages_missing == missing);
      REQUIRE(at->messages_duplicate == producer.duplicates);
      REQUIRE(at->messages_reordered == producer.reordered);
      REQUIRE(at->restarts == producer.restarts);
      ++at;
    }
  }

 private:
  struct Producer {
    std::map<std::uint64_t, std::set<std::uint64_t>> received;  // by session
    std::uint64_t last = 0, messages = 0, duplicates = 0, reordered = 0, restarts = 0;
  };
  std::map<std::string, Producer> producers_;
};

void arrive_at_both(SourceTracker& tracker, SlowTracker& slow, const std::string& name, std::uint64_t session,
                    std::uint64_t sequence) {
  const auto arrival = tracker.arrive(name, session, sequence);
  REQUIRE(arrival);
  const Arrival expected = slow.arrive(name, session, sequence);
  REQUIRE(arrival->duplicate == expected.duplicate);
  REQUIRE(arrival->reordered == expected.reordered);
  REQUIRE(arrival->restarted == expected.restarted);
  REQUIRE(arrival->skipped == expected.skipped);
}

std::size_t holes(const SourceTracker& tracker) { return tracker.state().at(0).sessions.back().missing.size(); }

}  // namespace

TEST_CASE("messages in order are neither gap nor duplicate nor restart") {
  SourceTracker tracker(4);
  for (std::uint64_t i = 0; i < 5; ++i) {
    const auto arrival = tracker.arrive("a", 9, i);
    REQUIRE(arrival);
    CHECK_FALSE(arrival->duplicate);
    CHECK_FALSE(arrival->reordered);
    CHECK_FALSE(arrival->restarted);
    CHECK(arrival->skipped == 0);
  }
  const auto status = tracker.status().at(0);
  CHECK(status.messages == 5);
  CHECK(status.last_sequence == 4);
  CHECK(status.session == 9);
  CHECK(status.messages_missing == 0);
}

TEST_CASE("a gap, a late message and a message that comes twice are told apart") {
  SourceTracker tracker(4);
  CHECK(tracker.arrive("a", 1, 2)->skipped == 2);  // 0 and 1 never came
  CHECK(tracker.arrive("a", 1, 5)->skipped == 2);
  CHECK(tracker.status().at(0).messages_missing == 4);
  CHECK(tracker.arrive("a", 1, 3)->reordered);
  CHECK(tracker.status().at(0).messages_missing == 3);
  CHECK(tracker.arrive("a", 1, 3)->duplicate);
  CHECK(tracker.arrive("a", 1, 5)->duplicate);
  CHECK(tracker.arrive("a", 2, 0)->restarted);
  const auto status = tracker.status().at(0);
  CHECK(status.messages == 6);
  CHECK(status.messages_missing == 3);
  CHECK(status.messages_duplicate == 2);
  CHECK(status.messages_reordered == 1);
  CHECK(status.restarts == 1);
}

TEST_CASE("the counts are those of a slow record of everything received, restored in the middle or not") {
  std::mt19937_64 random(GENERATE(1, 2, 3, 4, 5));
  SourceTracker tracker(3);
  SlowTracker slow;
  const std::vector<std::string> names = {"a", "b", "c"};
  std::map<std::string, std::vector<std::uint64_t>> next;  // by session
  for (int step = 0; step < 3000; ++step) {
    const std::string& name = names[random() % names.size()];
    auto& sessions = next[name];
    if (sessions.empty() || (sessions.size() < SourceTracker::kSessions && random() % 200 == 0)) sessions.push_back(0);
    const std::size_t session = random() % 8 == 0 ? random() % sessions.size() : sessions.size() - 1;
    std::uint64_t& expected = sessions[session];
    std::uint64_t sequence = expected;
    const auto event = random() % 10;
    if (event < 2) sequence += random() % 4;                                      // some are lost, for now
    if (event == 2 || event == 3) sequence = expected == 0 ? 0 : random() % expected;  // one comes late or twice
    expected = std::max(expected, sequence + 1);
    arrive_at_both(tracker, slow, name, session, sequence);
    if (step % 10 == 0) slow.check(tracker.status());
    if (random() % 100 == 0) {
      SourceTracker restored(3);
      restored.restore(tracker.state());
      tracker = restored;
    }
  }
  slow.check(tracker.status());
}

TEST_CASE("beyond the allowed number a producer is refused, and the known ones go on") {
  SourceTracker tracker(2);
  REQUIRE(tracker.arrive("a", 1, 0));
  REQUIRE(tracker.arrive("b", 1, 0));
  const auto third = tracker.arrive("c", 1, 0);
  REQUIRE_FALSE(third);
  CHECK(third.error().message.find("2 already") != std::string::npos);
  CHECK(tracker.arrive("a", 1, 1));
  CHECK(tracker.status().size() == 2);
}

TEST_CASE("the oldest holes are given up beyond a number, and stay counted as missing") {
  SourceTracker tracker(1);
  const std::uint64_t many = SourceTracker::kHoles + 10;
  for (std::uint64_t i = 0; i < many; ++i) REQUIRE(tracker.arrive("a", 1, 2 * i + 1)->skipped == 1);
  CHECK(holes(tracker) == SourceTracker::kHoles);
  CHECK(tracker.status().at(0).messages_missing == many);
  CHECK(tracker.arrive("a", 1, 0)->duplicate);  // given up
  CHECK(tracker.arrive("a", 1, 20)->reordered);  // the first one that is still known
  CHECK(tracker.status().at(0).messages_missing == many - 1);
  SourceTracker restored(1);
  restored.restore(tracker.state());
  CHECK(restored.status().at(0).messages_missing == many - 1);
}

TEST_CASE("a new limit of producers holds at once, and those that are known stay") {
  SourceTracker tracker(1);
  REQUIRE(tracker.arrive("a", 1, 0));
  tracker.set_max_producers(2);
  CHECK(tracker.arrive("b", 1, 0));
  tracker.set_max_producers(1);
  CHECK(tracker.arrive("b", 1, 1));
  CHECK_FALSE(tracker.arrive("c", 1, 0));
}

TEST_CASE("late messages that split a hole do not make more holes than allowed") {
  SourceTracker tracker(1);
  const std::uint64_t width = 4 * SourceTracker::kHoles;
  REQUIRE(tracker.arrive("a", 1, width)->skipped == width);
  for (std::uint64_t i = 1; i < width; i += 2) REQUIRE(tracker.arrive("a", 1, i)->reordered);
  CHECK(holes(tracker) == SourceTracker::kHoles);
  CHECK(tracker.status().at(0).messages_missing == width / 2);
}

TEST_CASE("of many sessions the one that was not heard for longest is given up") {
  SourceTracker tracker(1);
  for (std::uint64_t s = 0; s < SourceTracker::kSessions; ++s) tracker.arrive("a", s, 1);  // each misses its first
  tracker.arrive("a", 0, 2);                       // session 0 is heard again
  tracker.arrive("a", SourceTracker::kSessions, 0);  // session 1 has to go
  CHECK(tracker.state().at(0).sessions.size() == SourceTracker::kSessions);
  CHECK(tracker.status().at(0).messages_missing == SourceTracker::kSessions);
  CHECK(tracker.arrive("a", 0, 0)->reordered);
  CHECK(tracker.arrive("a", 1, 0)->restarted);
}

TEST_CASE("the highest sequence number is no trap") {
  constexpr auto kHighest = std::numeric_limits<std::uint64_t>::max();
  SourceTracker tracker(1);
  CHECK(tracker.arrive("a", 1, kHighest)->skipped == kHighest);
  CHECK(tracker.arrive("a", 1, kHighest)->duplicate);
  CHECK(tracker.arrive("a", 1, kHighest - 1)->reordered);
  CHECK(tracker.status().at(0).messages_missing == kHighest - 1);
  SourceTracker restored(1);
  restored.restore(tracker.state());
  CHECK(restored.status().at(0).messages_missing == kHighest - 1);
}

TEST_CASE("rows are counted with their producer") {
  SourceTracker tracker(2);
  tracker.arrive("a", 1, 0);
  tracker.arrive("b", 1, 0);
  tracker.count_rows("a", 3, 1);
  tracker.count_rows("a", 4, 0);
  CHECK(tracker.status().at(0).rows_accepted == 7);
  CHECK(tracker.status().at(0).rows_refused == 1);
  CHECK(tracker.status().at(1).rows_accepted == 0);
}

TEST_CASE("positions name the session that was heard last and its highest number") {
  SourceTracker tracker(2);
  tracker.arrive("a", 1, 8);
  tracker.arrive("a", 2, 3);
  tracker.arrive("a", 2, 1);
  const auto positions = tracker.positions();
  REQUIRE(positions.size() == 1);
  CHECK(positions[0].producer == "a");
  CHECK(positions[0].session == 2);
  CHECK(positions[0].last_sequence == 3);
}

TEST_CASE("after a reset of the counts the next message is no gap") {
  SourceTracker tracker(2);
  tracker.arrive("a", 1, 8);
  tracker.arrive("a", 1, 8);
  tracker.count_rows("a", 1, 1);
  tracker.reset_counts();
  const auto status = tracker.status().at(0);
  CHECK(status.messages + status.messages_missing + status.messages_duplicate + status.rows_accepted + status.rows_refused == 0);
  const auto next = tracker.arrive("a", 1, 9);
  CHECK(next->skipped == 0);
  CHECK_FALSE(next->restarted);
}
