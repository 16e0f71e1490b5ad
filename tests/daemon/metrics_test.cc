#include "daemon/metrics.h"

#include <sys/wait.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "daemon/status_pages.h"
#include "daemon/temporary_directory.h"

namespace emulsion::service {
namespace {

using Catch::Matchers::Contains;
using namespace std::chrono_literals;

wire::ProducerStatus producer(std::uint64_t missing, std::uint64_t duplicate, std::uint64_t reordered,
                              std::uint64_t restarts) {
  wire::ProducerStatus status;
  status.producer = "secret-producer";
  status.messages_missing = missing;
  status.messages_duplicate = duplicate;
  status.messages_reordered = reordered;
  status.restarts = restarts;
  return status;
}

wire::StreamStatus stream(std::string name, std::uint64_t points) {
  wire::StreamStatus status;
  status.stream = std::move(name);
  status.phase = wire::StreamPhase::learning;
  status.components = 2;
  status.model_version = 7;
  status.points_accepted = points;
  status.points_waiting = 3;
  status.effective_sample_size = 812.5;
  status.mean_log_likelihood = -4.25;
  status.refusals = {{"row", "not_finite", 2}};
  status.producers = {producer(4, 3, 2, 1), producer(10, 0, 0, 0)};
  return status;
}

ServiceStatus example() {
  ServiceStatus status;
  status.reply.version = "0.1.0";
  status.reply.uptime_seconds = 12.5;
  status.reply.messages_received = 99;
  status.reply.refusals = {{"message", "unknown_stream", 5}};
  status.reply.streams = {stream("one", 10), stream("radar", 1000), stream("two", 20)};
  status.details["radar"].configured = true;
  status.details["one"].models_published = 1;
  status.details["two"].models_published = 2;
  status.started = std::chrono::system_clock::time_point(1700000000s);
  status.health.ready = true;
  return status;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

bool has_line(const std::string& text, const std::string& line) {
  const auto lines = lines_of(text);
  return std::find(lines.begin(), lines.end(), line) != lines.end();
}

struct Verdict {
  int exit_status;
  std::string output;
};

// What promtool says of the text. 127: there is no promtool (Debian package prometheus).
Verdict promtool(const std::string& text) {
  const TemporaryDirectory directory;
  write_file(directory.file("metrics"), text);
  FILE* pipe = popen(("promtool check metrics < '" + directory.file("metrics") + "' 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  Verdict verdict;
  char piece[4096];
  while (const auto size = std::fread(piece, 1, sizeof piece, pipe)) verdict.output.append(piece, size);
  const int status = pclose(pipe);
  verdict.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return verdict;
}

TEST_CASE("promtool finds nothing to say against the metrics", "[metrics]") {
  auto status = example();
  status.details["radar"].em_step_seconds.observe(0.003);
  const auto verdict = promtool(prometheus_text(status));
  INFO("promtool comes with the Debian package prometheus");
  CHECK(verdict.output == "");
  CHECK(verdict.exit_status == 0);
}

TEST_CASE("promtool finds nothing to say against the metrics of an idle daemon", "[metrics]") {
  const auto verdict = promtool(prometheus_text(ServiceStatus{}));
  CHECK(verdict.output == "");
  CHECK(verdict.exit_status == 0);
}

TEST_CASE("promtool does find faults", "[metrics]") {
  CHECK(promtool("# HELP a_count x\n# TYPE a_count gauge\na_count 1\na_count 1\n").exit_status != 0);
}

TEST_CASE("a configured stream has its own series", "[metrics]") {
  const auto text = prometheus_text(example());
  CHECK(has_line(text, "emulsion_points_accepted_total{stream=\"radar\"} 1000"));
  CHECK(has_line(text, "emulsion_points_waiting{stream=\"radar\"} 3"));
  CHECK(has_line(text, "emulsion_model_version{stream=\"radar\"} 7"));
  CHECK(has_line(text, "emulsion_effective_sample_size_points{stream=\"radar\"} 812.5"));
  CHECK(has_line(text, "emulsion_mean_log_likelihood_nats{stream=\"radar\"} -4.25"));
  CHECK(has_line(text, "emulsion_stream_refused_total{stream=\"radar\",stage=\"row\",reason=\"not_finite\"} 2"));
}

TEST_CASE("the counts of a stream's producers are added up", "[metrics]") {
  const auto text = prometheus_text(example());
  CHECK(has_line(text, "emulsion_producers{stream=\"radar\"} 2"));
  CHECK(has_line(text, "emulsion_messages_missing{stream=\"radar\"} 14"));
  CHECK(has_line(text, "emulsion_messages_duplicate_total{stream=\"radar\"} 3"));
  CHECK(has_line(text, "emulsion_messages_reordered_total{stream=\"radar\"} 2"));
  CHECK(has_line(text, "emulsion_producer_restarts_total{stream=\"radar\"} 1"));
}

TEST_CASE("streams of no configured name share one series", "[metrics]") {
  const auto text = prometheus_text(example());
  CHECK(has_line(text, "emulsion_points_accepted_total{stream=\"_dynamic\"} 30"));
  CHECK(has_line(text, "emulsion_stream_refused_total{stream=\"_dynamic\",stage=\"row\",reason=\"not_finite\"} 4"));
  CHECK(has_line(text, "emulsion_published_total{stream=\"_dynamic\",kind=\"model\"} 3"));
  CHECK_THAT(text, !Contains("stream=\"one\"") && !Contains("stream=\"two\""));
}

TEST_CASE("what cannot be added up is not given for the sum", "[metrics]") {
  const auto text = prometheus_text(example());
  CHECK_THAT(text, !Contains("emulsion_model_version{stream=\"_dynamic\"}"));
  CHECK_THAT(text, !Contains("emulsion_mean_log_likelihood_nats{stream=\"_dynamic\"}"));
  CHECK_THAT(text, !Contains("emulsion_effective_sample_size_points{stream=\"_dynamic\"}"));
}

TEST_CASE("the number of lines does not depend on how many streams were made up by senders", "[metrics]") {
  auto status = example();
  const auto lines = lines_of(prometheus_text(status)).size();
  for (int i = 0; i < 1000; ++i) status.reply.streams.push_back(stream("made-up-" + std::to_string(i), 1));
  CHECK(lines_of(prometheus_text(status)).size() == lines);
}

TEST_CASE("names of producers never appear in metrics", "[metrics]") {
  CHECK_THAT(prometheus_text(example()), !Contains("secret-producer"));
}

TEST_CASE("a configured stream that bears the name of the sum belongs to it", "[metrics]") {
  auto status = example();
  status.reply.streams.push_back(stream(kDynamicStreams, 500));
  status.details[kDynamicStreams].configured = true;
  const auto text = prometheus_text(status);
  CHECK(has_line(text, "emulsion_points_accepted_total{stream=\"_dynamic\"} 530"));
  CHECK(promtool(text).exit_status == 0);
}

TEST_CASE("a refusal that is listed twice becomes one sample", "[metrics]") {
  auto status = example();
  status.reply.refusals = {{"message", "bad_topic", 2}, {"message", "bad_topic", 3}};
  CHECK(has_line(prometheus_text(status), "emulsion_refused_total{stage=\"message\",reason=\"bad_topic\"} 5"));
}

TEST_CASE("a stream without a model has no model metrics", "[metrics]") {
  auto status = example();
  status.reply.streams[1].model_version = 0;
  CHECK_THAT(prometheus_text(status), !Contains("emulsion_mean_log_likelihood_nats{"));
}

TEST_CASE("label values are escaped", "[metrics]") {
  auto status = example();
  status.reply.version = "a\"b\\c\nd";
  const auto text = prometheus_text(status);
  CHECK(has_line(text, R"(emulsion_build_info{version="a\"b\\c\nd"} 1)"));
  CHECK(promtool(text).exit_status == 0);
}

TEST_CASE("a bucket of the step time counts everything that was not longer", "[metrics]") {
  auto status = example();
  auto& steps = status.details["radar"].em_step_seconds;
  steps.observe(0.001);   // on the bound
  steps.observe(0.0011);  // just above it
  steps.observe(100);     // longer than every bound
  const auto text = prometheus_text(status);
  CHECK(has_line(text, "emulsion_em_step_seconds_bucket{stream=\"radar\",le=\"0.0005\"} 0"));
  CHECK(has_line(text, "emulsion_em_step_seconds_bucket{stream=\"radar\",le=\"0.001\"} 1"));
  CHECK(has_line(text, "emulsion_em_step_seconds_bucket{stream=\"radar\",le=\"0.0025\"} 2"));
  CHECK(has_line(text, "emulsion_em_step_seconds_bucket{stream=\"radar\",le=\"1\"} 2"));
  CHECK(has_line(text, "emulsion_em_step_seconds_bucket{stream=\"radar\",le=\"+Inf\"} 3"));
  CHECK(has_line(text, "emulsion_em_step_seconds_count{stream=\"radar\"} 3"));
  CHECK(has_line(text, "emulsion_em_step_seconds_sum{stream=\"radar\"} 100.0021"));
}

TEST_CASE("merging two histograms equals having observed both", "[metrics]") {
  DurationHistogram a, b, both;
  for (double seconds : {0.0, 0.004, 7.0}) a.observe(seconds), both.observe(seconds);
  for (double seconds : {0.004, 0.25}) b.observe(seconds), both.observe(seconds);
  a.merge(b);
  CHECK(a.counts() == both.counts());
  CHECK(a.sum() == Approx(both.sum()));
}

TEST_CASE("the daemon as a whole is described", "[metrics]") {
  const auto text = prometheus_text(example());
  CHECK(has_line(text, "emulsion_build_info{version=\"0.1.0\"} 1"));
  CHECK(has_line(text, "process_start_time_seconds 1700000000"));
  CHECK(has_line(text, "emulsion_uptime_seconds 12.5"));
  CHECK(has_line(text, "emulsion_messages_received_total 99"));
  CHECK(has_line(text, "emulsion_refused_total{stage=\"message\",reason=\"unknown_stream\"} 5"));
  CHECK(has_line(text, "emulsion_streams{phase=\"learning\"} 3"));
  CHECK(has_line(text, "emulsion_streams{phase=\"paused\"} 0"));
}

TEST_CASE("the board gives the last health that was posted", "[metrics]") {
  StatusBoard board;
  CHECK_FALSE(board.health());
  std::thread writer([&] {
    for (int i = 1; i <= 1000; ++i) board.post(Health{std::chrono::steady_clock::time_point(std::chrono::seconds(i)), true, true, {}});
  });
  std::chrono::steady_clock::time_point seen{};
  while (seen < std::chrono::steady_clock::time_point(1000s)) {
    const auto health = board.health();
    if (!health) continue;
    REQUIRE(health->pipeline_tick >= seen);
    seen = health->pipeline_tick;
  }
  writer.join();
}

TEST_CASE("the status is made when somebody asks, and given once", "[metrics]") {
  StatusBoard board;
  CHECK_FALSE(board.asked());
  CHECK_FALSE(board.wait(0ms));
  board.ask();
  CHECK(board.asked());
  CHECK_FALSE(board.wait(0ms));
  ServiceStatus status;
  status.reply.messages_received = 7;
  board.post(std::move(status));
  CHECK_FALSE(board.asked());
  const auto answer = board.wait(0ms);
  REQUIRE(answer);
  CHECK(answer->reply.messages_received == 7);
  CHECK_FALSE(board.wait(0ms));
}

TEST_CASE("an answer that nobody has fetched is not taken for that of a later question", "[metrics]") {
  StatusBoard board;
  board.ask();
  board.post(ServiceStatus{});
  board.ask();
  CHECK_FALSE(board.wait(0ms));
}

// Pages with a clock that stands where the test puts it.
struct Pages {
  StatusBoard board;
  std::chrono::steady_clock::time_point now{100s};
  HttpPages pages = status_pages(board, 10s, [this] { return now; });

  void post(bool live, bool ready, std::string reason = "") { board.post(Health{now, live, ready, std::move(reason)}); }
  HttpReply get(const char* path) { return pages.at(path)(); }
};

TEST_CASE("before the pipeline's first round nothing is well", "[pages]") {
  Pages p;
  for (const char* path : {"/metrics", "/healthz", "/readyz"}) {
    CHECK(p.get(path).status == 503);
    CHECK(p.get(path).body == "the pipeline has not started\n");
  }
}

TEST_CASE("a pipeline that goes round is healthy, and one that has stood still too long is not", "[pages]") {
  Pages p;
  p.post(true, true);
  p.now += 10s;
  CHECK(p.get("/healthz").status == 200);
  CHECK(p.get("/healthz").body == "ok\n");
  CHECK(p.get("/readyz").status == 200);
  p.now += 500ms;
  CHECK(p.get("/healthz").status == 503);
  CHECK(p.get("/healthz").body == "the pipeline has not gone round for 10.5 s\n");
  CHECK(p.get("/readyz").status == 503);
}

TEST_CASE("a daemon that is not ready is still healthy, and says why", "[pages]") {
  Pages p;
  p.post(true, false, "restoring state");
  CHECK(p.get("/healthz").status == 200);
  CHECK(p.get("/readyz").status == 503);
  CHECK(p.get("/readyz").body == "restoring state\n");
}

TEST_CASE("a daemon that cannot go on is not healthy", "[pages]") {
  Pages p;
  p.post(false, true);
  CHECK(p.get("/healthz").status == 503);
}

TEST_CASE("metrics are served as Prometheus' text format", "[pages]") {
  Pages p;
  p.post(true, true);
  std::thread pipeline([&] {
    while (!p.board.asked()) std::this_thread::yield();
    p.board.post(example());
  });
  const auto reply = p.get("/metrics");
  pipeline.join();
  CHECK(reply.status == 200);
  CHECK(reply.content_type == "text/plain; version=0.0.4; charset=utf-8");
  CHECK_THAT(reply.body, Contains("emulsion_points_accepted_total"));
}

}  // namespace
}  // namespace emulsion::service
