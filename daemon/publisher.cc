#include "daemon/publisher.h"

namespace emulsion::service {

void Publisher::publish(std::string_view stream, StreamOutput& output, PublishedCounts& counts) {
  for (wire::EventMessage& event : output.events) send(stream, wire::TopicKind::events, event, counts.events);
  for (wire::LabelsMessage& labels : output.labels) send(stream, wire::TopicKind::labels, labels, counts.labels);
}

void Publisher::publish(wire::ModelMessage model, PublishedCounts& counts) {
  send(model.stream, wire::TopicKind::model, model, counts.models);
}

template <typename Message>
void Publisher::send(std::string_view stream, wire::TopicKind kind, Message& message, std::uint64_t& count) {
  message.topic_sequence = count++;
  message.daemon_session = daemon_session_;
  payload_.clear();
  codec_.append(message, payload_);
  topic_.assign(wire::kTopicPrefix).append(stream).append(".").append(wire::name(kind)).append(".");
  sink_.send({topic_, payload_});
  ++published_;
  if (payload_.size() > wire::kKeptBytes) payload_ = {};
}

}  // namespace emulsion::service
