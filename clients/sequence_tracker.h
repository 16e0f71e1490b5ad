// Which messages of a topic a subscriber has missed.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace emulsion::client {

// What the number of a message tells.
struct Arrival {
  bool repeated = false;   // it has come before: a retained model that was sent again to somebody else
  std::uint64_t lost = 0;  // messages between it and the one before it
};

// Follows the topic sequences of any number of topics.
class SequenceTracker {
 public:
  // The first message of a topic, and the first after the daemon has started anew, say nothing about what came before.
  Arrival note(const std::string& topic, std::uint64_t daemon_session, std::uint64_t topic_sequence) {
    const auto [found, first] = last_.try_emplace(topic, Position{daemon_session, topic_sequence});
    if (first) return {};
    Position& last = found->second;
    if (last.session != daemon_session) {
      last = {daemon_session, topic_sequence};
      return {};
    }
    if (topic_sequence <= last.sequence) return {true, 0};
    const std::uint64_t lost = topic_sequence - last.sequence - 1;
    last.sequence = topic_sequence;
    return {false, lost};
  }

 private:
  struct Position {
    std::uint64_t session;
    std::uint64_t sequence;
  };
  std::map<std::string, Position> last_;
};

}  // namespace emulsion::client
