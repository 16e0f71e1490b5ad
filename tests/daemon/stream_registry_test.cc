#include "daemon/stream_registry.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "daemon/daemon_at_work.h"
#include "daemon/file_replay.h"
#include "daemon/temporary_directory.h"

using namespace emulsion;
using namespace emulsion::service;

namespace {

// The state of a stream that has seen some points.
std::string saved(const std::string& name, const StreamOptions& options, Index points) {
  auto stream = Stream::make(name, options, std::nullopt);
  REQUIRE(stream);
  take(*stream, points_message(0, two_clusters(points)));
  return wire::encode_state(stream->state());
}

std::string open_error(const DaemonOptions& options, StateStore* store) {
  StreamRegistry streams(options, store);
  const auto opened = streams.open();
  REQUIRE_FALSE(opened);
  return opened.error().message;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

const char* kModel = R"({"dimension": 2, "components": [
  {"weight": 0.5, "mean": [0, 5], "covariance": [[1, 0], [0, 1]]},
  {"weight": 0.5, "mean": [5, 0], "covariance": [[1, 0], [0, 1]]}]})";

}  // namespace

TEST_CASE("configured streams are there at once, others on first sight if a pattern matches") {
  StreamRegistry streams(quick_daemon(), nullptr);
  REQUIRE(streams.open());
  CHECK(streams.all().size() == 1);
  REQUIRE(streams.find("radar") != nullptr);
  CHECK(streams.find("radar")->configured);
  CHECK(streams.find("sonar") == nullptr);
  const auto sonar = streams.find_or_create("sonar");
  REQUIRE(sonar);
  CHECK_FALSE((*sonar)->configured);
  CHECK(*streams.find_or_create("sonar") == *sonar);
  CHECK(streams.find("sonar") == *sonar);

  const auto unknown = streams.find_or_create("lidar");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().reason == "unknown_stream");
  CHECK(contains(unknown.error().text, "\"lidar\""));
}

TEST_CASE("there are never more streams than allowed, and those there are go on") {
  StreamRegistry streams(quick_daemon(), nullptr);  // 3, one of them configured
  REQUIRE(streams.open());
  REQUIRE(streams.find_or_create("s1"));
  REQUIRE(streams.find_or_create("s2"));
  const auto third = streams.find_or_create("s3");
  REQUIRE_FALSE(third);
  CHECK(third.error().reason == "too_many_streams");
  CHECK(streams.find_or_create("s1"));
  CHECK(streams.all().size() == 3);
}

TEST_CASE("a stream of its own section has its options, others those of the defaults") {
  DaemonOptions options = quick_daemon();
  options.streams["radar"].learner.components = 5;
  StreamRegistry streams(options, nullptr);
  REQUIRE(streams.open());
  CHECK(streams.find("radar")->stream.options().learner.components == 5);
  CHECK((*streams.find_or_create("s1"))->stream.options().learner.components == 2);
}

TEST_CASE("saved streams are restored when the registry opens") {
  MemoryStateStore store;
  const std::string radar = saved("radar", quick_options(), 100);
  const std::string sonar = saved("sonar", quick_options(), 20);
  REQUIRE(store.save("radar", radar));
  REQUIRE(store.save("sonar", sonar));
  REQUIRE(store.save("lidar", saved("lidar", quick_options(), 20)));  // no longer allowed: left alone
  CapturedLog log;
  StreamRegistry streams(quick_daemon(), &store);
  REQUIRE(streams.open());
  REQUIRE(streams.all().size() == 2);
  CHECK(wire::encode_state(streams.find("radar")->stream.state()) == radar);
  CHECK(wire::encode_state(streams.find("sonar")->stream.state()) == sonar);
  CHECK(streams.find("radar")->unpublished);        // for those who wait for a model
  CHECK_FALSE(streams.find("sonar")->unpublished);  // has none yet
  CHECK(log.count("stream lidar: has a saved state") == 1);
  CHECK(store.list()->size() == 3);
}

TEST_CASE("a state that turns up later is restored on first sight") {
  MemoryStateStore store;
  StreamRegistry streams(quick_daemon(), &store);
  REQUIRE(streams.open());
  const std::string sonar = saved("sonar", quick_options(), 100);
  REQUIRE(store.save("sonar", sonar));
  const auto found = streams.find_or_create("sonar");
  REQUIRE(found);
  CHECK(wire::encode_state((*found)->stream.state()) == sonar);
  CHECK((*found)->unpublished);
}

TEST_CASE("a damaged state is an error that names the stream, and is never overwritten") {
  MemoryStateStore store;
  SECTION("the store finds it") {
    REQUIRE(store.save("radar", "x"));
    store.damage("radar");
  }
  SECTION("the decoder finds it") { REQUIRE(store.save("radar", "\x01 no state")); }
  const auto before = store.load("radar");
  const std::string error = open_error(quick_daemon(), &store);
  CHECK(contains(error, "radar"));
  const auto after = store.load("radar");
  REQUIRE(before.has_value() == after.has_value());
  if (before) CHECK(**before == **after);
}

TEST_CASE("a damaged state of a dynamic stream refuses the stream, which is not made") {
  MemoryStateStore store;
  StreamRegistry streams(quick_daemon(), &store);
  REQUIRE(streams.open());
  REQUIRE(store.save("sonar", "\x01 no state"));
  const auto found = streams.find_or_create("sonar");
  REQUIRE_FALSE(found);
  CHECK(found.error().reason == "stream_failed");
  CHECK(contains(found.error().text, "\"sonar\""));
  CHECK(streams.find("sonar") == nullptr);
  CHECK(**store.load("sonar") == "\x01 no state");
}

namespace {

// A daemon that replays files of two columns to the stream radar, and learns them as far as it is told to.
class Replayed {
 public:
  explicit Replayed(std::vector<InputOptions> inputs) { options.inputs = std::move(inputs); }

  // The state of radar once so many messages of a file have been learned, the mark of each kept.
  void learn(const std::string& path, int messages) {
    auto source = open_replay(path, "radar", std::string(stream_.mark(kReplayProducer, replay_session(path))));
    REQUIRE(source);
    wire::Codec codec;
    for (int i = 0; i < messages; ++i) {
      const auto frame = (*source)->receive();
      REQUIRE(frame);
      take(stream_, codec.decode_points(frame->payload).value());
      stream_.set_mark(kReplayProducer, frame->mark);
      (*source)->settle(*frame, Outcome::applied);
    }
  }
  std::string save() {
    std::string state = wire::encode_state(stream_.state());
    REQUIRE(store.save("radar", state));
    return state;
  }

  Stream& stream() { return stream_; }

  DaemonOptions options = quick_daemon();
  MemoryStateStore store;

 private:
  Stream stream_ = Stream::make("radar", quick_options(), std::nullopt).value();
};

std::string table(int rows) {
  std::string text = "x,y\n";
  for (int i = 0; i < rows; ++i) text += std::to_string(i % 7) + "," + std::to_string(i % 5 + 10 * (i % 2)) + "\n";
  return text;
}

}  // namespace

TEST_CASE("from a damaged state a stream falls back to an older one only if what came since is in files that are read again") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("points.csv"), other = directory.file("other.csv");
  const std::string text = table(1000);
  write_file(path, text);
  write_file(other, text);
  const InputOptions replay{InputKind::replay, Attachment::bind, "", "radar", path};
  const InputOptions other_replay{InputKind::replay, Attachment::bind, "", "radar", other};
  const InputOptions to_sonar{InputKind::replay, Attachment::bind, "", "sonar", path};
  const InputOptions pull{InputKind::pull, Attachment::bind, "tcp://127.0.0.1:7701", "", ""};
  Replayed daemon({replay, other_replay});
  daemon.learn(path, 1);
  SECTION("it is") {
    SECTION("with one file") {}
    SECTION("with another that it has not begun") { daemon.options.inputs = {other_replay, replay, to_sonar}; }
    SECTION("with two") { daemon.learn(other, 2); }
    SECTION("with one that has grown") { write_file(path, text + "1,2\n"); }
    const std::string older = daemon.save();
    daemon.learn(path, 1);
    daemon.save();
    daemon.store.damage("radar");
    CapturedLog log;
    StreamRegistry streams(daemon.options, &daemon.store);
    REQUIRE(streams.open());
    CHECK(wire::encode_state(streams.find("radar")->stream.state()) == older);
    CHECK(log.count("stream radar: memory: radar: damaged") == 1);
    CHECK(log.count("stream radar: goes on from memory: radar, the older one, which is older") == 1);
  }
  SECTION("it is not") {
    SECTION("there are none, so nothing comes again") { daemon.options.inputs = {}; }
    SECTION("an input is none, and may have let go of what came since") { daemon.options.inputs = {replay, pull}; }
    SECTION("the file goes to another stream") { daemon.options.inputs = {to_sonar}; }
    SECTION("the file is another one") { daemon.options.inputs = {other_replay}; }
    SECTION("the stream has had a producer beside it") { take(daemon.stream(), points_message(0, two_clusters(40), GENERATE("a", "z"))); }
    SECTION("the stream has had a file that is not read any more") {
      daemon.learn(other, 1);
      daemon.options.inputs = {replay};
    }
    daemon.save();
    daemon.learn(path, 1);
    daemon.save();
    SECTION("the file holds something else now") { write_file(path, "x,y\n7" + text.substr(5)); }
    SECTION("the file has been cut") { write_file(path, text.substr(0, 1500)); }
    SECTION("the file is gone") { std::filesystem::remove(path); }
    SECTION("there is no older state") {
      REQUIRE(daemon.store.remove("radar"));
      daemon.save();
    }
    daemon.store.damage("radar");
    CHECK(open_error(daemon.options, &daemon.store) == "memory: radar: damaged");
    CHECK_FALSE(daemon.store.load("radar"));
  }
}

TEST_CASE("a state whose other options were others is taken, and each of them is told") {
  MemoryStateStore store;
  REQUIRE(store.save("radar", saved("radar", quick_options(), 100)));
  DaemonOptions options = quick_daemon();
  CapturedLog log;
  SECTION("the same") {
    options.streams["radar"].model_interval_seconds = 7;  // of no concern to statistics, as are threads
    options.streams["radar"].learner.threads = 2;
    StreamRegistry streams(options, &store);
    REQUIRE(streams.open());
    CHECK(log.count("goes on with") == 0);
  }
  SECTION("another memory") {
    options.streams["radar"].learner.step.exponent = 0.875;
    StreamRegistry streams(options, &store);
    REQUIRE(streams.open());
    CHECK(log.count("goes on with") == 1);
    CHECK(log.count("stream radar: goes on with step_exponent = 0.875, which is not what its state was made with") == 1);
  }
}

TEST_CASE("states that do not fit the configuration are all told, one a line") {
  MemoryStateStore store;
  REQUIRE(store.save("radar", saved("radar", quick_options(), 100)));
  REQUIRE(store.save("sonar", saved("sonar", quick_options(), 100)));
  DaemonOptions options = quick_daemon();
  options.streams["radar"].learner.components = 3;
  options.defaults.learner.family = "gaussian(tied)";
  const std::string error = open_error(options, &store);
  CHECK(std::count(error.begin(), error.end(), '\n') == 1);
  CHECK(contains(error, "stream \"radar\": the saved model is 2*gaussian(full), the configuration says 3*gaussian(full)"));
  CHECK(contains(error, "stream \"sonar\": the saved model is 2*gaussian(full), the configuration says 2*gaussian(tied)"));
}

TEST_CASE("a stream starts from an initial model") {
  TemporaryDirectory directory;
  write_file(directory.file("model.json"), kModel);
  DaemonOptions options = quick_daemon();
  options.streams["radar"].init = directory.file("model.json");
  options.streams["radar"].learner.components = 3;  // the model says 2
  StreamRegistry streams(options, nullptr);
  REQUIRE(streams.open());
  StreamEntry& radar = *streams.find("radar");
  CHECK(radar.stream.status().components == 2);
  CHECK(radar.unpublished);
  REQUIRE(radar.stream.has_model());
  CHECK(take(radar.stream, points_message(0, two_clusters(1))).labels.size() == 1);
}

TEST_CASE("an initial model that cannot be used is an error that names stream and place") {
  TemporaryDirectory directory;
  DaemonOptions options = quick_daemon();
  const std::string path = directory.file("model.json");
  options.streams["radar"].init = path;
  SECTION("no file") { CHECK(contains(open_error(options, nullptr), "stream \"radar\": init: cannot read \"" + path + "\"")); }
  SECTION("no JSON") {
    write_file(path, "{");
    CHECK(contains(open_error(options, nullptr), "stream \"radar\": " + path + ": "));
  }
  SECTION("another dimension") {
    write_file(path, kModel);
    options.streams["radar"].dimension = 4;
    CHECK(contains(open_error(options, nullptr), "dimension 2, the configuration says 4"));
  }
}

TEST_CASE("a saved state goes before an initial model") {
  TemporaryDirectory directory;
  write_file(directory.file("model.json"), kModel);
  MemoryStateStore store;
  DaemonOptions options = quick_daemon();
  const std::string state = saved("radar", quick_options(), 100);
  REQUIRE(store.save("radar", state));
  options.streams["radar"].init = directory.file("model.json");
  StreamRegistry streams(options, &store);
  REQUIRE(streams.open());
  CHECK(wire::encode_state(streams.find("radar")->stream.state()) == state);
}

TEST_CASE("only what has changed is written") {
  MemoryStateStore store;
  StreamRegistry streams(quick_daemon(), &store);
  REQUIRE(streams.open());
  StreamEntry& radar = *streams.find("radar");
  REQUIRE(streams.save(radar));
  CHECK(store.list()->empty());
  radar.unsaved = true;
  store.fail_saves("disk full");
  const auto failed = streams.save(radar);
  REQUIRE_FALSE(failed);
  CHECK(contains(failed.error().message, "disk full"));
  CHECK(radar.unsaved);
  store.fail_saves({});
  REQUIRE(streams.save(radar));
  CHECK_FALSE(radar.unsaved);
  CHECK(store.list()->size() == 1);
  REQUIRE(streams.forget("radar"));
  CHECK(store.list()->empty());
}

TEST_CASE("without a store there is nothing to save, and that is no error") {
  StreamRegistry streams(quick_daemon(), nullptr);
  REQUIRE(streams.open());
  CHECK_FALSE(streams.has_store());
  streams.find("radar")->unsaved = true;
  CHECK(streams.save(*streams.find("radar")));
  CHECK(streams.forget("radar"));
}

TEST_CASE("new options reach the streams there are and those to come") {
  StreamRegistry streams(quick_daemon(), nullptr);
  REQUIRE(streams.open());
  REQUIRE(streams.find_or_create("s1"));
  DaemonOptions options = quick_daemon();
  options.streams["s1"] = quick_options();
  options.streams["s1"].model_interval_seconds = 9;
  options.streams.erase("radar");
  options.defaults.model_interval_seconds = 8;
  options.dynamic_streams = {"l*"};
  streams.reconfigure(options);
  CHECK(streams.find("s1")->configured);
  CHECK(streams.find("s1")->stream.model_interval_seconds() == 9);
  CHECK_FALSE(streams.find("radar")->configured);
  CHECK(streams.find("radar")->stream.model_interval_seconds() == 8);
  CHECK(streams.find_or_create("lidar"));
  CHECK_FALSE(streams.find_or_create("s2"));
}
