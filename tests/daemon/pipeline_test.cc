// The life of frames, step by step, with a clock that stands still unless it is told to move.
#include "daemon/pipeline.h"

#include <catch2/catch.hpp>
#include <limits>

#include "daemon/blocked_signals.h"
#include "daemon/daemon_at_work.h"

using namespace emulsion;
using namespace emulsion::service;

namespace {

const std::string kPoints = "emulsion.v1.radar.points.";

std::uint64_t refused_messages(DaemonAtWork& daemon, const std::string& reason) {
  return refused(daemon.status().refusals, "message", reason);
}

// Everything that labels, models and events say of a stream, but for their numbers.
std::vector<std::string> said(DaemonAtWork& daemon) {
  std::vector<std::string> all;
  for (auto message : daemon.labels()) all.push_back(daemon.codec.encode(message));
  for (auto message : daemon.models()) all.push_back(daemon.codec.encode(message));
  for (auto message : daemon.events()) all.push_back(daemon.codec.encode(message));
  return all;
}

}  // namespace

TEST_CASE("a points message comes in, and its labels, events and model go out") {
  DaemonAtWork daemon;
  daemon.send(points_message(0, two_clusters(100)));
  CHECK(daemon.source.outcomes() == std::vector<Outcome>{Outcome::applied});
  REQUIRE(daemon.labels().size() == 1);
  CHECK(daemon.labels()[0].component_ids.size() == 100);
  REQUIRE(daemon.models().size() == 1);
  CHECK(daemon.models()[0].points_learned == 88);
  REQUIRE(daemon.events().size() == 1);
  CHECK(daemon.events()[0].kind == wire::EventKind::seeded);
}

TEST_CASE("a malformed frame is counted with its stream, and the next frame is learned") {
  DaemonAtWork daemon, without;
  daemon.send(points_message(0, two_clusters(100)));
  REQUIRE(daemon.source.push({kPoints, "\xff no points"}));
  daemon.send(points_message(1, two_clusters(50, 2)));
  without.send(points_message(0, two_clusters(100)));
  without.send(points_message(1, two_clusters(50, 2)));
  CHECK(daemon.source.outcomes() == std::vector<Outcome>{Outcome::applied, Outcome::refused, Outcome::applied});
  CHECK(refused(daemon.status().streams.at(0).refusals, "message", "malformed") == 1);
  CHECK(daemon.digest() == without.digest());
  CHECK(daemon.labels().size() == 2);
}

TEST_CASE("what belongs to no stream is counted by its reason and costs nothing else") {
  DaemonAtWork daemon;
  REQUIRE(daemon.source.push({"nonsense", "x"}));
  REQUIRE(daemon.source.push({"emulsion.v1.radar.labels.", "x"}));
  REQUIRE(daemon.source.push({kPoints}));
  REQUIRE(daemon.source.push({kPoints, "x", "y"}));
  daemon.push(points_message(0, two_clusters(5)), "lidar");
  daemon.push(points_message(0, two_clusters(5)), "s1");
  daemon.push(points_message(0, two_clusters(5)), "s2");
  daemon.push(points_message(0, two_clusters(5)), "s3");
  daemon.send(points_message(0, two_clusters(100)));
  CHECK(refused_messages(daemon, "bad_topic") == 2);
  CHECK(refused_messages(daemon, "bad_frames") == 2);
  CHECK(refused_messages(daemon, "unknown_stream") == 1);
  CHECK(refused_messages(daemon, "too_many_streams") == 1);
  CHECK(daemon.status().messages_received == 9);
  CHECK(daemon.labels().size() == 1);
  const auto& outcomes = daemon.source.outcomes();
  CHECK(std::count(outcomes.begin(), outcomes.end(), Outcome::refused) == 6);
  CHECK(daemon.log.count("message refused: frames: 3, expected 2") == 1);
  CHECK(daemon.log.count("message refused: stream \"lidar\" is not configured") == 1);
}

TEST_CASE("a state that is damaged refuses the messages of its stream") {
  MemoryStateStore store;
  DaemonAtWork daemon(quick_daemon(), &store);
  REQUIRE(store.save("sonar", "\x01 damaged"));
  daemon.send(points_message(0, two_clusters(100)), "sonar");
  CHECK(refused_messages(daemon, "stream_failed") == 1);
  CHECK(daemon.pipeline->drain());
  CHECK(**store.load("sonar") == "\x01 damaged");
}

TEST_CASE("warnings of one kind are held back beyond a few a second, and their number is told") {
  DaemonAtWork daemon;
  for (int i = 0; i < 100; ++i) REQUIRE(daemon.source.push({"nonsense", "x"}));
  daemon.run();
  CHECK(daemon.log.count("message refused") == 5);
  CHECK(refused_messages(daemon, "bad_topic") == 100);
  daemon.wait(2);
  CHECK(daemon.log.count("suppressed 95 similar") == 1);
}

TEST_CASE("outcomes tell applied, duplicate and refused messages apart") {
  DaemonAtWork daemon;
  daemon.push(points_message(0, two_clusters(5)));
  daemon.push(points_message(0, two_clusters(5)));
  PointBatch wrong;
  wrong.points = Eigen::MatrixXd::Zero(3, 1);
  daemon.send(points_message(1, wrong));
  CHECK(daemon.source.outcomes() == std::vector<Outcome>{Outcome::applied, Outcome::duplicate, Outcome::refused});
}

TEST_CASE("streams do not touch each other") {
  DaemonAtWork both, alone;
  for (std::uint64_t i = 0; i < 10; ++i) {
    both.push(points_message(i, two_clusters(30, i + 1)));
    both.push(points_message(i, two_clusters(30, 100 + i)), "sonar");
    alone.push(points_message(i, two_clusters(30, i + 1)));
  }
  both.run();
  alone.run();
  CHECK(both.digest() == alone.digest());
  CHECK(said(both) == said(alone));
  CHECK(both.labels("sonar").size() == 10);
  CHECK(both.digest("sonar") != both.digest());
}

TEST_CASE("the same bytes leave in the same order, however many threads learn and however long that takes") {
  const BlockedSignals blocked;  // the threads outlive this test, and shall not take the signals of another
  std::vector<std::vector<Frame>> sent;
  std::vector<std::vector<Outcome>> outcomes;
  for (const auto& [threads, tick] : {std::pair(1, 0), {3, 0}, {1, 500}, {1, 20}}) {
    DaemonOptions options = quick_daemon();
    options.dynamic_streams = {"*"};
    options.max_streams = 9;
    options.learning_threads = threads;
    options.defaults.publish_responsibilities = true;
    DaemonAtWork daemon(options);
    daemon.tick = std::chrono::microseconds(tick);
    // Streams of unlike shares, faults of every kind among them, and more frames than one turn takes.
    for (std::uint64_t i = 0; i < 400; ++i) {
      const std::string stream = "s" + std::to_string(i * i % 11);
      PointBatch points = two_clusters(1 + static_cast<Index>(i % 37), i + 1);
      if (i % 7 == 0) points.points(0, 0) = std::numeric_limits<double>::infinity();
      daemon.push(points_message(i / 11 * (i % 13 == 0 ? 2 : 1), std::move(points)), stream);
      if (i % 50 == 0) REQUIRE(daemon.source.push({kPoints}));
      if (i % 60 == 0) REQUIRE(daemon.source.push({wire::to_string({stream, wire::TopicKind::points}), "\xff"}));
      if (i % 100 == 0) REQUIRE(daemon.source.push({"nonsense", ""}));
    }
    CHECK(daemon.pipeline->drain());
    sent.push_back(daemon.sink.sent());
    outcomes.push_back(daemon.source.outcomes());
  }
  REQUIRE(sent[0].size() > 400);
  for (std::size_t other = 1; other < sent.size(); ++other) {
    CAPTURE(other);
    CHECK(outcomes[0] == outcomes[other]);
    REQUIRE(sent[0].size() == sent[other].size());
    for (std::size_t i = 0; i < sent[0].size(); ++i) {
      REQUIRE(sent[0][i].topic == sent[other][i].topic);
      REQUIRE(sent[0][i].payload == sent[other][i].payload);
    }
  }
}

TEST_CASE("draining reads what has been received, and nothing that comes later") {
  DaemonAtWork daemon;
  for (std::uint64_t i = 0; i < 200; ++i) daemon.push(points_message(i, two_clusters(2, i + 1)));
  CHECK(daemon.pipeline->drain());
  CHECK(daemon.source.outcomes().size() == 200);
  CHECK(daemon.pipeline->sources_exhausted());
  CHECK_FALSE(daemon.source.push({kPoints, ""}));
  CHECK_FALSE(daemon.board.health()->ready);
  CHECK(daemon.board.health()->not_ready_reason == "draining");
}

TEST_CASE("without a store, draining learns what waits: nothing is lost when a stream ends early") {
  DaemonAtWork daemon;
  daemon.send(points_message(0, two_clusters(25)));
  daemon.send(points_message(0, two_clusters(45)), "sonar");
  CHECK(daemon.labels().empty());
  CHECK(daemon.pipeline->drain());
  REQUIRE(daemon.labels().size() == 1);
  CHECK(daemon.labels()[0].component_ids.size() == 25);
  REQUIRE(daemon.models().size() == 1);
  CHECK(daemon.models()[0].points_learned == 25);
  CHECK(daemon.models("sonar").back().points_learned == 45);
}

TEST_CASE("with a store, draining saves what waits, and the next daemon goes on with the same bits") {
  std::vector<wire::PointsMessage> messages = cut(two_clusters(300), 20);
  for (std::size_t stop = 0; stop <= messages.size(); stop += 1) {
    MemoryStateStore steady_store, store;
    DaemonAtWork steady(quick_daemon(), &steady_store);
    auto daemon = std::make_unique<DaemonAtWork>(quick_daemon(), &store);
    std::size_t labels = 0;
    for (std::size_t i = 0; i < messages.size(); ++i) {
      if (i == stop) {
        REQUIRE(daemon->pipeline->drain());
        labels = daemon->labels().size();
        daemon = std::make_unique<DaemonAtWork>(quick_daemon(), &store);
      }
      steady.send(messages[i]);
      daemon->send(messages[i]);
    }
    REQUIRE(steady.pipeline->drain());
    REQUIRE(daemon->pipeline->drain());
    REQUIRE(**store.load("radar") == **steady_store.load("radar"));
    REQUIRE(labels + daemon->labels().size() == messages.size());
  }
}

TEST_CASE("states are saved when the interval is over, and only then") {
  DaemonOptions options = quick_daemon();
  options.save_interval_seconds = 10;
  MemoryStateStore store;
  DaemonAtWork daemon(options, &store);
  daemon.send(points_message(0, two_clusters(100)));
  daemon.wait(9.9);
  CHECK(store.list()->empty());
  daemon.wait(0.2);
  CHECK(store.list()->size() == 1);
  const std::string first = **store.load("radar");
  daemon.send(points_message(1, two_clusters(100)));
  daemon.wait(5);
  CHECK(**store.load("radar") == first);
  daemon.wait(6);
  CHECK(**store.load("radar") != first);
}

TEST_CASE("with an interval of 0 states are saved in the end alone, and a new interval holds at once") {
  DaemonOptions options = quick_daemon();
  options.save_interval_seconds = 0;
  MemoryStateStore store;
  DaemonAtWork daemon(options, &store);
  daemon.send(points_message(0, two_clusters(100)));
  daemon.wait(100000);
  CHECK(store.list()->empty());
  SECTION("end") { CHECK(daemon.pipeline->drain()); }
  SECTION("new interval") {
    daemon.pipeline->set_save_interval(1);
    daemon.run();
  }
  CHECK(store.list()->size() == 1);
}

TEST_CASE("a save that fails is told and tried again, and a failing last one is the result of draining") {
  DaemonOptions options = quick_daemon();
  options.save_interval_seconds = 10;
  MemoryStateStore store;
  DaemonAtWork daemon(options, &store);
  daemon.send(points_message(0, two_clusters(100)));
  store.fail_saves("disk full");
  daemon.wait(11);
  CHECK(daemon.log.count("stream radar: not saved: memory: radar: cannot write: disk full") == 1);
  daemon.wait(0.9);
  CHECK(daemon.log.count("not saved") == 1);
  daemon.wait(0.1);
  CHECK(daemon.log.count("not saved") == 2);  // soon, and not at the next interval alone
  SECTION("the disk has room again") {
    store.fail_saves({});
    daemon.wait(1);
    CHECK(store.list()->size() == 1);
    CHECK(daemon.pipeline->drain());
  }
  SECTION("it never has") { CHECK_FALSE(daemon.pipeline->drain()); }
}

TEST_CASE("after three saves in a row that fail the daemon is degraded and not ready, labels all the same, and recovers by itself") {
  DaemonOptions options = quick_daemon();
  options.save_interval_seconds = GENERATE(0, 10);
  MemoryStateStore store;
  DaemonAtWork daemon(options, &store);
  daemon.pipeline->set_ready(true, {});
  daemon.send(points_message(0, two_clusters(100)));
  store.fail_saves("disk full");
  CHECK(is<wire::ControlError>(daemon.ask(wire::SaveRequest{"radar"})));
  daemon.wait(1);
  CHECK_FALSE(daemon.pipeline->degraded());
  CHECK(daemon.board.health()->ready);
  CHECK(daemon.status().degraded.empty());
  daemon.wait(1);
  CHECK(daemon.pipeline->degraded());
  const std::string reason = "3 saves in a row have failed; the last: stream radar: memory: radar: cannot write: disk full";
  CHECK_FALSE(daemon.board.health()->ready);
  CHECK(daemon.board.health()->live);
  CHECK(daemon.board.health()->not_ready_reason == "degraded: " + reason);
  CHECK(daemon.status().degraded == reason);
  CHECK(daemon.watched().saves.failures() == 3);
  CHECK(daemon.log.count("degraded: " + reason) == 1);
  const std::size_t labels = daemon.labels().size();
  daemon.send(points_message(1, two_clusters(10)));
  CHECK(daemon.labels().size() == labels + 1);

  store.fail_saves({});
  daemon.wait(1);
  CHECK_FALSE(daemon.pipeline->degraded());
  CHECK(daemon.board.health()->ready);
  CHECK(daemon.status().degraded.empty());
  CHECK(daemon.watched().saves.saves() == 1);
  CHECK(daemon.log.count("states are saved again: no longer degraded") == 1);
  CHECK(store.list()->size() == 1);
}

TEST_CASE("the daemon is degraded as long as one stream cannot be saved, whatever becomes of the others") {
  DaemonOptions options = quick_daemon();
  options.save_interval_seconds = 0.25;
  MemoryStateStore store;
  DaemonAtWork daemon(options, &store);
  daemon.pipeline->set_ready(true, {});
  store.fail_saves("no room", "radar");
  std::uint64_t sent = 0;
  const auto send_both = [&] {
    daemon.send(points_message(sent, two_clusters(100)), "radar");
    daemon.send(points_message(sent, two_clusters(100)), "sonar");
    ++sent;
    daemon.wait(1);
  };
  for (int i = 0; i < 2; ++i) send_both();
  CHECK_FALSE(daemon.pipeline->degraded());
  for (int i = 0; i < 3; ++i) send_both();
  CHECK(daemon.pipeline->degraded());
  CHECK_FALSE(daemon.board.health()->ready);
  CHECK(daemon.status().degraded == "5 saves in a row have failed; the last: stream radar: memory: radar: cannot write: no room");
  CHECK(daemon.watched().saves.saves() == 5);
  CHECK(store.list().value() == std::vector<std::string>{"sonar"});
  SECTION("and recovers with it") {
    store.fail_saves({});
    daemon.wait(1);
  }
  SECTION("and recovers when there is nothing of it to be saved any more") { CHECK(is<wire::ResetReply>(daemon.ask(wire::ResetRequest{"radar"}))); }
  CHECK_FALSE(daemon.pipeline->degraded());
  CHECK(daemon.log.count("no longer degraded") == 1);
}

TEST_CASE("no source and no client holds up the others") {
  MemorySource first, second;
  MemorySink sink;
  MemoryControl control;
  StatusBoard board;
  StreamRegistry streams(quick_daemon(), nullptr);
  REQUIRE(streams.open());
  Pipeline pipeline({{&first, &second}, sink, control, streams, board, [] { return std::chrono::steady_clock::time_point{}; }, 1}, 0);
  wire::Codec codec;
  for (std::uint64_t i = 0; i < 500; ++i)
    REQUIRE(first.push({kPoints, codec.encode(points_message(i, two_clusters(1, i + 1)))}));
  REQUIRE(second.push({kPoints, codec.encode(points_message(0, two_clusters(1), "b"))}));
  const auto ticket = control.ask(codec.encode(wire::ControlRequest{1, wire::ListRequest{}}));
  CHECK(pipeline.step());
  CHECK(first.outcomes().size() < 500);
  CHECK(second.outcomes().size() == 1);
  CHECK(control.answer(ticket));
  while (pipeline.step()) {
  }
  CHECK(first.outcomes().size() == 500);
  CHECK_FALSE(pipeline.sources_exhausted());
  first.close_intake();
  CHECK_FALSE(pipeline.sources_exhausted());
  second.close_intake();
  CHECK(pipeline.sources_exhausted());
}
