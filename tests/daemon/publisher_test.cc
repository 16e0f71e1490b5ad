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
  return {{labels, labels}, {event}, false};
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
  for (int i = 0; i < 3; ++i) {
    publisher.publish(output_of("m1"));
    publisher.publish(output_of("m10"));
    publisher.publish(model_of("m1"));
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
  CHECK(publisher.counts("m1").models == 3);
  CHECK(publisher.counts("m1").labels == 6);
  CHECK(publisher.counts("m1").events == 3);
  CHECK(publisher.counts("unheard").labels == 0);
}

TEST_CASE("the last model is kept for late subscribers, until it is dropped") {
  MemorySink sink;
  Publisher publisher(sink, 1);
  publisher.publish(model_of("m1"));
  publisher.publish(model_of("m1"));
  publisher.publish(output_of("m1"));
  const auto& late = sink.subscribe("emulsion.v1.m1.");
  REQUIRE(late.size() == 1);
  CHECK(wire::Codec().decode_model(late[0].payload)->topic_sequence == 1);
  publisher.drop_model("m1");
  CHECK(sink.subscribe("emulsion.v1.m1.").empty());
  publisher.drop_model("unheard");
}
