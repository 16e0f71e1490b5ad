// Which labels have come before a restart of the daemon.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "emulsion/wire/messages.h"

namespace emulsion::client {

// A daemon that was killed goes on from its last checkpoint. What its producers send again it labels again, with the same
// numbers and the same labels. A late message of before the restart has another topic sequence, and is new.
class SeenLabels {
 public:
  // Takes note of labels; true if they have come before.
  bool note(const wire::LabelsMessage& labels) {
    Topic& topic = topics_[labels.stream];
    if (topic.daemon_session != labels.daemon_session) {
      topic.daemon_session = labels.daemon_session;
      topic.published_before = topic.published;
    }
    const auto [session, first] = topic.sessions.try_emplace({labels.producer, labels.session}, labels.sequence);
    const bool seen = !first && labels.sequence <= session->second && labels.topic_sequence < topic.published_before;
    if (labels.sequence > session->second) session->second = labels.sequence;
    if (labels.topic_sequence >= topic.published) topic.published = labels.topic_sequence + 1;
    return seen;
  }

 private:
  struct Topic {
    std::uint64_t daemon_session = 0;
    std::uint64_t published = 0;         // by all daemons so far: behind the highest topic sequence
    std::uint64_t published_before = 0;  // the same before the last restart
    std::map<std::pair<std::string, std::uint64_t>, std::uint64_t> sessions;  // the highest sequence of each
  };
  std::map<std::string, Topic> topics_;
};

}  // namespace emulsion::client
