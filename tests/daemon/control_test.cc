// Every request, its reply and its errors.
#include "daemon/control.h"

#include <catch2/catch.hpp>

#include "daemon/daemon_at_work.h"

using namespace emulsion;
using namespace emulsion::service;
using wire::ControlErrorCode;

namespace {

// A daemon whose stream "radar" has a model.
struct Taught {
  MemoryStateStore store;
  DaemonAtWork daemon{quick_daemon(), &store};
  Taught() { daemon.send(points_message(0, two_clusters(100))); }
};

class UnremovableStore : public MemoryStateStore {
 public:
  Result<void> remove(std::string_view) override { return fail("read-only disk"); }
};

}  // namespace

TEST_CASE("bytes that are no request get an error, and the next request is answered") {
  DaemonAtWork daemon;
  const auto error = error_of(daemon.ask_bytes("\xff\xff not a request"));
  CHECK(error.code == ControlErrorCode::malformed);
  CHECK(error.message.find("request: ") == 0);
  CHECK(is<wire::ListReply>(daemon.ask(wire::ListRequest{})));
}

TEST_CASE("a request that came in the wrong number of frames is answered with the fault") {
  DaemonOptions options = quick_daemon();
  StreamRegistry streams(options, nullptr);
  MemorySink sink;
  Publisher publisher(sink, 1);
  DaemonCounts counts;
  Control control(
      streams, publisher, counts, [] { return 0.0; }, [](StreamEntry&, StreamOutput&) {});
  Request request{"x", "", "frames: 3, expected 1"};
  const auto reply = wire::Codec().decode_reply(control.answer(request));
  REQUIRE(reply);
  CHECK(error_of(*reply).code == ControlErrorCode::malformed);
  CHECK(error_of(*reply).message == "frames: 3, expected 1");
}

TEST_CASE("a request without a command this version knows is told so") {
  DaemonAtWork daemon;
  const auto reply = daemon.ask(std::monostate{}, 12);
  CHECK(error_of(reply).code == ControlErrorCode::unknown_command);
  CHECK(reply.request_id == 12);
}

TEST_CASE("a reply carries the id of its request") {
  DaemonAtWork daemon;
  CHECK(daemon.ask(wire::ListRequest{}, 4711).request_id == 4711);
  CHECK(daemon.ask(wire::PauseRequest{"nowhere"}, 4712).request_id == 4712);
}

TEST_CASE("a request for a stream that does not exist names it, escaped") {
  DaemonAtWork daemon;
  const std::string name = "no\nwhere";
  for (const auto& reply : {daemon.ask(wire::StatusRequest{name}), daemon.ask(wire::GetModelRequest{name}), daemon.ask(wire::ResetRequest{name}),
                            daemon.ask(wire::PauseRequest{name}), daemon.ask(wire::ResumeRequest{name}), daemon.ask(wire::FlushRequest{name})}) {
    CHECK(error_of(reply).code == ControlErrorCode::unknown_stream);
    CHECK(error_of(reply).message == "there is no stream \"no\\x0Awhere\"");
  }
  CHECK(error_of(daemon.ask(wire::FlushRequest{})).message == "the request names no stream");
}

TEST_CASE("a stream that warms up has no model to give or to keep still") {
  DaemonAtWork daemon;
  daemon.send(points_message(0, two_clusters(10)));
  CHECK(error_of(daemon.ask(wire::GetModelRequest{"radar"})).code == ControlErrorCode::no_model);
  CHECK(error_of(daemon.ask(wire::PauseRequest{"radar"})).code == ControlErrorCode::no_model);
  CHECK(daemon.status().streams.at(0).phase == wire::StreamPhase::warming_up);
}

TEST_CASE("streams are listed by name") {
  DaemonAtWork daemon;
  daemon.send(points_message(0, two_clusters(5)), "sonar");
  const auto reply = daemon.ask(wire::ListRequest{});
  CHECK(std::get<wire::ListReply>(reply.result).streams == std::vector<std::string>{"radar", "sonar"});
}

TEST_CASE("the status counts everything, of all streams or of one") {
  Taught taught;
  taught.daemon.send(points_message(0, two_clusters(5)), "sonar");
  taught.daemon.source.push({"nonsense", ""});
  taught.daemon.wait(2.5);
  const auto status = taught.daemon.status();
  CHECK(status.version == EMULSION_VERSION);
  CHECK(status.uptime_seconds == Approx(2.5));
  CHECK(status.daemon_session == 77);
  CHECK(status.messages_received == 3);
  CHECK(status.messages_published == taught.daemon.sink.sent().size());
  CHECK(refused(status.refusals, "message", "bad_topic") == 1);
  REQUIRE(status.streams.size() == 2);
  CHECK(status.streams[0].stream == "radar");
  CHECK(status.streams[0].points_accepted == 100);
  CHECK(status.streams[0].model_version == 4);
  CHECK(status.streams[0].digest.empty());  // costly: only for one stream
  const auto radar = taught.daemon.ask(wire::StatusRequest{"radar"});
  REQUIRE(std::get<wire::StatusReply>(radar.result).streams.size() == 1);
  CHECK(std::get<wire::StatusReply>(radar.result).streams[0].digest == taught.daemon.digest());
  const auto one = taught.daemon.ask(wire::StatusRequest{"sonar"});
  REQUIRE(std::get<wire::StatusReply>(one.result).streams.size() == 1);
  CHECK(std::get<wire::StatusReply>(one.result).streams[0].points_waiting == 5);
}

TEST_CASE("the model is that of the stream, as it would be published now") {
  Taught taught;
  const auto reply = taught.daemon.ask(wire::GetModelRequest{"radar"});
  REQUIRE(is<wire::GetModelReply>(reply));
  const auto& model = std::get<wire::GetModelReply>(reply.result).model;
  CHECK(model.stream == "radar");
  CHECK(model.version == 4);
  CHECK(model.daemon_session == 77);
  CHECK(model.topic_sequence == taught.daemon.models().size());
  CHECK(model.components.size() == 2);
}

TEST_CASE("saving without a store is an error") {
  DaemonAtWork daemon;
  const auto error = error_of(daemon.ask(wire::SaveRequest{}));
  CHECK(error.code == ControlErrorCode::failed);
  CHECK(error.message.find("state_directory") != std::string::npos);
}

TEST_CASE("a save writes what is there, of one stream or of all") {
  Taught taught;
  taught.daemon.send(points_message(0, two_clusters(5)), "sonar");
  auto reply = taught.daemon.ask(wire::SaveRequest{"radar"});
  CHECK(std::get<wire::SaveReply>(reply.result).streams == std::vector<std::string>{"radar"});
  CHECK(*taught.store.list() == std::vector<std::string>{"radar"});
  CHECK(**taught.store.load("radar") == wire::encode_state(taught.daemon.streams.find("radar")->state()));
  reply = taught.daemon.ask(wire::SaveRequest{});
  CHECK(std::get<wire::SaveReply>(reply.result).streams == std::vector<std::string>{"radar", "sonar"});
  CHECK(error_of(taught.daemon.ask(wire::SaveRequest{"nowhere"})).code == ControlErrorCode::unknown_stream);
}

TEST_CASE("a save that fails says why, and can be tried again") {
  Taught taught;
  taught.store.fail_saves("disk full");
  const auto error = error_of(taught.daemon.ask(wire::SaveRequest{"radar"}));
  CHECK(error.code == ControlErrorCode::failed);
  CHECK(error.message.find("disk full") != std::string::npos);
  taught.store.fail_saves({});
  CHECK(is<wire::SaveReply>(taught.daemon.ask(wire::SaveRequest{"radar"})));
}

TEST_CASE("pause and resume hold learning, not labels") {
  Taught taught;
  DaemonAtWork& daemon = taught.daemon;
  CHECK(is<wire::PauseReply>(daemon.ask(wire::PauseRequest{"radar"})));
  const std::string before = daemon.digest();
  daemon.send(points_message(1, two_clusters(100, 2)));
  CHECK(daemon.digest() == before);
  CHECK(daemon.labels().size() == 2);
  CHECK(daemon.status().streams.at(0).points_paused == 100);
  CHECK(is<wire::ResumeReply>(daemon.ask(wire::ResumeRequest{"radar"})));
  daemon.send(points_message(2, two_clusters(100, 3)));
  CHECK(daemon.digest() != before);
  const auto events = daemon.events();
  REQUIRE(events.size() == 3);
  CHECK(events[1].kind == wire::EventKind::paused);
  CHECK(events[2].kind == wire::EventKind::resumed);
}

TEST_CASE("a reset forgets model and saved state, late subscribers get none, and positions stay") {
  Taught taught;
  DaemonAtWork& daemon = taught.daemon;
  daemon.ask(wire::SaveRequest{});
  const std::string topic = wire::to_string({"radar", wire::TopicKind::model});
  const auto late_models = [&] {
    const auto& late = daemon.sink.subscribe(topic);
    daemon.run();
    return late.size();
  };
  REQUIRE(late_models() == 1);
  CHECK(is<wire::ResetReply>(daemon.ask(wire::ResetRequest{"radar"})));
  CHECK_FALSE(daemon.streams.find("radar")->stream.has_model());
  CHECK(taught.store.list()->empty());
  CHECK(late_models() == 0);
  daemon.send(points_message(1, two_clusters(100)));
  const auto events = daemon.events();
  REQUIRE(events.size() == 3);
  CHECK(events[1].kind == wire::EventKind::reset);
  CHECK(events[2].kind == wire::EventKind::seeded);
  CHECK(late_models() == 1);
  CHECK(daemon.status().streams.at(0).producers.at(0).messages_missing == 0);
  // What is saved next is the stream as it is now.
  CHECK(daemon.pipeline->drain());
  CHECK(**taught.store.load("radar") == wire::encode_state(daemon.streams.find("radar")->state()));
}

TEST_CASE("a reset whose saved state cannot be removed does nothing and says why") {
  UnremovableStore store;
  DaemonAtWork daemon(quick_daemon(), &store);
  daemon.send(points_message(0, two_clusters(100)));
  const auto error = error_of(daemon.ask(wire::ResetRequest{"radar"}));
  CHECK(error.code == ControlErrorCode::failed);
  CHECK(error.message == "read-only disk");
  CHECK(daemon.streams.find("radar")->stream.has_model());
}

TEST_CASE("a flush learns what waits and returns how much that was") {
  DaemonAtWork daemon;
  daemon.send(points_message(0, two_clusters(30)));
  const auto reply = daemon.ask(wire::FlushRequest{"radar"});
  CHECK(std::get<wire::FlushReply>(reply.result).points == 30);
  CHECK(daemon.labels().size() == 1);
  CHECK(daemon.models().size() == 1);
  CHECK(std::get<wire::FlushReply>(daemon.ask(wire::FlushRequest{"radar"}).result).points == 0);
}

TEST_CASE("a request to shut down is answered, and remembered") {
  DaemonAtWork daemon;
  CHECK_FALSE(daemon.pipeline->shutdown_requested());
  CHECK(is<wire::ShutdownReply>(daemon.ask(wire::ShutdownRequest{})));
  CHECK(daemon.pipeline->shutdown_requested());
}
