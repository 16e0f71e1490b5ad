#include "daemon/label_queue.h"

#include <algorithm>

namespace emulsion::service {
namespace {

// Refused rows get no label, and belong to the span of the rows before them; the first ones to that of the rows after.
void add_refused(std::uint32_t count, std::size_t responsibilities, wire::LabelsMessage& to) {
  to.component_ids.insert(to.component_ids.end(), count, wire::kNoComponent);
  to.log_densities.insert(to.log_densities.end(), count, wire::kNoDensity);
  to.responsibilities.insert(to.responsibilities.end(), count * responsibilities, wire::kNoDensity);
  if (!to.model_spans.empty()) to.model_spans.back().rows += count;
}

// `count` labels from the next one on, all of one version.
void add_labelled(std::uint32_t count, const NewLabels& from, std::uint64_t version, wire::LabelsMessage& to) {
  auto& spans = to.model_spans;
  const std::size_t rows_before = to.component_ids.size();
  const auto first = static_cast<std::ptrdiff_t>(from.next);
  const auto each = static_cast<std::ptrdiff_t>(from.responsibilities);
  const auto components = from.labels.components.begin() + first;
  to.component_ids.resize(rows_before + count);
  std::transform(components, components + count, to.component_ids.begin() + static_cast<std::ptrdiff_t>(rows_before),
                 [&](Index k) { return from.ids[static_cast<std::size_t>(k)]; });
  const auto densities = from.labels.log_densities.begin() + first;
  to.log_densities.insert(to.log_densities.end(), densities, densities + count);
  const auto responsibilities = from.labels.responsibilities.begin() + first * each;
  to.responsibilities.insert(to.responsibilities.end(), responsibilities, responsibilities + count * each);
  if (spans.empty())
    spans.push_back({version, static_cast<std::uint32_t>(rows_before) + count});
  else if (spans.back().model_version == version)
    spans.back().rows += count;
  else
    spans.push_back({version, count});
}

}  // namespace

bool RowsToLabel::label(NewLabels& from, wire::LabelsMessage& to) {
  while (row < rows) {
    std::uint32_t refused_here = 0;
    while (next_refused < refused.size() && refused[next_refused] == row + refused_here) ++next_refused, ++refused_here;
    if (refused_here > 0) {
      add_refused(refused_here, from.responsibilities, to);
      row += refused_here;
      continue;
    }
    if (from.left() == 0) return false;
    if (from.next_in_span == from.labels.spans[from.span].points) {
      ++from.span;
      from.next_in_span = 0;
      continue;
    }
    const std::uint32_t good_rows = (next_refused < refused.size() ? refused[next_refused] : rows) - row;
    const Labels::Span& span = from.labels.spans[from.span];
    const auto count = static_cast<std::uint32_t>(
        std::min({std::size_t{good_rows}, from.left(), static_cast<std::size_t>(span.points - from.next_in_span)}));
    add_labelled(count, from, span.version, to);
    from.next += count;
    from.next_in_span += count;
    row += count;
  }
  if (to.model_spans.empty() && rows > 0) to.model_spans.push_back({from.current_version, rows});
  return true;
}

void begin(wire::LabelsMessage& labels, std::string_view producer, std::uint64_t session, std::uint64_t sequence) {
  labels.producer = producer;
  labels.session = session;
  labels.sequence = sequence;
  labels.component_ids.clear();
  labels.log_densities.clear();
  labels.responsibilities.clear();
  labels.model_spans.clear();
}

void LabelQueue::fill(NewLabels labels, ReusedList<wire::LabelsMessage>& complete) {
  std::size_t done = 0;
  for (; done < waiting_.size(); ++done) {
    const wire::WaitingMessage& message = waiting_[done];
    if (!begun_) {
      if (message.rows > message.refused_rows.size() && labels.left() == 0) break;
      begun_ = std::make_unique<Begun>();
      begun_->rows.rows = message.rows;
      begin(begun_->labels, message.producer, message.session, message.sequence);
    }
    begun_->rows.refused = message.refused_rows;
    if (!begun_->rows.label(labels, begun_->labels)) break;
    std::swap(complete.add(), begun_->labels);
    begun_.reset();
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(done));
  // Once a stream has its model, nothing waits any more.
  if (waiting_.empty()) waiting_ = {};
}

void LabelQueue::clear() {
  waiting_ = {};
  begun_.reset();
}

}  // namespace emulsion::service
