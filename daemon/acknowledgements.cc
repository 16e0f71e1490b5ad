#include "daemon/acknowledgements.h"

#include <algorithm>
#include <utility>

#include "daemon/save_health.h"
#include "emulsion/wire/topic.h"

namespace emulsion::service {

void Acknowledgements::note(StreamEntry& entry, Whom whom, Time now) {
  Waiting& waiting = streams_[&entry];
  // From the end, as a producer sends many messages in a row.
  const auto known = std::find_if(waiting.whom.rbegin(), waiting.whom.rend(), [&](const Whom& other) {
    return other.session == whom.session && other.peer == whom.peer && other.producer == whom.producer && other.source == whom.source;
  });
  if (known == waiting.whom.rend()) {
    waiting.whom.push_back(std::move(whom));
  } else {
    known->out_of_order |= whom.out_of_order;
    if (!whom.fault.empty()) known->fault = std::move(whom.fault);
  }
  if (!waiting.due) wait_until(entry, waiting, std::max(now + options_.interval, waiting.not_before));
}

void Acknowledgements::wait_until(StreamEntry& entry, Waiting& waiting, Time due) {
  waiting.due = due;
  queue_.emplace(due, &entry);
}

void Acknowledgements::answer(std::string_view stream, const StreamEntry* entry, const Whom& whom, std::uint64_t question) {
  wire::AcknowledgementMessage message;
  message.stream = stream;
  message.producer = whom.producer;
  message.session = whom.session;
  message.daemon_session = daemon_session_;
  if (entry != nullptr) {
    const SourceTracker::Position position = entry->stream.position(whom.producer, whom.session);
    message.next_sequence = position.durable;
    message.expected_sequence = position.expected;
  }
  message.credit = options_.credit;
  message.question = question;
  message.out_of_order = whom.out_of_order;
  message.fault = whom.fault;
  whom.source->answer(whom.peer, {wire::to_string({stream, wire::TopicKind::acknowledgement}), codec_.encode(message)});
}

StreamEntry* Acknowledgements::next_due(Time now) {
  if (queue_.empty() || queue_.begin()->first > now) return nullptr;
  StreamEntry* entry = queue_.begin()->second;
  queue_.erase(queue_.begin());
  streams_[entry].due.reset();
  return entry;
}

std::optional<Acknowledgements::Time> Acknowledgements::due() const {
  return queue_.empty() ? std::nullopt : std::optional(queue_.begin()->first);
}

void Acknowledgements::committed(StreamEntry& entry, Time begun, Time now) {
  Waiting& waiting = streams_[&entry];
  waiting.not_before = now + (now - begun);
  tell(entry, waiting, {});
}

void Acknowledgements::failed(StreamEntry& entry, const std::string& fault, Time now) {
  Waiting& waiting = streams_[&entry];
  tell(entry, waiting, fault);
  if (!waiting.due) wait_until(entry, waiting, now + SaveHealth::kRetry);
}

void Acknowledgements::tell(StreamEntry& entry, Waiting& waiting, const std::string& fault) {
  for (Whom& whom : std::exchange(waiting.whom, {})) {
    if (!fault.empty()) whom.fault = fault;
    answer(entry.stream.name(), &entry, whom, 0);
  }
}

std::vector<StreamEntry*> Acknowledgements::waiting() const {
  std::vector<StreamEntry*> entries;
  for (const auto& [due, entry] : queue_) entries.push_back(entry);
  return entries;
}

}  // namespace emulsion::service
