// A stream that is stopped and goes on from its saved state.
#include <catch2/catch.hpp>

#include "daemon/feed.h"
#include "daemon/stream.h"
#include "not_finite.h"

using namespace emulsion;
using namespace emulsion::service;

namespace {

using testing::kNan;

struct Variant {
  std::string name;
  StreamOptions options;
};

std::vector<Variant> variants() {
  std::vector<Variant> all;
  for (const char* family : {"gaussian(full)", "gaussian(diagonal)", "gaussian(spherical)", "gaussian(tied)"}) {
    all.push_back({family, quick_options()});
    all.back().options.learner.family = family;
  }
  all.push_back({"mini-batches of more than a tile", quick_options()});
  all.back().options.learner.batch_points = 300;
  all.push_back({"averaging", quick_options()});
  all.back().options.learner.averaging = true;
  all.push_back({"event time", quick_options()});
  all.back().options.learner.step.kind = StepKind::half_life;
  all.back().options.learner.step.half_life_points = 0;
  all.back().options.learner.step.half_life_seconds = 30;
  all.back().options.learner.batch_seconds = 7;
  all.push_back({"hard, with a constant step", quick_options()});
  all.back().options.learner.assignment = Assignment::hard;
  all.back().options.learner.step.kind = StepKind::constant;
  all.back().options.learner.step.size = 0.02;
  all.push_back({"responsibilities and threads", quick_options()});
  all.back().options.publish_responsibilities = true;
  all.back().options.learner.threads = 2;
  return all;
}

// Messages with everything that may come: times, weights, missing coordinates, bad rows, gaps and duplicates.
std::vector<wire::PointsMessage> eventful_feed() {
  PointBatch points = two_clusters(520);
  points.weights.resize(points.size());
  for (Index i = 0; i < points.size(); ++i) {
    points.weights[i] = 1 + static_cast<double>(i % 3);
    points.unix_nanoseconds.push_back(i * 1'000'000'000);
    if (i % 11 == 5) points.points(i % 2, i) = kNan;
    if (i % 37 == 3) points.points.col(i).setConstant(1e300);
  }
  auto messages = cut(points, 20);
  messages[3].sequence = 40;   // a gap
  messages[9].sequence = 8;    // a duplicate
  messages[12].session = 8;    // a restart
  messages[15].producer = "b";
  return messages;
}

void act(Stream& stream, std::size_t step, StreamOutput& output) {
  if (step == 14) stream.pause(output);
  if (step == 17) stream.resume(output);
}

Stream stopped_and_restored(const Stream& stream, const StreamOptions& options) {
  const std::string bytes = wire::encode_state(stream.state());
  auto state = wire::decode_state(bytes);
  REQUIRE(state);
  auto restored = Stream::restore(stream.name(), options, std::nullopt, std::move(*state));
  REQUIRE(restored);
  REQUIRE(wire::encode_state(restored->state()) == bytes);
  return std::move(*restored);
}

std::string fingerprint(const StreamOutput& output) {
  std::string text;
  for (const wire::LabelsMessage& labels : output.labels) {
    text += "labels " + std::to_string(labels.sequence) + " " + std::to_string(labels.session) + ":";
    for (const auto id : labels.component_ids) text += " " + std::to_string(id);
    text.append(reinterpret_cast<const char*>(labels.log_densities.data()), 8 * labels.log_densities.size());
    text.append(reinterpret_cast<const char*>(labels.responsibilities.data()), 8 * labels.responsibilities.size());
    for (const auto& span : labels.model_spans)
      text += " " + std::to_string(span.model_version) + "x" + std::to_string(span.rows);
  }
  for (const wire::EventMessage& event : output.events)
    text += "\n" + std::string(name(event.kind)) + " " + std::to_string(event.model_version) + " " + event.text;
  return text;
}

wire::StreamState state_of(const StreamOptions& options, Index points) {
  Stream stream = make_stream(options);
  take(stream, points_message(0, two_clusters(points)));
  return stream.state();
}

}  // namespace

TEST_CASE("a stream that is stopped at any message and restored says and keeps the same bits as one that never stopped") {
  const auto messages = eventful_feed();
  for (const Variant& variant : variants()) {
    INFO(variant.name);
    Stream stream = make_stream(variant.options);
    std::vector<std::string> said;
    for (std::size_t i = 0; i < messages.size(); ++i) {
      StreamOutput output;
      act(stream, i, output);
      stream.take(messages[i], output);
      said.push_back(fingerprint(output));
    }
    REQUIRE(stream.has_model());
    REQUIRE(stream.status().batches > 0);
    const std::string expected = wire::encode_state(stream.state());
    for (std::size_t stop = 0; stop <= messages.size(); ++stop) {
      Stream interrupted = make_stream(variant.options);
      for (std::size_t i = 0; i < messages.size(); ++i) {
        if (i == stop) interrupted = stopped_and_restored(interrupted, variant.options);
        StreamOutput output;
        act(interrupted, i, output);
        interrupted.take(messages[i], output);
        if (i >= stop) REQUIRE(fingerprint(output) == said[i]);
      }
      REQUIRE(wire::encode_state(interrupted.state()) == expected);
      REQUIRE(interrupted.digest() == stream.digest());
    }
  }
}

TEST_CASE("a stream that is restored before every message keeps the same bits") {
  const auto messages = eventful_feed();
  StreamOptions options = quick_options();
  options.learner.averaging = true;
  Stream steady = make_stream(options);
  Stream stream = make_stream(options);
  for (const auto& message : messages) {
    take(steady, message);
    stream = stopped_and_restored(stream, options);
    take(stream, message);
  }
  CHECK(wire::encode_state(stream.state()) == wire::encode_state(steady.state()));
}

TEST_CASE("a state that does not fit the configuration is refused with both sides of the difference") {
  const StreamOptions options = quick_options();
  StreamOptions other = options;
  std::string expected;
  SECTION("components") {
    other.learner.components = 3;
    expected = "2*gaussian(full), the configuration says 3*gaussian(full)";
  }
  SECTION("family") {
    other.learner.family = "gaussian(tied)";
    expected = "2*gaussian(full), the configuration says 2*gaussian(tied)";
  }
  SECTION("dimension") {
    other.dimension = 5;
    expected = "dimension 2, the configuration says 5";
  }
  const auto restored = Stream::restore("radar", other, std::nullopt, state_of(options, 100));
  REQUIRE_FALSE(restored);
  CHECK(restored.error().message.find("stream \"radar\": ") == 0);
  CHECK(restored.error().message.find(expected) != std::string::npos);
}

TEST_CASE("a state does not become that of another stream") {
  const auto restored = Stream::restore("sonar", quick_options(), std::nullopt, state_of(quick_options(), 100));
  REQUIRE_FALSE(restored);
  CHECK(restored.error().message.find("another stream") != std::string::npos);
}

TEST_CASE("a stream that was saved before its first point keeps to the configured dimension") {
  StreamOptions options = quick_options();
  const wire::StreamState state = make_stream(options).state();
  options.dimension = 3;
  auto restored = Stream::restore("radar", options, std::nullopt, state);
  REQUIRE(restored);
  StreamOutput output;
  CHECK(restored->take(points_message(0, two_clusters(5)), output) == Outcome::refused);
}

TEST_CASE("a reset goes back to the initial model, after a restart too") {
  const StreamOptions options = quick_options();
  Stream teacher = make_stream(options);
  take(teacher, points_message(0, two_clusters(300)));
  auto learner = Learner::restore(options.learner, *teacher.state().learner);
  REQUIRE(learner);
  const Snapshot initial = learner->snapshot();

  auto stream = Stream::make("radar", options, initial);
  REQUIRE(stream);
  CHECK(stream->has_model());
  const wire::ModelMessage fresh = stream->model();
  CHECK(take(*stream, points_message(0, two_clusters(3))).labels.size() == 1);
  take(*stream, points_message(1, two_clusters(100, 8)));
  auto restored = Stream::restore("radar", options, initial, stream->state());
  REQUIRE(restored);
  StreamOutput output;
  stream->reset(output);
  restored->reset(output);
  CHECK(stream->digest() == restored->digest());
  for (const Stream* reset : {&*stream, &*restored}) {
    const wire::ModelMessage model = reset->model();
    CHECK(model.points_learned == 0);
    CHECK(model.version == fresh.version);
    for (std::size_t k = 0; k < 2; ++k) {
      CHECK(model.components[k].means == fresh.components[k].means);
      CHECK(model.components[k].id == fresh.components[k].id + 2);  // no id comes twice
    }
  }
}

TEST_CASE("an initial model of another dimension than configured is refused") {
  StreamOptions options = quick_options();
  Stream teacher = make_stream(options);
  take(teacher, points_message(0, two_clusters(100)));
  const Snapshot initial = Learner::restore(options.learner, *teacher.state().learner)->snapshot();
  options.dimension = 3;
  const auto stream = Stream::make("radar", options, initial);
  REQUIRE_FALSE(stream);
  CHECK(stream.error().message.find("initial model has dimension 2, the configuration says 3") != std::string::npos);
}
