// Who waits to hear that a message is durable, and when the streams of these messages are to be committed.
//
// A commit is a checkpoint of one stream, and then an answer to everybody whose messages it covers: many messages share
// one (group commit). Nothing is acknowledged before. Every answer says what is true when it is sent, so that one which
// is lost, or sent twice, does no harm.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/stream_registry.h"
#include "daemon/transport.h"
#include "emulsion/wire/convert.h"

namespace emulsion::service {

struct AcknowledgementOptions {
  // Longest time from a message to the commit that covers it, but for what the disk takes.
  std::chrono::steady_clock::duration interval{std::chrono::milliseconds(10)};

  // Messages of a session that may be under way beyond what is durable.
  std::uint32_t credit = 1024;
};

// Call order: (note | answer | next_due (committed|failed))*
// One thread owns it.
class Acknowledgements {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // daemon_session: drawn at random when the daemon starts.
  Acknowledgements(const AcknowledgementOptions& options, std::uint64_t daemon_session)
      : options_(options), daemon_session_(daemon_session) {}

  // Somebody whose message has been handled, and is to hear how far its session has come.
  struct Whom {
    FrameSource* source = nullptr;
    std::string peer;
    std::string producer;
    std::uint64_t session = 0;
    bool out_of_order = false;  // it was dropped, as it was not its turn
    std::string fault = {};     // it was refused, and will be again
  };

  // Takes note of a message; the stream is then due after the interval.
  void note(StreamEntry& entry, Whom whom, Time now);

  // Answers at once: a question, or a message that no stream can take.
  //   entry  null: there is no such stream
  void answer(std::string_view stream, const StreamEntry* entry, const Whom& whom, std::uint64_t question);

  // A stream that is to be committed now, or nothing. It is due no longer.
  StreamEntry* next_due(Time now);

  // When the next stream is due.
  std::optional<Time> due() const;

  // A stream is in a checkpoint: tells everybody. The next commit leaves others as much time as this one took.
  void committed(StreamEntry& entry, Time begun, Time now);

  // It is not: tells everybody, and that they have to ask again.
  void failed(StreamEntry& entry, const std::string& fault, Time now);

  // The same at the end of the daemon, for all streams that wait.
  std::vector<StreamEntry*> waiting() const;

  std::uint32_t credit() const { return options_.credit; }
  void set_interval(std::chrono::steady_clock::duration interval) { options_.interval = interval; }

 private:
  struct Waiting {
    std::optional<Time> due;
    Time not_before = Time::min();
    std::vector<Whom> whom;
  };

  void wait_until(StreamEntry& entry, Waiting& waiting, Time due);
  void tell(StreamEntry& entry, Waiting& waiting, const std::string& fault);

  AcknowledgementOptions options_;
  std::uint64_t daemon_session_;
  std::map<StreamEntry*, Waiting> streams_;  // every one that has ever waited
  std::multimap<Time, StreamEntry*> queue_;
  wire::Codec codec_;
};

}  // namespace emulsion::service
