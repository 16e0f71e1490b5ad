// The life of a frame: received, decoded, learned, labelled, published.
//
// Frames that have come already are received some at a time. Those of different streams are learned at the same time if there
// are threads for it, and what all of them give is published together, in the order in which they were received: whoever sends
// it on is woken once. What has been ready for a while is published before the next frame is learned; a frame that comes alone, before
// the next is received.
//
// Holds references to everything that it moves bytes between, and one step() that a loop calls. It reads no clock of
// its own, and blocks only while it saves, so that a test can drive it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "daemon/acknowledgements.h"
#include "daemon/control.h"
#include "daemon/options.h"
#include "daemon/publisher.h"
#include "daemon/rate_limiter.h"
#include "daemon/reused_list.h"
#include "daemon/service_status.h"
#include "daemon/stream_registry.h"
#include "daemon/transport.h"
#include "emulsion/wire/convert.h"
#include "emulsion/workers.h"

namespace emulsion::service {

// Call order: step* drain
// One thread owns it.
class Pipeline {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  struct Parts {
    std::vector<FrameSource*> sources;
    FrameSink& sink;
    ControlChannel& control;
    StreamRegistry& streams;
    StatusBoard& board;
    Clock now;
    std::uint64_t daemon_session = 0;
    int threads = 1;  // that learn; what is published does not depend on it
    AcknowledgementOptions acknowledgements = {};
  };
  Pipeline(Parts parts, double save_interval_seconds);

  // Moves some frames of every source, answers requests, and does what is due: publishes models, saves states, posts how
  // the daemon is. What is due for many streams is done for some of them in a step: no step takes longer because there are
  // more streams. Returns true if there may be more to do at once.
  bool step();

  // Reads what has been received, and nothing new; learns what waits where no state is kept; publishes the last models and
  // saves. Returns false if a state could not be saved.
  bool drain();

  // True while states cannot be saved: what comes in is learned and labelled, but nothing of it can be promised to last.
  bool degraded() const { return streams_.saves().degraded(); }

  // True once somebody has asked for the end.
  bool shutdown_requested() const { return desk_.shutdown_requested(); }
  bool sources_exhausted() const;

  // Takes a new interval between two saves.
  void set_save_interval(double seconds) { save_interval_ = seconds_to_duration(seconds); }
  // Takes a new interval between a message of an acknowledged input and its commit.
  void set_commit_interval(double seconds) { acknowledgements_.set_interval(seconds_to_duration(seconds)); }

  // When something is due that no message brings about; nothing if there is no such thing.
  std::optional<std::chrono::steady_clock::time_point> due() const { return acknowledgements_.due(); }

  void set_ready(bool ready, std::string reason);

  // Lets new intervals between the models of streams count for those that wait already.
  void reschedule_models();

 private:
  using Time = std::chrono::steady_clock::time_point;

  // A frame on its way.
  struct Job {
    FrameView frame;
    StreamEntry* entry = nullptr;  // null: it belongs to no stream
    Outcome outcome = Outcome::refused;
    StreamOutput output;
    std::optional<wire::ModelMessage> model;  // to be published behind the output

    // Of an acknowledged input: whose it is, once that is known, and why it could not be taken at all.
    std::string producer;
    std::uint64_t session = 0;
    std::string fault;
    std::optional<wire::HelloMessage> hello;
  };

  static std::chrono::steady_clock::duration seconds_to_duration(double seconds);
  bool receive_from(FrameSource& source);
  std::size_t bytes_per_run() const;
  std::size_t receive_run(FrameSource& source, std::size_t most);
  void handle(std::span<Job> run, FrameSource& source);
  void work_in_turn(std::span<Job> run, FrameSource& source);
  StreamEntry* address(Job& job, FrameSource& source);
  StreamEntry* greet(Job& job, const wire::Topic& topic);
  Time work(Job& job, bool acknowledged, wire::Codec& codec) const;
  void take(Job& job, bool acknowledged, wire::Codec& codec, const Result<wire::PointsMessageView>& message) const;
  void finish(std::span<Job> jobs, FrameSource& source);
  void finish(Job& job);
  void acknowledge(Job& job, FrameSource& source);
  StreamEntry* refuse(const std::string& reason, const std::string& text);
  bool answer_requests();

  void publish(StreamEntry& entry, StreamOutput& output);
  static Time due(const StreamEntry& entry);
  static wire::ModelMessage take_model(StreamEntry& entry, Time now);
  std::optional<wire::ModelMessage> take_due_model(StreamEntry& entry, Time now) const;
  void publish_or_wait(StreamEntry& entry, std::optional<wire::ModelMessage> model);
  void enqueue(StreamEntry& entry, Time when);
  bool publish_due_models(Time now);
  bool answer_subscribers(Time now);
  void look_for_owed();

  bool commit_due_streams(Time now);
  void commit(StreamEntry& entry);
  bool save_due_states(Time now);
  bool save(StreamEntry& entry);
  bool save_all();

  void post_health(Time now);
  Health health(Time now) const;
  bool gather_status();

  std::vector<FrameSource*> sources_;
  FrameSink& sink_;
  ControlChannel& control_;
  StreamRegistry& streams_;
  StatusBoard& board_;
  Clock now_;
  Time started_;
  std::chrono::system_clock::time_point started_at_;
  std::chrono::steady_clock::duration save_interval_;
  Time last_save_;
  std::size_t saves_left_ = 0;  // of the round of saves under way
  Time last_post_;

  // Streams whose model is to be published, by when.
  struct Due {
    Time when;
    StreamEntry* entry;
    bool operator>(const Due& other) const { return when > other.when; }
  };
  std::priority_queue<Due, std::vector<Due>, std::greater<>> models_due_;

  // Prefixes that somebody has subscribed to; the one that is being answered, and the next stream to look at; and streams
  // whose model is owed.
  std::set<std::string> subscriptions_;
  std::optional<std::string> answered_;
  std::map<std::string, StreamEntry>::iterator next_to_owe_;
  std::queue<StreamEntry*> owed_;

  // The status that somebody has asked for, with the streams up to, not including, the next one.
  std::optional<ServiceStatus> status_;
  std::map<std::string, StreamEntry>::const_iterator next_in_status_;

  DaemonCounts counts_;
  Publisher publisher_;
  Acknowledgements acknowledgements_;
  Control desk_;

  // Frames that are handled together, the streams that they are of, and a codec for each of these; all of them reused.
  Workers workers_;
  std::vector<Job> jobs_;
  ReusedList<std::vector<Job*>> by_stream_;
  std::vector<wire::Codec> codecs_;

  RateLimiter warnings_;
  bool ready_ = false;
  std::string not_ready_reason_ = "starting";
};

}  // namespace emulsion::service
