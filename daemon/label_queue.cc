#include "daemon/label_queue.h"

#include <algorithm>

namespace emulsion::service {

void LabelQueue::push(wire::WaitingMessage message) {
  Entry entry;
  entry.labels.producer = message.producer;
  entry.labels.session = message.session;
  entry.labels.sequence = message.sequence;
  entry.labels.component_ids.reserve(message.rows);
  entry.labels.log_densities.reserve(message.rows);
  entry.message = std::move(message);
  queue_.push_back(std::move(entry));
}

std::vector<wire::LabelsMessage> LabelQueue::fill(const Labels& labels, const std::vector<std::uint64_t>& ids,
                                                  std::uint64_t current_version, std::size_t responsibilities) {
  std::vector<wire::LabelsMessage> complete;
  std::size_t point = 0;
  std::size_t span = 0;
  Index left_in_span = labels.spans.empty() ? 0 : labels.spans.front().points;
  while (!queue_.empty()) {
    Entry& entry = queue_.front();
    const bool wants_labels = entry.message.rows > entry.row + (entry.message.refused_rows.size() - entry.next_refused);
    if (wants_labels && point == labels.components.size()) break;
    skip_refused(entry, responsibilities);
    while (entry.row < entry.message.rows && point < labels.components.size()) {
      if (left_in_span == 0) left_in_span = labels.spans[++span].points;
      add(entry, ids[static_cast<std::size_t>(labels.components[point])], labels.log_densities[point], labels.spans[span].version);
      const auto first = labels.responsibilities.begin() + static_cast<std::ptrdiff_t>(point * responsibilities);
      entry.labels.responsibilities.insert(entry.labels.responsibilities.end(), first, first + static_cast<std::ptrdiff_t>(responsibilities));
      --left_in_span;
      ++point;
      skip_refused(entry, responsibilities);
    }
    if (entry.row < entry.message.rows) break;
    if (entry.labels.model_spans.empty() && entry.message.rows > 0) entry.labels.model_spans.push_back({current_version, entry.message.rows});
    complete.push_back(std::move(entry.labels));
    queue_.pop_front();
  }
  return complete;
}

std::vector<wire::WaitingMessage> LabelQueue::waiting() const {
  std::vector<wire::WaitingMessage> messages;
  std::transform(queue_.begin(), queue_.end(), std::back_inserter(messages), [](const Entry& entry) { return entry.message; });
  return messages;
}

// Refused rows get no label, and belong to the span of the rows before them; the first ones to that of the rows after.
void LabelQueue::skip_refused(Entry& entry, std::size_t responsibilities) {
  while (entry.next_refused < entry.message.refused_rows.size() && entry.message.refused_rows[entry.next_refused] == entry.row) {
    entry.labels.component_ids.push_back(wire::kNoComponent);
    entry.labels.log_densities.push_back(wire::kNoDensity);
    entry.labels.responsibilities.insert(entry.labels.responsibilities.end(), responsibilities, wire::kNoDensity);
    if (!entry.labels.model_spans.empty()) ++entry.labels.model_spans.back().rows;
    ++entry.next_refused;
    ++entry.row;
  }
}

void LabelQueue::add(Entry& entry, std::uint64_t id, double log_density, std::uint64_t version) {
  auto& spans = entry.labels.model_spans;
  entry.labels.component_ids.push_back(id);
  entry.labels.log_densities.push_back(log_density);
  if (spans.empty())
    spans.push_back({version, entry.row + 1});  // with the refused rows before it
  else if (spans.back().model_version == version)
    ++spans.back().rows;
  else
    spans.push_back({version, 1});
  ++entry.row;
}

}  // namespace emulsion::service
