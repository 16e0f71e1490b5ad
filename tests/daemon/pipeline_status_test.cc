// What the daemon says of itself.
#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "daemon/daemon_at_work.h"

using namespace emulsion;
using namespace emulsion::service;

TEST_CASE("the status board shows what the control endpoint says, and more for metrics") {
  DaemonAtWork daemon;
  CHECK_FALSE(daemon.board.health());
  daemon.pipeline->set_ready(true, {});
  CHECK(daemon.board.health()->ready);
  daemon.send(points_message(0, two_clusters(100)));
  daemon.send(points_message(0, two_clusters(10)), "sonar");
  const auto posted = daemon.board.health()->pipeline_tick;
  daemon.wait(0.1);
  CHECK(daemon.board.health()->pipeline_tick == posted);  // its time has not come
  daemon.wait(0.1);
  CHECK(daemon.board.health()->pipeline_tick == daemon.now);
  CHECK(daemon.board.health()->live);
  const auto status = daemon.watched();
  CHECK(status.health.ready);
  CHECK(status.health.pipeline_tick == daemon.now);
  CHECK(status.reply.messages_received == 2);
  REQUIRE(status.reply.streams.size() == 2);
  CHECK(status.reply.streams[0].points_accepted == 100);
  CHECK(status.reply.streams[0].digest.empty());  // costly
  const StreamDetails& radar = status.details.at("radar");
  CHECK(radar.configured);
  CHECK_FALSE(status.details.at("sonar").configured);
  CHECK(radar.models_published == 1);
  CHECK(radar.labels_published == 1);
  CHECK(radar.events_published == 1);
  CHECK(radar.components_starved == 0);
  CHECK(radar.em_step_seconds.counts()[0] == 0);  // finding the first model is no step
  daemon.send(points_message(1, two_clusters(40)));
  CHECK(daemon.watched().details.at("radar").em_step_seconds.counts()[0] == 3);  // of 0 seconds, as the clock stood still
  daemon.pipeline->set_ready(false, "because");
  CHECK_FALSE(daemon.board.health()->ready);
  CHECK(daemon.board.health()->not_ready_reason == "because");
}

TEST_CASE("the status is made only when somebody asks for it, some streams at a time, and each of them once") {
  DaemonOptions options = quick_daemon();
  options.max_streams = 1000;
  DaemonAtWork daemon(options);
  for (int i = 0; i < 700; ++i) daemon.push(points_message(0, two_clusters(3)), "s" + std::to_string(i));
  daemon.run();
  CHECK_FALSE(daemon.board.wait(std::chrono::milliseconds(0)));
  daemon.board.ask();
  CHECK(daemon.pipeline->step());  // there is more to do
  CHECK_FALSE(daemon.board.wait(std::chrono::milliseconds(0)));
  daemon.run();
  const auto status = daemon.board.wait(std::chrono::milliseconds(0));
  REQUIRE(status);
  REQUIRE(status->reply.streams.size() == 701);
  CHECK(status->details.size() == 701);
  CHECK(std::is_sorted(status->reply.streams.begin(), status->reply.streams.end(),
                       [](const auto& a, const auto& b) { return a.stream < b.stream; }));
}

TEST_CASE("the status board shows a starved component") {
  DaemonOptions options = quick_daemon();
  options.streams["radar"].learner.step.kind = StepKind::half_life;
  options.streams["radar"].learner.step.half_life_points = 20;
  DaemonAtWork daemon(options);
  daemon.send(points_message(0, two_clusters(200)));
  PointBatch one_cluster;
  one_cluster.points = testing::Sampler(4).normals(2, 600);
  one_cluster.points.row(1).array() += 5;
  daemon.send(points_message(1, one_cluster));
  daemon.wait(1);
  CHECK(daemon.watched().details.at("radar").components_starved == 1);
}
