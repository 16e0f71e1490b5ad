#include "clients/status_table.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "clients/example_messages.h"
#include "emulsion/wire/state.h"

namespace emulsion::client {
namespace {

wire::StatusReply example_status() {
  wire::StatusReply status;
  status.version = "0.1.0";
  status.uptime_seconds = 192;
  status.messages_received = 33;
  status.messages_published = 40;
  status.daemon_session = 0xFFFFFFFFFFFFFFFF;
  status.refusals = {{"message", "malformed", 1}};
  status.streams = {example_stream("occupancy"), waiting_stream("room")};
  return status;
}

}  // namespace

TEST_CASE("the status is a line about the daemon and a line for each stream") {
  CHECK(status_table(example_status()) ==
        "emulsiond 0.1.0, up 3 min 12 s: 33 messages in, 40 out\n"
        "refused before they reached a stream: malformed: 1 message\n"
        "stream     phase       d  K  model  accepted  learned    waiting  refused  missing  nats/point\n"
        "occupancy  learning    2  2      7      8143     8100         43        3        2      -3.215\n"
        "room       warming_up  0  0      0         0        0  60 of 100        0        0           -\n");
}

TEST_CASE("that a daemon is degraded is told right behind its first line, and to machines") {
  wire::StatusReply status = example_status();
  status.degraded = "3 saves in a row have failed; the last: \x1b[2Jdisk full";
  CHECK(status_table(status).find("33 messages in, 40 out\ndegraded: 3 saves in a row have failed; the last: \\x1B[2Jdisk full\nrefused") !=
        std::string::npos);
  CHECK(nlohmann::json::parse(status_json(status))["degraded"] == status.degraded);
  CHECK(nlohmann::json::parse(status_json(example_status()))["degraded"] == "");
}

TEST_CASE("a daemon without streams says how to make one") {
  CHECK(status_table({}).find("no streams yet; `emulsion send FILE` makes one") != std::string::npos);
}

TEST_CASE("the status of one stream shows its refusals and its producers") {
  const std::string text = stream_table(example_stream());
  CHECK(text.find("stream \"room\": learning\n") == 0);
  CHECK(text.find("rows accepted                       8143\n") != std::string::npos);
  CHECK(text.find("refused: not_finite: 3 rows\n") != std::string::npos);
  CHECK(text.find("sensor-1        32      8143        3        2") != std::string::npos);
}

TEST_CASE("messages that came before their turn are not told as refused") {
  wire::StreamStatus stream = example_stream();
  stream.refusals.push_back({"message", wire::kOutOfOrder, 538});
  const std::string text = stream_table(stream);
  CHECK(text.find("refused: not_finite: 3 rows\n538 messages came before their turn, and were asked for again\n") != std::string::npos);
  CHECK(text.find(wire::kOutOfOrder) == std::string::npos);
}

TEST_CASE("text of the network cannot move the cursor") {
  wire::StreamStatus stream = example_stream();
  stream.producers[0].producer = "\x1b[2J";
  CHECK(stream_table(stream).find('\x1b') == std::string::npos);
}

TEST_CASE("a stream that waits says for how many points, and how to start with what there is") {
  CHECK(waits_for_model(waiting_stream()) ==
        "stream \"room\" waits for its first model: 60 of 100 points; `emulsion flush room` starts with what there is");
  wire::StreamStatus empty = waiting_stream();
  empty.points_waiting = 0;
  CHECK(waits_for_model(empty) == "stream \"room\" waits for its first model: 0 of 100 points");
  CHECK(waits_for_model({}) == "stream \"\" waits for its first points");
}

TEST_CASE("the status as JSON is one line with every count") {
  const std::string text = status_json(example_status());
  CHECK(text.find('\n') == std::string::npos);
  const auto json = nlohmann::json::parse(text);
  CHECK(json["daemon_session"] == 0xFFFFFFFFFFFFFFFF);
  CHECK(json["refusals"][0]["reason"] == "malformed");
  CHECK(json["streams"][0]["producers"][0]["rows_refused"] == 3);
  CHECK(json["streams"][1]["phase"] == "warming_up");
  CHECK(json["streams"][1]["points_to_seed"] == 100);
}

TEST_CASE("JSON survives text that is not UTF-8") {
  wire::StatusReply status;
  status.version = "\xff\xfe";
  CHECK_NOTHROW(nlohmann::json::parse(status_json(status)));
}

}  // namespace emulsion::client
