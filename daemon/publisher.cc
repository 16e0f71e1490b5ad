#include "daemon/publisher.h"

namespace emulsion::service {

void Publisher::publish(StreamOutput output) {
  for (wire::EventMessage& event : output.events) {
    Topics& topics = topics_of(event.stream);
    event.topic_sequence = topics.next.events++;
    event.daemon_session = daemon_session_;
    sink_.send({topics.events, codec_.encode(event)});
    ++published_;
  }
  for (wire::LabelsMessage& labels : output.labels) {
    Topics& topics = topics_of(labels.stream);
    labels.topic_sequence = topics.next.labels++;
    labels.daemon_session = daemon_session_;
    sink_.send({topics.labels, codec_.encode(labels)});
    ++published_;
  }
}

void Publisher::publish(wire::ModelMessage model) {
  Topics& topics = topics_of(model.stream);
  model.topic_sequence = topics.next.models++;
  model.daemon_session = daemon_session_;
  sink_.send_retained({topics.model, codec_.encode(model)});
  ++published_;
}

void Publisher::drop_model(const std::string& stream) { sink_.drop_retained(topics_of(stream).model); }

Publisher::Counts Publisher::counts(const std::string& stream) const {
  const auto found = topics_.find(stream);
  return found == topics_.end() ? Counts{} : found->second.next;
}

Publisher::Topics& Publisher::topics_of(const std::string& stream) {
  const auto found = topics_.find(stream);
  if (found != topics_.end()) return found->second;
  const auto topic = [&](wire::TopicKind kind) { return wire::to_string({stream, kind}); };
  return topics_
      .emplace(stream, Topics{topic(wire::TopicKind::model), topic(wire::TopicKind::labels), topic(wire::TopicKind::events), {}})
      .first->second;
}

}  // namespace emulsion::service
