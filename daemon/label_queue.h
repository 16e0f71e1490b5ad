// Gives the labels of points back to the messages that the points came in.
//
// Labels come in the order of the points, but not at once: while a stream warms up, none come. A message leaves when its
// last row has a label; messages leave in the order in which they came.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "emulsion/stepwise_em.h"
#include "emulsion/wire/messages.h"
#include "emulsion/wire/state.h"

namespace emulsion::service {

class LabelQueue {
 public:
  // A message that has come, with the numbers of its refused rows.
  void push(wire::WaitingMessage message);

  // Labels of the next rows. Returns the messages that are complete now.
  //   ids              K, the ids of the mixture's components by position
  //   current_version   for messages without any good row
  //   responsibilities  how many a row has: K, or 0 where they are not published
  std::vector<wire::LabelsMessage> fill(const Labels& labels, const std::vector<std::uint64_t>& ids,
                                        std::uint64_t current_version, std::size_t responsibilities);

  // Messages that wait; what is saved. Only whole messages can be saved: none is half labelled between two calls of a
  // learner that labels all that it has once it has a model.
  std::vector<wire::WaitingMessage> waiting() const;
  void clear() { queue_.clear(); }

 private:
  struct Entry {
    wire::WaitingMessage message;
    wire::LabelsMessage labels;  // of the rows so far
    std::size_t next_refused = 0;
    std::uint32_t row = 0;  // the next one
  };

  static void skip_refused(Entry& entry, std::size_t responsibilities);
  static void add(Entry& entry, std::uint64_t id, double log_density, std::uint64_t version);

  std::deque<Entry> queue_;
};

}  // namespace emulsion::service
