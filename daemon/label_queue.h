// Gives the labels of points back to the messages that the points came in.
//
// Labels come in the order of the points, but not at once: while a stream warms up, none come. A message leaves when its
// last row has a label; messages leave in the order in which they came.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "daemon/reused_list.h"
#include "emulsion/stepwise_em.h"
#include "emulsion/wire/messages.h"
#include "emulsion/wire/state.h"

namespace emulsion::service {

// Labels of consecutive points, which are given to rows one message after another.
//   ids              K, the ids of the mixture's components by position
//   current_version   for messages without any good row
//   responsibilities  how many a row has: K, or 0 where they are not published
struct NewLabels {
  const Labels& labels;
  std::span<const std::uint64_t> ids;
  std::uint64_t current_version = 0;
  std::size_t responsibilities = 0;

  // The next one, and where it is in the spans of `labels`.
  std::size_t next = 0;
  std::size_t span = 0;
  Index next_in_span = 0;

  std::size_t left() const { return labels.components.size() - next; }
};

// A message while its rows are labelled.
struct RowsToLabel {
  std::uint32_t rows = 0;
  std::span<const std::uint32_t> refused;  // numbers of refused rows, ascending
  std::uint32_t row = 0;                   // the next one
  std::size_t next_refused = 0;

  // Appends to `to` what there are labels for. True if every row has one then.
  bool label(NewLabels& labels, wire::LabelsMessage& to);
};

class LabelQueue {
 public:
  // A message that has come, with the numbers of its refused rows.
  void push(wire::WaitingMessage message) { waiting_.push_back(std::move(message)); }

  // Labels of the next rows. Adds the messages that are complete now.
  void fill(NewLabels labels, ReusedList<wire::LabelsMessage>& complete);

  // Messages that wait; what is saved. Only whole messages can be saved: none is half labelled between two calls of a
  // learner that labels all that it has once it has a model.
  const std::vector<wire::WaitingMessage>& waiting() const { return waiting_; }
  bool empty() const { return waiting_.empty(); }
  void clear();

 private:
  // The first one that waits, if some of its rows have labels.
  struct Begun {
    RowsToLabel rows;
    wire::LabelsMessage labels;
  };

  std::vector<wire::WaitingMessage> waiting_;
  std::unique_ptr<Begun> begun_;
};

// Makes a message of labels that has none yet.
void begin(wire::LabelsMessage& labels, std::string_view producer, std::uint64_t session, std::uint64_t sequence);

}  // namespace emulsion::service
