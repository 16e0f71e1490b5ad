#include "daemon/publisher.h"

#include <catch2/catch.hpp>

#include "daemon/memory_transport.h"

using namespace emulsion;
using namespace emulsion::service;

namespace {

StreamOutput output_of(const std::string& stream) {
  wire::LabelsMessage labels;
  labels.stream = stream;
  labels.producer = "a";
  wire::EventMessage event;
  event.stream = stream;
  StreamOutput output;
  output.labels.add() = labels;
  output.labels.add() = labels;
  output.events = {event};
  return output;
}

wire::ModelMessage model_of(const std::string& stream) {
  wire::ModelMessage model;
  model.stream = stream;
  model.dimension = 1;
  wire::ComponentMessage component;
  component.id = 1;
  component.weight = 1;
  component.parameters = {{"mean", {0}}, {"covariance", {1}}};
  model.components = {component};
  return model;
}

}  // namespace

TEST_CASE("every topic counts its own messages, without holes, and carries the daemon's session") {
  MemorySink sink;
  Publisher publisher(sink, 42);
  PublishedCounts m1, m10;
  for (int i = 0; i < 3; ++i) {
    auto first = output_of("m1"), second = output_of("m10");
    publisher.publish("m1", first, m1);
    publisher.publish("m10", second, m10);
    publisher.publish(model_of("m1"), m1);
  }
  wire::Codec codec;
  std::map<std::string, std::uint64_t> next;
  for (const Frame& frame : sink.sent()) {
    std::uint64_t sequence = 0, session = 0;
    const auto kind = wire::parse_topic(frame.topic)->kind;
    const auto note = [&](const auto& message) {
      REQUIRE(message);
      sequence = message->topic_sequence;
      session = message->daemon_session;
    };
    if (kind == wire::TopicKind::labels) note(codec.decode_labels(frame.payload));
    if (kind == wire::TopicKind::events) note(codec.decode_event(frame.payload));
    if (kind == wire::TopicKind::model) note(codec.decode_model(frame.payload));
    CHECK(sequence == next[frame.topic]++);
    CHECK(session == 42);
  }
  CHECK(next == std::map<std::string, std::uint64_t>{{"emulsion.v1.m1.events.", 3}, {"emulsion.v1.m1.labels.", 6},
                                                     {"emulsion.v1.m1.model.", 3}, {"emulsion.v1.m10.events.", 3},
                                                     {"emulsion.v1.m10.labels.", 6}});
  CHECK(publisher.published() == 21);
  CHECK(m1.models == 3);
  CHECK(m1.labels == 6);
  CHECK(m1.events == 3);
  CHECK(m10.models == 0);
}
