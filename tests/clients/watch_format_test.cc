#include "clients/watch_format.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "clients/example_messages.h"
#include "clients/seen_labels.h"
#include "clients/sequence_tracker.h"

namespace emulsion::client {

TEST_CASE("labels that a daemon gives again after it was killed are known, and others are not") {
  SeenLabels seen;
  const auto note = [&](std::uint64_t daemon, std::uint64_t topic_sequence, std::uint64_t sequence, std::uint64_t session = 7) {
    wire::LabelsMessage labels;
    labels.stream = "radar";
    labels.daemon_session = daemon;
    labels.topic_sequence = topic_sequence;
    labels.producer = "a";
    labels.session = session;
    labels.sequence = sequence;
    return seen.note(labels);
  };
  for (std::uint64_t i = 0; i < 5; ++i) CHECK_FALSE(note(1, i, i));
  CHECK_FALSE(note(1, 5, 3));  // no restart: a message that came late
  // Killed; its checkpoint had three messages.
  CHECK(note(2, 3, 3));
  CHECK(note(2, 4, 4));
  CHECK_FALSE(note(2, 5, 5));
  CHECK_FALSE(note(2, 6, 6));
  // One without a state begins anew: its producer goes on, or has a new session.
  CHECK_FALSE(note(3, 0, 7));
  CHECK_FALSE(note(3, 1, 0, 8));
}

TEST_CASE("holes in a topic are counted, and topics and daemons are kept apart") {
  SequenceTracker tracker;
  CHECK(tracker.note("a", 1, 5).lost == 0);
  CHECK(tracker.note("a", 1, 6).lost == 0);
  CHECK(tracker.note("a", 1, 10).lost == 3);
  CHECK(tracker.note("b", 1, 3).lost == 0);
  CHECK(tracker.note("a", 1, 11).lost == 0);
  CHECK(tracker.note("a", 2, 0).lost == 0);
  CHECK(tracker.note("a", 2, 2).lost == 1);
}

TEST_CASE("a retained message that is sent again is known") {
  SequenceTracker tracker;
  CHECK_FALSE(tracker.note("a", 1, 5).repeated);
  CHECK(tracker.note("a", 1, 5).repeated);
  CHECK_FALSE(tracker.note("a", 1, 6).repeated);
}

TEST_CASE("each row has the version of its span") {
  CHECK(row_versions(example_labels()) == std::vector<std::uint64_t>{6, 6, 7});
  wire::LabelsMessage short_spans = example_labels();
  short_spans.model_spans = {{6, 1}};
  CHECK(row_versions(short_spans) == std::vector<std::uint64_t>{6, 0, 0});
}

TEST_CASE("labels as CSV have a line for each row, exact") {
  CHECK(labels_heading(OutputFormat::csv) == "producer,session,sequence,row,component,log_density,model_version\n");
  CHECK(format_labels(example_labels(), OutputFormat::csv) ==
        "sensor-1,99,31,0,2,-3.25,6\n"
        "sensor-1,99,31,1,0,nan,6\n"
        "sensor-1,99,31,2,1,-0.001,7\n");
}

TEST_CASE("labels as JSON are one object a line, without NaN") {
  const std::string text = format_labels(example_labels(), OutputFormat::json);
  CHECK(text.find('\n') == text.size() - 1);
  const auto json = nlohmann::json::parse(text);
  CHECK(json["component_ids"] == std::vector<int>{2, 0, 1});
  CHECK(json["log_densities"][1].is_null());
  CHECK(json["model_spans"][1]["model_version"] == 7);
}

TEST_CASE("labels as a table stand under their heading") {
  CHECK(labels_heading(OutputFormat::table) + format_labels(example_labels(), OutputFormat::table) ==
        "stream            producer          sequence     row  component  log density (nats)     model\n"
        "room              sensor-1                31       0          2             -3.2500         6\n"
        "room              sensor-1                31       1    refused                   -         6\n"
        "room              sensor-1                31       2          1          -0.0010000         7\n");
}

TEST_CASE("events are a sentence, an object or a line of CSV") {
  wire::EventMessage event;
  event.stream = "room";
  event.kind = wire::EventKind::gap;
  event.points_learned = 1;
  event.component_ids = {1, 2};
  event.producer = "sensor-1";
  event.count = 3;
  event.text = "3 messages, \"missing\"\x1b[2J";
  CHECK(format_event(event, OutputFormat::table) == "room: gap after 1 point: 3 messages, \"missing\"\\x1B[2J\n");
  CHECK(format_event(event, OutputFormat::csv) ==
        "room,gap,0,1,1 2,sensor-1,3,\"3 messages, \"\"missing\"\"\\x1B[2J\"\n");
  const auto json = nlohmann::json::parse(format_event(event, OutputFormat::json));
  CHECK(json["kind"] == "gap");
  CHECK(json["count"] == 3);
  CHECK(events_heading(OutputFormat::json).empty());
}

TEST_CASE("models have a heading only as CSV") {
  const auto model = example_model();
  CHECK(models_heading(OutputFormat::table, model).empty());
  CHECK(models_heading(OutputFormat::csv, model).find("mean_1,sd_0") != std::string::npos);
  CHECK(nlohmann::json::parse(format_model(model, OutputFormat::json))["version"] == 7);
}

TEST_CASE("formats have names") {
  CHECK(output_format("csv") == OutputFormat::csv);
  CHECK(output_format("json") == OutputFormat::json);
  CHECK(output_format("table") == OutputFormat::table);
}

}  // namespace emulsion::client
