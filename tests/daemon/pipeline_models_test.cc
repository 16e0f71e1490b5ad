// When models are published, and who gets them.
#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "daemon/daemon_at_work.h"

using namespace emulsion;
using namespace emulsion::service;

TEST_CASE("models are published not more often than the interval, and the last one in the end") {
  DaemonOptions options = quick_daemon();
  options.streams["radar"].model_interval_seconds = 10;
  DaemonAtWork daemon(options);
  daemon.send(points_message(0, two_clusters(100)));
  CHECK(daemon.models().size() == 1);  // the first one at once
  daemon.send(points_message(1, two_clusters(100)));
  daemon.wait(9.9);
  CHECK(daemon.models().size() == 1);
  daemon.wait(0.2);
  REQUIRE(daemon.models().size() == 2);
  CHECK(daemon.models()[1].version == daemon.status().streams.at(0).model_version);
  daemon.wait(60);
  CHECK(daemon.models().size() == 2);  // nothing new
  daemon.send(points_message(2, two_clusters(100)));
  daemon.send(points_message(3, two_clusters(100)));
  CHECK(daemon.models().size() == 3);
  CHECK(daemon.pipeline->drain());
  REQUIRE(daemon.models().size() == 4);
  CHECK(daemon.models()[3].version == daemon.status().streams.at(0).model_version);
}

TEST_CASE("with an interval of 0 a model is published after every message that changed it") {
  DaemonAtWork daemon;
  for (std::uint64_t i = 0; i < 5; ++i) daemon.push(points_message(i, two_clusters(40, i + 1)));
  daemon.push(points_message(5, two_clusters(1)));
  daemon.run();
  REQUIRE(daemon.models().size() == 5);
  for (std::size_t i = 0; i + 1 < 5; ++i) CHECK(daemon.models()[i].version < daemon.models()[i + 1].version);
  CHECK(daemon.models()[2].sources.at(0).last_sequence == 2);
}

TEST_CASE("the numbers of every topic have no holes") {
  DaemonAtWork daemon;
  for (std::uint64_t i = 0; i < 20; ++i) daemon.send(points_message(2 * i, two_clusters(30, i + 1)));
  const auto check = [](const auto& messages) {
    REQUIRE(messages.size() > 1);
    for (std::size_t i = 0; i < messages.size(); ++i) {
      REQUIRE(messages[i].topic_sequence == i);
      REQUIRE(messages[i].daemon_session == 77);
    }
  };
  check(daemon.labels());
  check(daemon.models());
  check(daemon.events());
}

TEST_CASE("whoever subscribes late gets the last model") {
  DaemonAtWork daemon;
  daemon.send(points_message(0, two_clusters(100)));
  daemon.send(points_message(1, two_clusters(100)));
  const auto& late = daemon.sink.subscribe("emulsion.v1.radar.");
  daemon.run();
  REQUIRE(late.size() == 1);
  const auto model = daemon.codec.decode_model(late[0].payload);
  CHECK(model->version == daemon.status().streams.at(0).model_version);
  CHECK(model->topic_sequence + 1 == daemon.models().size());
}

TEST_CASE("who has subscribed before the first model gets it once, however many subscriptions come together") {
  DaemonOptions options = quick_daemon();
  options.streams["radar"].model_interval_seconds = 10;
  DaemonAtWork daemon(options);
  for (const char* prefix : {"emulsion.v1.a.", "emulsion.v1.b.", "emulsion.v1.probe.model.", "emulsion.v1.r"}) daemon.sink.subscribe(prefix);
  const auto& inbox = daemon.sink.subscribe("emulsion.v1.radar.model.");
  daemon.send(points_message(0, two_clusters(100)));
  CHECK(inbox.size() == 1);
}

TEST_CASE("a subscription is answered with the models of its topics and no others, each once") {
  DaemonOptions options = quick_daemon();
  options.max_streams = 400;
  options.dynamic_streams = {"*"};
  DaemonAtWork daemon(options);
  for (int i = 0; i < 300; ++i) daemon.push(points_message(0, two_clusters(40)), "s" + std::to_string(i));
  daemon.send(points_message(0, two_clusters(5)), "warming");
  const auto [prefix, models] = GENERATE(table<std::string, std::size_t>({
      {"", 300}, {"emu", 300}, {"emulsion.v1.", 300}, {"emulsion.v1.s", 300}, {"emulsion.v1.s1", 111}, {"emulsion.v1.s1.", 1},
      {"emulsion.v1.s1.mo", 1}, {"emulsion.v1.s1.model.", 1}, {"emulsion.v1.s1.labels.", 0}, {"emulsion.v1.s1.model.x", 0},
      {"emulsion.v1.warming.", 0}, {"emulsion.v1.unheard.", 0}, {"other", 0}, {"emulsion.v2.", 0}}));
  const auto& late = daemon.sink.subscribe(prefix);
  daemon.sink.subscribe(prefix + "s2");  // others at the same time
  daemon.sink.subscribe(prefix);
  daemon.run();
  INFO(prefix);
  const std::set<std::string> topics = [&] {
    std::set<std::string> found;
    for (const Frame& frame : late) found.insert(frame.topic);
    return found;
  }();
  CHECK(topics.size() == models);
  CHECK(late.size() == models);
}

TEST_CASE("a restored model is published at once, as late subscribers need it") {
  MemoryStateStore store;
  DaemonAtWork before(quick_daemon(), &store);
  before.send(points_message(0, two_clusters(100)));
  REQUIRE(before.pipeline->drain());
  DaemonAtWork after(quick_daemon(), &store);
  after.run();
  REQUIRE(after.models().size() == 1);
  CHECK(after.models()[0].version == before.models().back().version);
}
