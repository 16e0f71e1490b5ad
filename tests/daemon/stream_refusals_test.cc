// What a stream does not take as it comes: rows, messages and producers, and how it tells of them.
#include <catch2/catch.hpp>
#include <cmath>

#include "daemon/feed.h"
#include "daemon/stream.h"
#include "not_finite.h"

using namespace emulsion;
using namespace emulsion::service;

TEST_CASE("a refused row costs nothing else and keeps its place in the labels") {
  const auto [x, y] = GENERATE(std::pair{testing::kInfinity, 0.0}, std::pair{0.0, -testing::kInfinity}, std::pair{1e200, 0.0}, std::pair{testing::kNan, testing::kNan});
  const Index place = GENERATE(0, 24, 49);
  const Index bad_message = GENERATE(0, 1, 4);  // while it warms up, when it is seeded, later
  StreamOptions options = quick_options();
  options.publish_responsibilities = true;
  const PointBatch points = two_clusters(250);
  auto messages = cut(points, 50);
  auto& bad = messages[static_cast<std::size_t>(bad_message)].batch;
  options.learner.seed.points = 90;

  auto clean = messages;
  PointBatch rest;
  rest.points.resize(2, 49);
  rest.points << bad.points.leftCols(place), bad.points.rightCols(49 - place);
  clean[static_cast<std::size_t>(bad_message)].batch = rest;
  bad = with_row(bad, place, x, y);

  Stream stream = make_stream(options);
  Stream without = make_stream(options);
  const auto labels = take_all(stream, messages).labels;
  const auto expected = take_all(without, clean).labels;
  REQUIRE(stream.digest() == without.digest());
  REQUIRE(labels.size() == 5);
  auto marked = labels[static_cast<std::size_t>(bad_message)];
  const auto at = static_cast<std::ptrdiff_t>(place);
  REQUIRE(marked.component_ids[static_cast<std::size_t>(place)] == wire::kNoComponent);
  REQUIRE(std::isnan(marked.log_densities[static_cast<std::size_t>(place)]));
  REQUIRE(std::isnan(marked.responsibilities[static_cast<std::size_t>(2 * place)]));
  marked.component_ids.erase(marked.component_ids.begin() + at);
  marked.log_densities.erase(marked.log_densities.begin() + at);
  REQUIRE(marked.component_ids == expected[static_cast<std::size_t>(bad_message)].component_ids);
  REQUIRE(marked.log_densities == expected[static_cast<std::size_t>(bad_message)].log_densities);

  const auto status = stream.status();
  CHECK(status.points_accepted == 249);
  CHECK(status.points_labelled == 249);
  CHECK(status.producers.at(0).rows_accepted == 249);
  CHECK(status.producers.at(0).rows_refused == 1);
  REQUIRE(status.refusals.size() == 1);
  CHECK(status.refusals[0].stage == "row");
  CHECK(status.refusals[0].count == 1);
}

TEST_CASE("missing coordinates are learned or refused, as the stream is configured") {
  StreamOptions options = quick_options();
  options.missing = GENERATE(MissingPolicy::learn, MissingPolicy::refuse);
  const bool learns = options.missing == MissingPolicy::learn;
  Stream stream = make_stream(options);
  const StreamOutput output = take(stream, points_message(0, with_row(two_clusters(60), 3, testing::kNan, 5)));
  CHECK(stream.status().points_accepted == (learns ? 60 : 59));
  CHECK(refused(stream.status().refusals, "row", "missing_value") == (learns ? 0 : 1));
  CHECK((output.labels[0].component_ids.at(3) == wire::kNoComponent) == !learns);
}

TEST_CASE("a message whose rows are all refused is answered by the current model, responsibilities included") {
  StreamOptions options = quick_options();
  options.publish_responsibilities = true;
  Stream stream = make_stream(options);
  PointBatch bad;
  bad.points = Eigen::MatrixXd::Constant(2, 3, testing::kInfinity);

  const auto first = take(stream, points_message(0, bad)).labels;  // nothing waits before it
  REQUIRE(first.size() == 1);
  CHECK(first[0].model_spans.at(0).model_version == 0);
  CHECK(first[0].responsibilities.size() == 6);

  CHECK(take(stream, points_message(1, two_clusters(39))).labels.empty());
  CHECK(take(stream, points_message(2, bad)).labels.empty());  // waits for its turn
  const auto labels = take(stream, points_message(3, two_clusters(1))).labels;
  REQUIRE(labels.size() == 3);
  CHECK(labels[1].sequence == 2);
  CHECK(labels[1].component_ids == std::vector<std::uint64_t>{0, 0, 0});
  CHECK(labels[1].model_spans.at(0).model_version == 1);
  CHECK(labels[1].model_spans.at(0).rows == 3);
  CHECK(labels[1].responsibilities.size() == 6);
}

TEST_CASE("a message of the wrong dimension is refused alone") {
  Stream stream = make_stream(quick_options());
  Stream without = make_stream(quick_options());
  take(stream, points_message(0, two_clusters(100)));
  take(without, points_message(0, two_clusters(100)));
  PointBatch wrong;
  wrong.points = Eigen::MatrixXd::Zero(3, 5);
  StreamOutput output;
  CHECK(stream.take(points_message(1, wrong), output) == Outcome::refused);
  CHECK(output.labels.empty());
  REQUIRE(output.events.size() == 1);
  CHECK(output.events[0].kind == wire::EventKind::rejected);
  CHECK(output.events[0].producer == "a");
  CHECK(output.events[0].text == "points: dimension 3, the stream has 2 (producer \"a\", sequence 1)");
  CHECK(refused(stream.status().refusals, "message", "bad_dimension") == 1);
  CHECK(stream.status().producers.at(0).rows_refused == 5);
  take(stream, points_message(2, two_clusters(50, 2)));
  take(without, points_message(1, two_clusters(50, 2)));
  CHECK(stream.digest() == without.digest());
}

TEST_CASE("a dimension that is configured holds for the first message too") {
  StreamOptions options = quick_options();
  options.dimension = 3;
  Stream stream = make_stream(options);
  StreamOutput output;
  CHECK(stream.take(points_message(0, two_clusters(5)), output) == Outcome::refused);
  CHECK(stream.status().dimension == 3);
}

TEST_CASE("a stream that forgets by event time refuses points without times") {
  StreamOptions options = quick_options();
  options.learner.step.kind = StepKind::half_life;
  options.learner.step.half_life_points = 0;
  options.learner.step.half_life_seconds = 60;
  Stream stream = make_stream(options);
  StreamOutput output;
  CHECK(stream.take(points_message(0, two_clusters(5)), output) == Outcome::refused);
  CHECK(refused(stream.status().refusals, "message", "no_timestamps") == 1);
  PointBatch timed = two_clusters(5);
  timed.unix_nanoseconds = {1, 2, 3, 4, 5};
  CHECK(stream.take(points_message(1, timed), output) == Outcome::applied);
}

TEST_CASE("one producer too many is refused and counted") {
  StreamOptions options = quick_options();
  options.max_producers = 1;
  Stream stream = make_stream(options);
  StreamOutput output;
  CHECK(stream.take(points_message(0, two_clusters(5), "a"), output) == Outcome::applied);
  CHECK(stream.take(points_message(0, two_clusters(5), "b"), output) == Outcome::refused);
  CHECK(refused(stream.status().refusals, "message", "too_many_producers") == 1);
  CHECK(stream.status().points_accepted == 5);
  CHECK(events_of(output, wire::EventKind::rejected).size() == 1);
}

TEST_CASE("a duplicate is dropped, and told") {
  Stream stream = make_stream(quick_options());
  take(stream, points_message(0, two_clusters(60)));
  const std::string before = stream.digest();
  StreamOutput output;
  CHECK(stream.take(points_message(0, two_clusters(60, 9)), output) == Outcome::duplicate);
  CHECK(stream.digest() == before);
  CHECK(output.labels.empty());
  const auto duplicates = events_of(output, wire::EventKind::duplicate);
  REQUIRE(duplicates.size() == 1);
  CHECK(duplicates[0].count == 1);
  CHECK(stream.status().points_accepted == 60);
}

TEST_CASE("gaps, late messages and restarts are told with their numbers") {
  Stream stream = make_stream(quick_options());
  const auto gap = events_of(take(stream, points_message(3, two_clusters(2))), wire::EventKind::gap);
  REQUIRE(gap.size() == 1);
  CHECK(gap[0].count == 3);
  CHECK(gap[0].producer == "a");
  CHECK(gap[0].stream == "radar");
  CHECK(events_of(take(stream, points_message(1, two_clusters(2))), wire::EventKind::reordered).size() == 1);
  wire::PointsMessage again = points_message(0, two_clusters(2));
  again.session = 8;
  CHECK(events_of(take(stream, again), wire::EventKind::restarted).size() == 1);
  const auto producer = stream.status().producers.at(0);
  CHECK(producer.messages_missing == 2);
  CHECK(producer.messages_reordered == 1);
  CHECK(producer.restarts == 1);
  CHECK(producer.rows_accepted == 6);
}

TEST_CASE("a payload that cannot be read is counted") {
  Stream stream = make_stream(quick_options());
  StreamOutput output;
  stream.refuse("malformed", "no points", output);
  CHECK(refused(stream.status().refusals, "message", "malformed") == 1);
  CHECK(events_of(output, wire::EventKind::rejected).at(0).text == "no points");
}
