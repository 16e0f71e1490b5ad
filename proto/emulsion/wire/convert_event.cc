// Events to values and back.
#include "emulsion/wire/convert_parts.h"
#include "emulsion/wire/quoted.h"
#include "emulsion/wire/topic.h"

namespace emulsion::wire {
namespace {

static_assert(static_cast<int>(EventKind::imprecise) == v1::EventKind_MAX);


}  // namespace

Result<EventMessage> read(const v1::Event& message) {
  if (auto ok = check_stream(message.stream()); !ok) return fail(ok.error().message);
  if (message.kind() == 0 || !v1::EventKind_IsValid(message.kind())) {
    return fail("kind: " + std::to_string(message.kind()) + ", expected 1 to " + std::to_string(v1::EventKind_MAX));
  }
  if (!message.producer().empty()) {
    if (auto ok = check_producer(message.producer()); !ok) return fail(ok.error().message);
  }
  EventMessage result;
  result.stream = message.stream();
  result.topic_sequence = message.topic_sequence();
  result.daemon_session = message.daemon_session();
  result.kind = static_cast<EventKind>(message.kind());
  result.model_version = message.model_version();
  result.points_learned = message.points_learned();
  result.component_ids.assign(message.component_ids().begin(), message.component_ids().end());
  result.producer = message.producer();
  result.count = message.count();
  result.text = message.text();
  return result;
}

void write(const EventMessage& value, v1::Event& message) {
  message.set_stream(value.stream);
  message.set_topic_sequence(value.topic_sequence);
  message.set_daemon_session(value.daemon_session);
  message.set_kind(static_cast<v1::EventKind>(value.kind));
  message.set_model_version(value.model_version);
  message.set_points_learned(value.points_learned);
  message.mutable_component_ids()->Add(value.component_ids.begin(), value.component_ids.end());
  message.set_producer(value.producer);
  message.set_count(value.count);
  message.set_text(utf8(value.text));
}

}  // namespace emulsion::wire
