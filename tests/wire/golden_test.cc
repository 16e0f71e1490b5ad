// The golden files hold the messages that are written out here. golden_test.py makes the same promise for Python.
//
// Two laws for each file: the message that is written out encodes to its bytes, and what its bytes decode to encodes to
// them again. As no two messages share their bytes, together they say that the file decodes to that message.
#include "golden.h"

#include <catch2/catch.hpp>
#include <limits>

#include "emulsion/wire/convert.h"
#include "not_finite.h"

namespace emulsion::wire {
namespace {

constexpr std::uint64_t kSession = 0x0123456789ABCDEF;
constexpr std::uint64_t kDaemonSession = 0xFEDCBA9876543210;
using testing::kNan;

PointsMessage points_f64() {
  PointsMessage message;
  message.producer = "a1";
  message.session = kSession;
  message.sequence = 812;
  message.batch.points.resize(2, 3);
  message.batch.points << 1, 3, -0.5,  //
      2, kNan, 1e300;
  return message;
}

PointsMessage points_f32() {
  PointsMessage message;
  message.producer = "roof:north.2";
  message.session = 1;
  message.sequence = std::numeric_limits<std::uint64_t>::max();
  message.batch.points.resize(3, 2);
  message.batch.points << 1, 0.5,  //
      2, -0.25,                    //
      3, 0.1f;
  message.batch.unix_nanoseconds = {1700000000123456789, -1};
  message.batch.weights = Eigen::Vector2d(1, 2.5);
  message.end_of_stream = true;
  message.single_precision = true;
  return message;
}

LabelsMessage labels() {
  LabelsMessage message;
  message.stream = "radar";
  message.topic_sequence = 5;
  message.daemon_session = kDaemonSession;
  message.producer = "a1";
  message.session = kSession;
  message.sequence = 812;
  message.component_ids = {300, kNoComponent, 1};
  message.log_densities = {-1.5, kNoDensity, -1e9};
  message.responsibilities = {0.25, 0.75, kNan, kNan, 1, 0};
  message.model_spans = {{41, 2}, {42, 1}};
  return message;
}

ModelMessage model(const std::string& family, std::vector<double> covariance, std::vector<double> other_covariance) {
  ModelMessage message;
  message.stream = "radar";
  message.topic_sequence = 7;
  message.daemon_session = kDaemonSession;
  message.version = 42;
  message.dimension = 2;
  message.points_learned = 1000000;
  message.effective_sample_size = 512.5;
  message.mean_log_likelihood = -3.25;
  message.components = {
      {1, 0.75, 384.375, false, {}, family, {{"mean", {0.1, 5}}, {"covariance", std::move(covariance)}}, {}, {}},
      {300, 0.25, 0.5, true, {1, 2}, family, {{"mean", {-5, 1e-300}}, {"covariance", std::move(other_covariance)}}, {}, {}},
  };
  message.sources = {{"a1", kSession, 812}};
  return message;
}

ModelMessage model_full() { return model("gaussian(full)", {2, 0.5, 3}, {4, -0.25, 1}); }

ModelMessage model_mixed() {
  ModelMessage message = model_full();
  ComponentMessage& second = message.components[1];
  second.family = "normal[0]*poisson[1]";
  second.parameters = {{"normal[0].mean", {-5}}, {"normal[0].covariance", {4}}, {"poisson[1].rate", {2.5}}};
  second.means = {-5, 2.5};
  second.variances = {4, 2.5};
  message.columns = {"waiting", "people"};
  return message;
}

EventMessage event() {
  EventMessage message;
  message.stream = "radar";
  message.topic_sequence = 9;
  message.daemon_session = kDaemonSession;
  message.kind = EventKind::gap;
  message.model_version = 42;
  message.points_learned = 1000000;
  message.component_ids = {1, 300};
  message.producer = "a1";
  message.count = 4;
  message.text = "4 messages of a1 are missing \xE2\x80\x93 so far";
  return message;
}

StatusReply status() {
  StreamStatus radar;
  radar.stream = "radar";
  radar.phase = StreamPhase::paused;
  radar.dimension = 2;
  radar.components = 3;
  radar.model_version = 42;
  radar.points_accepted = 10;
  radar.points_learned = 11;
  radar.points_labelled = 12;
  radar.points_waiting = 13;
  radar.points_to_seed = 14;
  radar.points_paused = 15;
  radar.batches = 16;
  radar.updates_failed = 17;
  radar.repairs = 18;
  radar.effective_sample_size = 512.5;
  radar.mean_log_likelihood = -3.25;
  radar.refusals = {{"row", "not_finite", 4}};
  radar.producers = {{"a1", kSession, 20, 21, 22, 23, 24, 25, 26, 27}};
  radar.digest = "00ff";
  radar.state_digest = "ff00";
  StreamStatus sonar;
  sonar.stream = "sonar";
  return {"0.1.0", 12.5, 1001, {{"message", "unknown_stream", 3}}, 2002, {radar, sonar}, kDaemonSession, "disk full"};
}

// Made when it is used, as it changes what protobuf does in a whole process.
Codec& codec() {
  static Codec codec;
  return codec;
}

auto decode(const PointsMessage&, const std::string& bytes) { return codec().decode_points(bytes); }
auto decode(const LabelsMessage&, const std::string& bytes) { return codec().decode_labels(bytes); }
auto decode(const ModelMessage&, const std::string& bytes) { return codec().decode_model(bytes); }
auto decode(const EventMessage&, const std::string& bytes) { return codec().decode_event(bytes); }
auto decode(const HelloMessage&, const std::string& bytes) { return codec().decode_hello(bytes); }
auto decode(const AcknowledgementMessage&, const std::string& bytes) { return codec().decode_acknowledgement(bytes); }
auto decode(const ControlRequest&, const std::string& bytes) { return codec().decode_request(bytes); }
auto decode(const ControlReply&, const std::string& bytes) { return codec().decode_reply(bytes); }

template <typename Message>
void check_golden(const std::string& name, const Message& message) {
  INFO(name);
  const std::string bytes = golden(name);
  CHECK(codec().encode(message) == bytes);
  const auto decoded = decode(message, bytes);
  INFO((decoded ? "" : decoded.error().message));
  REQUIRE(decoded);
  CHECK(codec().encode(*decoded) == bytes);
}

TEST_CASE("the golden points are the points written here") {
  check_golden("points_f64", points_f64());
  check_golden("points_f32", points_f32());
}

TEST_CASE("the golden labels are the labels written here") { check_golden("labels", labels()); }

TEST_CASE("the golden conversation of an acknowledged input is the one written here") {
  check_golden("hello", HelloMessage{"a1", kSession, 300});
  check_golden("acknowledgement", AcknowledgementMessage{"radar", "a1", kSession, kDaemonSession, 812, 900, 1024, 300, true, "not saved"});
}

TEST_CASE("the golden models are the models written here, for each type of covariance and for other families") {
  check_golden("model_mixed", model_mixed());
  check_golden("model_full", model_full());
  check_golden("model_diagonal", model("gaussian(diagonal)", {2, 3}, {4, 1}));
  check_golden("model_spherical", model("gaussian(spherical)", {2}, {4}));
  check_golden("model_tied", model("gaussian(tied)", {2, 0.5, 3}, {2, 0.5, 3}));
}

TEST_CASE("the golden event is the event written here") { check_golden("event", event()); }

TEST_CASE("the golden requests are the requests written here") {
  check_golden("request_status", ControlRequest{1, StatusRequest{}});
  check_golden("request_list", ControlRequest{2, ListRequest{}});
  check_golden("request_get_model", ControlRequest{3, GetModelRequest{"radar"}});
  check_golden("request_save", ControlRequest{4, SaveRequest{"radar"}});
  check_golden("request_reset", ControlRequest{5, ResetRequest{"radar"}});
  check_golden("request_pause", ControlRequest{6, PauseRequest{"radar"}});
  check_golden("request_resume", ControlRequest{7, ResumeRequest{"radar"}});
  check_golden("request_flush", ControlRequest{8, FlushRequest{"radar"}});
  check_golden("request_shutdown", ControlRequest{std::numeric_limits<std::uint64_t>::max(), ShutdownRequest{}});
  check_golden("request_status_of_one", ControlRequest{10, StatusRequest{"radar"}});
}

TEST_CASE("the golden replies are the replies written here") {
  check_golden("reply_error", ControlReply{1, ControlError{ControlErrorCode::unknown_stream, "no stream \"sonar\""}});
  check_golden("reply_status", ControlReply{1, status()});
  check_golden("reply_list", ControlReply{2, ListReply{{"radar", "sonar"}}});
  check_golden("reply_get_model", ControlReply{3, GetModelReply{model_full()}});
  check_golden("reply_save", ControlReply{4, SaveReply{{"radar"}}});
  check_golden("reply_reset", ControlReply{5, ResetReply{}});
  check_golden("reply_pause", ControlReply{6, PauseReply{}});
  check_golden("reply_resume", ControlReply{7, ResumeReply{}});
  check_golden("reply_flush", ControlReply{8, FlushReply{17}});
  check_golden("reply_shutdown", ControlReply{std::numeric_limits<std::uint64_t>::max(), ShutdownReply{}});
}

}  // namespace
}  // namespace emulsion::wire
