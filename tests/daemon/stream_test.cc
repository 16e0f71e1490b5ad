// One stream: learning, labelling, what it is told to do, and the events that tell of it.
#include "daemon/stream.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "daemon/feed.h"
#include "not_finite.h"

using namespace emulsion;
using namespace emulsion::service;

namespace {

using testing::kInfinity;
using testing::kNan;

// What all labels say, row by row, whatever messages they are in.
struct Rows {
  std::vector<std::uint64_t> ids, versions;
  std::vector<double> densities, responsibilities;

  explicit Rows(const ReusedList<wire::LabelsMessage>& messages) {
    for (const wire::LabelsMessage& message : messages) {
      ids.insert(ids.end(), message.component_ids.begin(), message.component_ids.end());
      densities.insert(densities.end(), message.log_densities.begin(), message.log_densities.end());
      responsibilities.insert(responsibilities.end(), message.responsibilities.begin(), message.responsibilities.end());
      for (const wire::ModelSpan& span : message.model_spans)
        versions.insert(versions.end(), span.rows, span.model_version);
    }
  }
  bool operator==(const Rows&) const = default;
};

}  // namespace

TEST_CASE("the same points give the same labels and the same bits, however they are cut into messages") {
  StreamOptions options = quick_options();
  options.publish_responsibilities = true;
  options.learner.averaging = GENERATE(false, true);
  options.learner.batch_points = GENERATE(16, 300);
  const PointBatch points = two_clusters(700);
  Stream whole = make_stream(options);
  const Rows expected(take(whole, points_message(0, points)).labels);
  REQUIRE(expected.ids.size() == 700);
  REQUIRE(expected.versions.size() == 700);
  REQUIRE(expected.versions.back() > 1);
  for (const Index rows : {1, 7, 64, 699}) {
    Stream stream = make_stream(options);
    const Rows labelled(take_all(stream, cut(points, rows)).labels);
    REQUIRE(labelled == expected);
    REQUIRE(stream.digest() == whole.digest());
    REQUIRE(stream.model().version == whole.model().version);
  }
}

TEST_CASE("every message gets its labels once, in order, and none before there is a model") {
  Stream stream = make_stream(quick_options());
  const auto messages = cut(two_clusters(200), 15);
  std::size_t answered = 0;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const StreamOutput output = take(stream, messages[i]);
    // The third message completes the 40 points of the seed.
    const std::size_t expected = i < 2 ? 0 : i == 2 ? 3 : 1;
    REQUIRE(output.labels.size() == expected);
    REQUIRE(stream.has_model() == (i >= 2));
    for (const auto& labels : output.labels) {
      REQUIRE(labels.stream == "radar");
      REQUIRE(labels.producer == "a");
      REQUIRE(labels.session == 7);
      REQUIRE(labels.sequence == answered);
      REQUIRE(labels.component_ids.size() == static_cast<std::size_t>(messages[answered].batch.size()));
      ++answered;
    }
  }
  CHECK(answered == messages.size());
  CHECK(stream.status().points_labelled == 200);
}

TEST_CASE("labels tell clusters apart") {
  Stream stream = make_stream(quick_options());
  take(stream, points_message(0, two_clusters(400)));
  PointBatch probes;
  probes.points = (Eigen::MatrixXd(2, 2) << 0, 5, 5, 0).finished();
  const StreamOutput output = take(stream, points_message(1, probes));
  REQUIRE(output.labels.size() == 1);
  const auto& ids = output.labels[0].component_ids;
  CHECK(ids[0] != ids[1]);
  for (const wire::ComponentMessage& component : stream.model().components) {
    const auto& mean = component.means;
    const bool first = component.id == ids[0];
    CHECK(mean[0] == Approx(first ? 0 : 5).margin(0.4));
    CHECK(mean[1] == Approx(first ? 5 : 0).margin(0.4));
    CHECK(component.weight == Approx(first ? 0.6 : 0.4).margin(0.1));
  }
}

TEST_CASE("one message may be labelled by several versions of the model") {
  Stream stream = make_stream(quick_options());
  const auto labels = take(stream, points_message(0, two_clusters(100))).labels;
  REQUIRE(labels.size() == 1);
  // The seed takes 40 points; 60 more are three mini-batches of 16, and 12.
  const auto& spans = labels[0].model_spans;
  REQUIRE(spans.size() == 4);
  CHECK(spans[0].rows == 40 + 16);
  CHECK(spans[1].rows == 16);
  CHECK(spans[3].rows == 12);
  for (std::size_t i = 0; i < spans.size(); ++i) CHECK(spans[i].model_version == i + 1);
  CHECK(stream.status().points_learned == 88);
  CHECK(stream.status().points_waiting == 12);
  CHECK(stream.status().batches == 3);
}

TEST_CASE("the first model is an event that names its components") {
  Stream stream = make_stream(quick_options());
  const auto seeded = events_of(take(stream, points_message(0, two_clusters(200))), wire::EventKind::seeded);
  REQUIRE(seeded.size() == 1);
  CHECK(seeded[0].model_version == 1);
  CHECK(seeded[0].component_ids == std::vector<std::uint64_t>{1, 2});
}

TEST_CASE("the end of a stream that warms up seeds it from what there is") {
  Stream stream = make_stream(quick_options());
  const PointBatch points = two_clusters(20);
  SECTION("with the last points") {
    take(stream, points_message(0, testing::slice(points, 0, 12)));
    wire::PointsMessage last = points_message(1, testing::slice(points, 12, 8));
    last.end_of_stream = true;
    const StreamOutput output = take(stream, last);
    CHECK(output.labels.size() == 2);
    CHECK(output.model_changed);
  }
  SECTION("with a message of its own") {
    take(stream, points_message(0, points));
    wire::PointsMessage last = points_message(1, PointBatch{});
    last.end_of_stream = true;
    const StreamOutput output = take(stream, last);
    CHECK(output.labels.size() == 1);
    CHECK(output.model_changed);
  }
  CHECK(stream.has_model());
  CHECK(stream.status().points_learned == 20);
}

TEST_CASE("an empty message is nothing but heard") {
  Stream stream = make_stream(quick_options());
  wire::PointsMessage empty = points_message(0, PointBatch{});
  empty.end_of_stream = true;  // of nothing
  StreamOutput output;
  CHECK(stream.take(empty, output) == Outcome::applied);
  take(stream, points_message(1, two_clusters(50)));
  const std::string before = stream.digest();
  CHECK(stream.take(points_message(2, PointBatch{}), output) == Outcome::applied);
  CHECK(output.labels.empty());
  CHECK(output.events.empty());
  CHECK(stream.digest() == before);
  stream.pause(output);
  CHECK(stream.take(points_message(3, PointBatch{}), output) == Outcome::applied);
  CHECK(stream.status().producers.at(0).messages == 4);
}

TEST_CASE("flushing learns what waits and says how much that was") {
  Stream stream = make_stream(quick_options());
  StreamOutput output;
  CHECK(stream.flush(output) == 0);
  take(stream, points_message(0, two_clusters(30)));
  CHECK(stream.flush(output) == 30);
  CHECK(output.labels.size() == 1);
  CHECK(output.model_changed);
  CHECK(stream.status().points_learned == 30);

  take(stream, points_message(1, two_clusters(20)));
  StreamOutput second;
  CHECK(stream.flush(second) == 4);
  CHECK(second.labels.empty());  // they have theirs
  CHECK(second.model_changed);
  CHECK(stream.status().points_waiting == 0);
  CHECK(stream.flush(second) == 0);
}

TEST_CASE("a paused stream labels and does not learn") {
  Stream stream = make_stream(quick_options());
  take(stream, points_message(0, two_clusters(100)));
  const std::string before = stream.digest();
  StreamOutput paused;
  stream.pause(paused);
  stream.pause(paused);  // once is enough
  CHECK(events_of(paused, wire::EventKind::paused).size() == 1);
  CHECK(stream.status().phase == wire::StreamPhase::paused);

  const StreamOutput output = take(stream, points_message(1, with_row(two_clusters(50), 7, kInfinity, 0)));
  REQUIRE(output.labels.size() == 1);
  CHECK(output.labels[0].component_ids.size() == 50);
  CHECK(output.labels[0].component_ids[7] == wire::kNoComponent);
  CHECK_FALSE(output.model_changed);
  CHECK(stream.digest() == before);
  CHECK(stream.status().points_paused == 49);
  CHECK(stream.status().points_labelled == 149);

  StreamOutput resumed;
  stream.resume(resumed);
  stream.resume(resumed);
  CHECK(events_of(resumed, wire::EventKind::resumed).size() == 1);
  // From here on as if the pause had not been.
  Stream without = make_stream(quick_options());
  take(without, points_message(0, two_clusters(100)));
  take(stream, points_message(2, two_clusters(60, 3)));
  take(without, points_message(1, two_clusters(60, 3)));
  CHECK(stream.digest() == without.digest());
}

TEST_CASE("a reset forgets everything but the positions of the producers") {
  Stream stream = make_stream(quick_options());
  take(stream, points_message(0, two_clusters(100)));
  take(stream, points_message(5, with_row(two_clusters(100), 0, kInfinity, 0)));
  StreamOutput output;
  stream.pause(output);
  stream.reset(output);
  CHECK(events_of(output, wire::EventKind::reset).size() == 1);
  CHECK_FALSE(stream.has_model());
  const auto status = stream.status();
  CHECK(status.phase == wire::StreamPhase::warming_up);
  CHECK(status.points_accepted + status.points_labelled + status.points_paused + status.dimension == 0);
  CHECK(status.refusals.empty());

  const StreamOutput next = take(stream, points_message(6, two_clusters(100)));
  CHECK(events_of(next, wire::EventKind::gap).empty());
  CHECK(events_of(next, wire::EventKind::seeded).size() == 1);
  // The same model again, but no component id comes twice.
  Stream fresh = make_stream(quick_options());
  const Rows again(next.labels);
  const Rows first(take(fresh, points_message(0, two_clusters(100))).labels);
  CHECK(again.densities == first.densities);
  for (std::size_t row = 0; row < 100; ++row) REQUIRE(again.ids[row] == first.ids[row] + 2);
}

TEST_CASE("a cluster that stays away is told as starved, and as revived when it comes back") {
  StreamOptions options = quick_options();
  options.learner.step.kind = StepKind::half_life;
  options.learner.step.half_life_points = 20;
  Stream stream = make_stream(options);
  take(stream, points_message(0, two_clusters(200)));
  CHECK(stream.components_starved() == 0);
  PointBatch one_cluster;
  one_cluster.points = testing::Sampler(4).normals(2, 600);
  one_cluster.points.row(1).array() += 5;
  const auto starved = events_of(take(stream, points_message(1, one_cluster)), wire::EventKind::starved);
  REQUIRE(starved.size() == 1);
  REQUIRE(starved[0].component_ids.size() == 1);
  CHECK(starved[0].count == 1);
  CHECK(stream.components_starved() == 1);
  const auto revived = events_of(take(stream, points_message(2, two_clusters(200, 5))), wire::EventKind::revived);
  REQUIRE(revived.size() == 1);
  CHECK(revived[0].component_ids == starved[0].component_ids);
  CHECK(stream.components_starved() == 0);
}

TEST_CASE("new options of what is published and refused hold at once") {
  Stream stream = make_stream(quick_options());
  take(stream, points_message(0, two_clusters(60)));
  StreamOptions options = quick_options();
  options.publish_responsibilities = true;
  options.missing = MissingPolicy::refuse;
  options.model_interval_seconds = 5;
  options.learner.components = 3;  // needs a restart
  stream.reconfigure(options);
  const auto labels = take(stream, points_message(1, with_row(two_clusters(10), 0, kNan, 0))).labels;
  REQUIRE(labels.size() == 1);
  CHECK(labels[0].responsibilities.size() == 20);
  CHECK(refused(stream.status().refusals, "row", "missing_value") == 1);
  CHECK(stream.model_interval_seconds() == 5);
  CHECK(stream.status().components == 2);
}

TEST_CASE("options that no learner takes are an error that names the stream") {
  StreamOptions options = quick_options();
  options.learner.family = "poison";
  const auto stream = Stream::make("radar", options, std::nullopt);
  REQUIRE_FALSE(stream);
  CHECK(stream.error().message.find("stream \"radar\"") == 0);
  CHECK(stream.error().message.find("\"poison\"") != std::string::npos);
}

TEST_CASE("a model names its stream and how far each producer has been read") {
  Stream stream = make_stream(quick_options());
  take(stream, points_message(4, two_clusters(60)));
  const wire::ModelMessage model = stream.model();
  CHECK(model.stream == "radar");
  CHECK(model.dimension == 2);
  CHECK(model.points_learned == 56);
  REQUIRE(model.sources.size() == 1);
  CHECK(model.sources[0].last_sequence == 4);
}
