// Tells duplicates, gaps, reorderings and restarts of producers apart, and counts them exactly.
//
// A producer numbers its messages 0, 1, 2, ... in each session, and draws a new session when it starts. What is missing is
// remembered as ranges, so that a late message is known from one that came twice. Several sessions of a producer may run
// side by side, as when two processes share a name.
#pragma once

#include <boost/icl/interval_set.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "emulsion/prefetch.h"
#include "emulsion/result.h"
#include "emulsion/wire/messages.h"
#include "emulsion/wire/state.h"

namespace emulsion::service {

// What the number of a message says about it.
struct Arrival {
  bool duplicate = false;     // it has been received before
  bool reordered = false;     // it had been missing
  bool restarted = false;     // a known producer has a new session
  std::uint64_t skipped = 0;  // messages between the highest before and this one; since 0 in a new session
};

class SourceTracker {
 public:
  // Per producer: older sessions, and holes beyond so many, are given up. A message of them that comes after all counts as
  // a duplicate, or as a new session. Of acknowledged sessions more are kept, as what is sent again is to be known again.
  static constexpr std::size_t kSessions = 16;
  static constexpr std::size_t kAcknowledgedSessions = 1024;
  static constexpr std::size_t kHoles = 4096;

  explicit SourceTracker(std::size_t max_producers) : max_producers_(max_producers) {}

  // Takes note of a message.
  // Errors: there are as many producers as there may be, and this is another one.
  Result<Arrival> arrive(std::string_view producer, std::uint64_t session, std::uint64_t sequence);

  // Where an acknowledged session stands. Of one that is not known, at its beginning.
  struct Position {
    std::uint64_t durable = 0;   // all lower ones are in a checkpoint
    std::uint64_t expected = 0;  // the next one in order
  };
  Position position(std::string_view producer, std::uint64_t session) const;

  // What `arrive` needs of a stream with one producer is fetched; see emulsion/prefetch.h. The object itself is part of another.
  void prefetch(int step) const {
    if (producers_.empty()) return;
    const auto& first = *producers_.begin();
    if (step == 1) prefetch_object(first);
    if (step == 2 && !first.second.sessions.empty()) prefetch_object(first.second.sessions.front());
  }

  // Says that the session of a message that has just arrived is acknowledged.
  void acknowledge(std::string_view producer);

  // True if there is an acknowledged session.
  bool has_acknowledged() const;

  // True if something has arrived since the positions were last made durable.
  bool has_undurable() const { return undurable_; }

  // Takes note that everything which has arrived is in a checkpoint.
  void make_durable();

  // Where the source of a session goes on, in its own form; empty if it has not said so.
  std::string_view mark(std::string_view producer, std::uint64_t session) const;

  // Keeps this for the session of a message that has just arrived; nothing if its producer could not be taken in.
  void set_mark(std::string_view producer, std::string_view mark);

  // Counts the rows of a message of a producer that has arrived.
  void count_rows(std::string_view producer, std::uint64_t accepted, std::uint64_t refused);

  // By name.
  std::vector<wire::ProducerStatus> status() const;
  std::vector<wire::SourcePosition> positions() const;

  std::vector<wire::ProducerState> state() const;
  void restore(const std::vector<wire::ProducerState>& producers);

  // Takes a new limit; producers that are known stay.
  void set_max_producers(std::size_t max_producers) { max_producers_ = max_producers; }

  // Sets the counts to 0 and keeps the positions, so that the next messages are no gap.
  void reset_counts();

 private:
  struct Session {
    std::uint64_t session = 0;
    std::uint64_t last_sequence = 0;
    boost::icl::interval_set<std::uint64_t> missing;
    std::uint64_t durable = 0;  // the position that is in a checkpoint
    bool acknowledged = false;
    std::string mark = {};
  };
  struct Producer {
    std::vector<Session> sessions;  // in the order in which they were last heard
    std::uint64_t messages = 0, rows_accepted = 0, rows_refused = 0, lost = 0, duplicate = 0, reordered = 0, restarts = 0;
  };

  static Session& session_of(Producer& producer, std::uint64_t session, Arrival& arrival);
  static void skip(Producer& producer, Session& session, std::uint64_t first, std::uint64_t next, Arrival& arrival);
  static void give_up_oldest_holes(Producer& producer, Session& session);
  static std::uint64_t missing(const Producer& producer);
  static std::uint64_t expected(const Session& session);
  const Session* find(std::string_view producer, std::uint64_t session) const;

  std::size_t max_producers_;
  bool undurable_ = false;
  std::map<std::string, Producer, std::less<>> producers_;
};

}  // namespace emulsion::service
