// Points on their way to a daemon: cut into messages, paced, and accounted for. `send` and `simulate` share it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "clients/connection.h"
#include "clients/failure.h"
#include "clients/flags.h"
#include "emulsion/points.h"
#include "emulsion/wire/messages.h"

namespace emulsion::client {

struct FeedOptions {
  Endpoints endpoints;
  SenderKind socket = SenderKind::push;
  bool bind = false;  // the daemon connects to us
  bool acknowledged = false;  // until every message is durable; messages of the session that are durable already are not sent

  std::string stream = "default";
  std::string producer = "send";
  std::uint64_t session = 0;         // 0: drawn at random
  std::uint64_t first_sequence = 0;  // of the first message; > 0 continues an earlier feed of the same session
  std::uint64_t batch_rows = 256;    // rows of one message
  double points_per_second = 0;      // 0: as fast as the daemon takes them
  bool single_precision = false;     // values travel as 4-byte floats
  bool end_of_stream = true;         // mark the last message, so that a stream which still warms up starts

  bool confirm = true;          // ask the daemon at the end what it did with the rows
  double timeout_seconds = 30;  // longest wait without any progress

  // Called with the reason when an acknowledged input begins to say that it can acknowledge nothing now. May be empty.
  std::function<void(const std::string&)> on_fault = {};
};

// The flags of these options, as text until `finish_feed_flags`.
struct FeedFlags {
  std::string socket = "push";
  bool bind = false;
  bool no_end = false;
  bool no_confirm = false;
};

// Adds --acknowledged --acknowledged-input --input --control --socket --bind --stream --producer --session --first-sequence --batch --rate --float32
// --no-end
// --no-confirm --timeout. Both must outlive `flags`.
void add_feed_flags(Flags& flags, FeedOptions& options, FeedFlags& given);

// Completes the options after Flags::parse. Errors: kUsage, such as a name that is not one.
Attempt<void> finish_feed_flags(const FeedFlags& given, FeedOptions& options);

// What has become of a feed.
struct FeedReport {
  std::string stream;
  std::string producer;
  std::uint64_t session = 0;
  std::uint64_t next_sequence = 0;  // a later feed continues with --session and this --first-sequence
  std::uint64_t rows = 0;
  std::uint64_t messages = 0;
  bool acknowledged = false;
  std::uint64_t durable_before = 0;  // messages of the session that were durable before this feed, and were not sent
  std::uint64_t durable = 0;         // messages of the session that are durable
  std::uint64_t sent_again = 0;      // of those, as they were lost on the way or with the daemon
  std::uint64_t restarts = 0;        // of the daemon
  bool confirmed = false;  // false: nothing is known beyond what was handed over
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;
  std::uint64_t repeated = 0;               // rows of messages that had been received before
  std::vector<wire::RefusalCount> reasons;  // of the stream and the daemon, grown since the feed began
  std::uint32_t dimension = 0;              // of the stream; 0 while nothing is known of it
};

// What the daemon's status says about one feed.
//   before, after   the daemon's status before the first message and now
//   sent            what the feed has sent; its answers are not read
// Returns `sent` with accepted, refused, repeated and reasons; `confirmed` once every message is accounted for.
FeedReport account(const wire::StatusReply& before, const wire::StatusReply& after, FeedReport sent);

// The same for a feed that makes no more progress. Where the daemon refuses messages before it knows whose they are,
// its count of those stands in for ours.
FeedReport account_stalled(const wire::StatusReply& before, const wire::StatusReply& after, FeedReport sent);

// `sent 8143 rows in 32 messages to "occupancy": 8140 accepted, 3 refused (row not_finite 3)`
std::string closing_line(const FeedReport& report);

// The same as one JSON object on a line; `skipped` rows were bad data and not sent.
std::string closing_json(const FeedReport& report, std::uint64_t skipped);

// 0 if every row was accepted or nothing is known, 65 otherwise.
int exit_code_of(const FeedReport& report);

// One session of one producer. Not thread-safe.
//
//   auto feed = Feed::open(options);
//   feed->push(batch); ...
//   auto report = feed->finish();
//
// Call order: open (push|flush)* finish      finish may follow Ctrl-C, to learn what has arrived: it then waits 2 s at
// most
class Feed {
 public:
  // Asks the daemon for its status, unless told not to confirm, and waits until somebody takes the points.
  // Errors: kUsage, kUnavailable.
  static Attempt<Feed> open(const FeedOptions& options);
  ~Feed();
  Feed(Feed&&) noexcept;
  Feed& operator=(Feed&&) noexcept;

  // Takes any number of points. Messages are cut at `batch_rows`, whatever the sizes here; the last one is held back
  // until it is known whether it is the last of all. Waits for the daemon, and for --rate. Ends early when interrupted.
  // Errors: kUnavailable.
  Attempt<void> push(const PointBatch& batch);

  // Sends what is held back, for slow sources. If nothing follows, an empty last message carries the end mark.
  Attempt<void> flush();

  // Sends the last message and waits until the daemon has accounted for every row, as long as it makes progress.
  //   complete  false: there should have been more rows, so the stream is not told that these were all
  // Errors: kUnavailable.
  Attempt<FeedReport> finish(bool complete = true);

  // What has been sent so far.
  const FeedReport& sent() const;

  // Called after every message.
  void on_progress(std::function<void(const FeedReport&)> callback);

 private:
  struct State;
  explicit Feed(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace emulsion::client
