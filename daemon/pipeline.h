// The life of a frame: received, decoded, learned, labelled, published.
//
// Holds references to everything that it moves bytes between, and one step() that a loop calls. It reads no clock of
// its own, and blocks only while it saves, so that a test can drive it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/control.h"
#include "daemon/options.h"
#include "daemon/publisher.h"
#include "daemon/rate_limiter.h"
#include "daemon/service_status.h"
#include "daemon/stream_registry.h"
#include "daemon/transport.h"
#include "emulsion/wire/convert.h"

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
  };
  Pipeline(Parts parts, double save_interval_seconds);

  // Moves some frames of every source, answers requests, and does what is due: publishes models, saves states, posts the
  // status. Returns true if there may be more to do at once.
  bool step();

  // Reads what has been received, and nothing new; learns what waits where no state is kept; publishes the last models and
  // saves. Returns false if a state could not be saved.
  bool drain();

  // True once somebody has asked for the end.
  bool shutdown_requested() const { return desk_.shutdown_requested(); }
  bool sources_exhausted() const;

  // Takes a new interval between two saves.
  void set_save_interval(double seconds) { save_interval_ = seconds_to_duration(seconds); }
  void set_ready(bool ready, std::string reason);

 private:
  using Time = std::chrono::steady_clock::time_point;

  static std::chrono::steady_clock::duration seconds_to_duration(double seconds);
  bool receive_from(FrameSource& source);
  Outcome handle(const Frame& frame);
  void refuse(const std::string& reason, const std::string& text);
  bool answer_requests();
  void publish_model(StreamEntry& entry, bool at_once);
  bool save_states();
  void post_status();

  std::vector<FrameSource*> sources_;
  ControlChannel& control_;
  StreamRegistry& streams_;
  StatusBoard& board_;
  Clock now_;
  Time started_;
  std::chrono::system_clock::time_point started_at_;
  std::chrono::steady_clock::duration save_interval_;
  Time last_save_;
  Time last_post_;
  DaemonCounts counts_;
  Publisher publisher_;
  Control desk_;
  wire::Codec codec_;
  RateLimiter warnings_;
  bool ready_ = false;
  std::string not_ready_reason_ = "starting";
};

}  // namespace emulsion::service
