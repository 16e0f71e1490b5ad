#include "clients/feed.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "clients/fake_daemon.h"

namespace emulsion::client {
namespace {

FeedOptions options_for(const FakeDaemon& daemon) {
  FeedOptions options;
  options.endpoints = daemon.endpoints();
  options.stream = "room";
  options.producer = "test";
  options.batch_rows = 10;
  options.timeout_seconds = 20;
  return options;
}

// n points of two coordinates: (first, -first), (first + 1, -first - 1), ...
PointBatch points(Index n, double first = 0) {
  PointBatch batch;
  batch.points.resize(2, n);
  for (Index i = 0; i < n; ++i) batch.points.col(i) << first + static_cast<double>(i), -first - static_cast<double>(i);
  return batch;
}

std::vector<Index> sizes(const std::vector<wire::PointsMessage>& messages) {
  std::vector<Index> result;
  for (const auto& message : messages) result.push_back(message.batch.size());
  return result;
}

wire::StatusReply status_of(wire::ProducerStatus producer) {
  wire::StatusReply status;
  wire::StreamStatus stream;
  stream.stream = "room";
  producer.producer = "test";
  stream.producers = {producer};
  status.streams = {stream};
  return status;
}

FeedReport sent_report() {
  FeedReport sent;
  sent.stream = "room";
  sent.producer = "test";
  sent.session = 5;
  sent.next_sequence = 4;
  sent.rows = 40;
  sent.messages = 4;
  return sent;
}

}  // namespace

TEST_CASE("a feed cuts its messages by rows, whatever the sizes it is given") {
  FakeDaemon daemon;
  auto feed = Feed::open(options_for(daemon));
  REQUIRE(feed);
  for (const Index n : {3, 25, 0, 4}) REQUIRE(feed->push(points(n)));
  const auto report = feed->finish();
  REQUIRE(report);
  CHECK(report->confirmed);
  CHECK(report->accepted == 32);
  CHECK(report->refused == 0);
  CHECK(report->rows == 32);
  CHECK(report->messages == 4);

  const auto messages = daemon.received();
  CHECK(sizes(messages) == std::vector<Index>{10, 10, 10, 2});
  for (std::size_t i = 0; i < messages.size(); ++i) {
    CHECK(messages[i].sequence == i);
    CHECK(messages[i].session == report->session);
    CHECK(messages[i].producer == "test");
    CHECK(messages[i].end_of_stream == (i == 3));
  }
  CHECK(messages[0].batch.points(0, 3) == 0);  // the first of the second batch
  CHECK(messages[0].batch.points(1, 4) == -1);
}

TEST_CASE("a full last message carries the end mark, and none follows it") {
  FakeDaemon daemon;
  auto feed = Feed::open(options_for(daemon));
  REQUIRE(feed);
  REQUIRE(feed->push(points(20)));
  REQUIRE(feed->finish());
  const auto messages = daemon.received();
  REQUIRE(sizes(messages) == std::vector<Index>{10, 10});
  CHECK(messages[1].end_of_stream);
}

TEST_CASE("a feed that was flushed ends with an empty message, unless it is to have no end") {
  for (const bool end : {true, false}) {
    FakeDaemon daemon;
    FeedOptions options = options_for(daemon);
    options.end_of_stream = end;
    auto feed = Feed::open(options);
    REQUIRE(feed);
    REQUIRE(feed->push(points(3)));
    REQUIRE(feed->flush());
    const auto report = feed->finish();
    REQUIRE(report);
    CHECK(report->accepted == 3);
    CHECK(sizes(daemon.received()) == (end ? std::vector<Index>{3, 0} : std::vector<Index>{3}));
  }
}

TEST_CASE("a feed without points sends nothing and is content") {
  FakeDaemon daemon;
  auto feed = Feed::open(options_for(daemon));
  REQUIRE(feed);
  const auto report = feed->finish();
  REQUIRE(report);
  CHECK(report->confirmed);
  CHECK(closing_line(*report) == "sent 0 rows in 0 messages to \"room\": 0 accepted, 0 refused");
  CHECK(daemon.received().empty());
}

TEST_CASE("weights, times, single precision and a given session arrive") {
  FakeDaemon daemon;
  FeedOptions options = options_for(daemon);
  options.session = 42;
  options.first_sequence = 7;
  options.single_precision = true;
  auto feed = Feed::open(options);
  REQUIRE(feed);
  PointBatch batch = points(12, 0.1);
  batch.weights = Eigen::VectorXd::LinSpaced(12, 1, 12);
  batch.unix_nanoseconds.assign(12, 1423072260000000000);
  batch.unix_nanoseconds[11] = 5;
  REQUIRE(feed->push(batch));
  const auto report = feed->finish();
  REQUIRE(report);
  CHECK(report->next_sequence == 9);
  const auto messages = daemon.received();
  REQUIRE(messages.size() == 2);
  CHECK(messages[0].session == 42);
  CHECK(messages[0].sequence == 7);
  CHECK(messages[0].single_precision);
  CHECK(messages[0].batch.points(0, 0) == static_cast<double>(0.1F));
  CHECK(messages[1].batch.weights[1] == 12);
  CHECK(messages[1].batch.unix_nanoseconds == std::vector<std::int64_t>{1423072260000000000, 5});
}

TEST_CASE("points that do not go together are not put into one message") {
  FakeDaemon daemon;
  auto feed = Feed::open(options_for(daemon));
  REQUIRE(feed);
  PointBatch weighted = points(2);
  weighted.weights = Eigen::VectorXd::Ones(2);
  PointBatch timed = points(1);
  timed.unix_nanoseconds = {1};
  PointBatch wide;
  wide.points = Eigen::MatrixXd::Zero(3, 4);
  for (const auto& batch : {points(3), weighted, timed, wide}) REQUIRE(feed->push(batch));
  const auto report = feed->finish();
  REQUIRE(report);
  CHECK(report->accepted == 10);
  CHECK(sizes(daemon.received()) == std::vector<Index>{3, 2, 1, 4});
}

TEST_CASE("what is refused is counted, with the daemon's reason, and earlier rows are not") {
  FakeDaemon daemon;
  wire::StreamStatus stream;
  stream.stream = "room";
  stream.refusals = {{"row", "bad_dimension", 5}};
  stream.producers = {{"test", 1, 9, 10, 1000, 5, 0, 0, 0, 0}};
  daemon.set_stream(stream);
  daemon.refuse_if([](const wire::PointsMessage& message) { return message.sequence == 1; });
  auto feed = Feed::open(options_for(daemon));
  REQUIRE(feed);
  REQUIRE(feed->push(points(30)));
  const auto report = feed->finish();
  REQUIRE(report);
  CHECK(closing_line(*report) ==
        "sent 30 rows in 3 messages to \"room\": 20 accepted, 10 refused (not_finite: 10 rows)");
  CHECK(exit_code_of(*report) == 65);
}

TEST_CASE("a daemon that is not there is an error within the timeout") {
  FeedOptions options;
  options.endpoints.control = empty_endpoint();
  options.endpoints.input = empty_endpoint();
  options.timeout_seconds = 0.05;
  auto feed = Feed::open(options);
  REQUIRE_FALSE(feed);
  CHECK(feed.error().exit_code == 69);
  CHECK(feed.error().message.find("no answer from tcp://127.0.0.1:") == 0);

  options.confirm = false;
  feed = Feed::open(options);
  REQUIRE_FALSE(feed);
  CHECK(feed.error().exit_code == 69);
  CHECK(feed.error().message.find("nobody there within 0.05 s") != std::string::npos);

  options.socket = SenderKind::publish;
  options.bind = true;
  options.endpoints.input = "tcp://127.0.0.1:*";
  feed = Feed::open(options);
  REQUIRE_FALSE(feed);
  CHECK(feed.error().message.find("nobody subscribed") != std::string::npos);
}

TEST_CASE("an input that is not the daemon's is an error, not a wait without end") {
  FakeDaemon daemon;
  FakeDaemon other;
  FeedOptions options = options_for(daemon);
  options.endpoints.input = other.endpoints().input;
  options.timeout_seconds = 0.1;
  auto feed = Feed::open(options);
  REQUIRE(feed);
  REQUIRE(feed->push(points(5)));
  const auto report = feed->finish();
  REQUIRE_FALSE(report);
  CHECK(report.error().exit_code == 69);
  CHECK(report.error().message.find("0 of 5 rows were accepted") == 0);
}

TEST_CASE("a publisher waits for its subscriber and loses nothing") {
  zmq::context_t context;
  zmq::socket_t subscriber(context, zmq::socket_type::sub);
  subscriber.bind("tcp://127.0.0.1:*");
  subscriber.set(zmq::sockopt::rcvtimeo, 20000);
  subscriber.set(zmq::sockopt::subscribe, "emulsion.v1.room.");
  FeedOptions options;
  options.stream = "room";
  options.endpoints.input = subscriber.get(zmq::sockopt::last_endpoint);
  options.socket = SenderKind::publish;
  options.confirm = false;
  options.batch_rows = 1;

  // A subscriber says what it wants only while it reads.
  std::vector<std::uint64_t> sequences;
  std::thread reading([&] {
    wire::Codec codec;
    zmq::message_t topic;
    zmq::message_t payload;
    while (sequences.size() < 100 && subscriber.recv(topic) && subscriber.recv(payload)) {
      sequences.push_back(codec.decode_points(payload.to_string()).value_or(wire::PointsMessage{}).sequence);
    }
  });
  auto feed = Feed::open(options);
  if (feed) CHECK(feed->push(points(100)));
  const auto report = feed ? feed->finish() : tl::unexpected(feed.error());
  reading.join();
  REQUIRE(report);
  CHECK(closing_line(*report) == "sent 100 rows in 100 messages to \"room\": not confirmed");
  CHECK(exit_code_of(*report) == 0);
  REQUIRE(sequences.size() == 100);
  for (std::uint64_t i = 0; i < 100; ++i) CHECK(sequences[i] == i);
}

TEST_CASE("a feed is accounted for when its last message and all of its rows are") {
  const FeedReport sent = sent_report();
  const auto before = status_of({"", 4, 100, 7, 70, 2, 0, 0, 0, 0});
  CHECK_FALSE(account(before, before, sent).confirmed);
  CHECK_FALSE(account(before, status_of({"", 5, 2, 10, 100, 2, 0, 0, 0, 0}), sent).confirmed);
  CHECK_FALSE(account(before, status_of({"", 5, 3, 9, 90, 2, 2, 0, 0, 0}), sent).confirmed);
  CHECK_FALSE(account(before, status_of({"", 6, 3, 11, 110, 2, 0, 0, 0, 0}), sent).confirmed);

  const FeedReport report = account(before, status_of({"", 5, 3, 11, 108, 4, 0, 0, 0, 0}), sent);
  CHECK(report.confirmed);
  CHECK(report.accepted == 38);
  CHECK(report.refused == 2);
}

TEST_CASE("a feed of points of a wrong dimension is told the right one") {
  auto after = status_of({"", 5, 3, 4, 0, 40, 0, 0, 0, 0});
  after.streams[0].refusals = {{"message", "bad_dimension", 4}};
  after.streams[0].dimension = 2;
  CHECK(closing_line(account({}, after, sent_report())) ==
        "sent 40 rows in 4 messages to \"room\": 0 accepted, 40 refused (bad_dimension: 4 messages), as the stream is of points of 2 "
        "coordinates");
  after.streams[0].refusals = {{"row", "not_finite", 40}};
  CHECK(closing_line(account({}, after, sent_report())) ==
        "sent 40 rows in 4 messages to \"room\": 0 accepted, 40 refused (not_finite: 40 rows)");
}

TEST_CASE("messages that had come before are told apart from those that are refused") {
  const FeedReport sent = sent_report();
  const auto earlier = status_of({"", 5, 3, 4, 40, 0, 0, 0, 0, 0});
  CHECK_FALSE(account(earlier, status_of({"", 5, 3, 7, 40, 0, 0, 3, 0, 0}), sent).confirmed);
  const FeedReport report =
      account(status_of({"", 5, 3, 4, 40, 0, 0, 0, 0, 0}), status_of({"", 5, 3, 8, 40, 0, 0, 4, 0, 0}), sent);
  CHECK(report.confirmed);
  CHECK(report.repeated == 40);
  CHECK(closing_line(report) == "sent 40 rows in 4 messages to \"room\": 0 accepted, 0 refused, 40 had come before");
}

TEST_CASE("counts that start anew at a reset are not negative") {
  const FeedReport report = account(status_of({"", 1, 9, 10, 1000, 5, 0, 0, 0, 0}),
                                    status_of({"", 5, 3, 4, 40, 0, 0, 0, 0, 0}), sent_report());
  CHECK(report.accepted == 40);
  CHECK(report.confirmed);
}

TEST_CASE("messages that the daemon refuses before it knows whose they are count once nothing moves any more") {
  wire::StatusReply before;
  wire::StatusReply after;
  after.refusals = {{"message", "too_many_streams", 4}};
  CHECK_FALSE(account(before, after, sent_report()).confirmed);
  const FeedReport report = account_stalled(before, after, sent_report());
  CHECK(report.confirmed);
  CHECK(report.refused == 40);
  CHECK(closing_line(report) ==
        "sent 40 rows in 4 messages to \"room\": 0 accepted, 40 refused (too_many_streams: 4 messages)");
  after.refusals[0].count = 3;
  CHECK_FALSE(account_stalled(before, after, sent_report()).confirmed);
}

TEST_CASE("the closing line as JSON tells how to continue") {
  FeedReport report = sent_report();
  auto json = nlohmann::json::parse(closing_json(report, 2));
  CHECK(json["next_sequence"] == 4);
  CHECK(json["session"] == 5);
  CHECK(json["skipped"] == 2);
  CHECK_FALSE(json.contains("accepted"));
  report.confirmed = true;
  report.accepted = 40;
  CHECK(nlohmann::json::parse(closing_json(report, 0))["accepted"] == 40);
}

TEST_CASE("names that are no names, and a continuation without a session, are usage faults") {
  FeedOptions options;
  CHECK(finish_feed_flags({}, options));
  options.stream = "a b";
  CHECK(finish_feed_flags({}, options).error().message.find("--stream: \"a b\" is not a name") == 0);
  options.stream = "a";
  options.producer = "";
  CHECK(finish_feed_flags({}, options).error().exit_code == 2);
  options.producer = "p";
  options.first_sequence = 3;
  CHECK(finish_feed_flags({}, options).error().message.find("--first-sequence") == 0);
}

}  // namespace emulsion::client
