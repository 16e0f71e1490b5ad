// What the daemon says about itself: filled by the pipeline, read by metrics and health pages.
//
// Plain values at the border: the pipeline knows nothing of Prometheus or HTTP, and they know nothing of the pipeline.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "daemon/save_health.h"
#include "emulsion/wire/messages.h"

namespace emulsion::service {

// How often something took how long.
class DurationHistogram {
 public:
  // Upper bounds of the buckets in seconds, each included. One more bucket holds what is longer.
  static constexpr std::array<double, 16> kBounds{1e-5, 2.5e-5, 5e-5,   1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3,
                                                  5e-3, 1e-2,   2.5e-2, 5e-2, 0.1,    0.25, 0.5,  1};

  // Adds one duration, in seconds, >= 0.
  void observe(double seconds) {
    const auto bucket = std::lower_bound(kBounds.begin(), kBounds.end(), seconds) - kBounds.begin();
    ++counts_[static_cast<std::size_t>(bucket)];
    sum_ += seconds;
  }

  // Equals having observed both.
  void merge(const DurationHistogram& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    sum_ += other.sum_;
  }

  // Durations in each bucket alone; the last one is that of longer ones.
  const std::array<std::uint64_t, kBounds.size() + 1>& counts() const { return counts_; }
  double sum() const { return sum_; }

 private:
  std::array<std::uint64_t, kBounds.size() + 1> counts_{};
  double sum_ = 0;
};

// What is watched of a stream beyond wire::StreamStatus. Counts are since the daemon started.
struct StreamDetails {
  // Named in the configuration. Only such a stream has metrics under its own name: how many there are is then decided
  // by the owner of the daemon, never by whoever sends points.
  bool configured = false;

  DurationHistogram em_step_seconds;     // E-step, statistics and M-step of one mini-batch
  std::uint64_t components_starved = 0;  // now
  std::uint64_t models_published = 0;
  std::uint64_t labels_published = 0;
  std::uint64_t events_published = 0;
};

// How the daemon is. Cheap: told every time that the pipeline has gone round for a while.
struct Health {
  std::chrono::steady_clock::time_point pipeline_tick;  // when the pipeline last went round

  bool live = true;              // false: the daemon cannot go on and wants to be restarted
  bool ready = false;            // inputs and outputs are open, it is not draining, and states can be saved
  std::string not_ready_reason;  // in a few words, such as "restoring state"
};

// Everything that is counted. Costly with many streams: made when somebody asks, some streams at a time, so that streams
// may be told some milliseconds apart.
struct ServiceStatus {
  wire::StatusReply reply;  // as the control endpoint gives it
  std::map<std::string, StreamDetails>
      details;  // by the name of a stream in `reply`; absent: a stream of no configured name

  std::chrono::system_clock::time_point started;  // when the daemon started
  Health health;
  SaveHealth saves;
};

// Between the pipeline's thread, which tells, and one other, which asks.
//
// Thread-safe.
class StatusBoard {
 public:
  // For the pipeline: tells how it is; whether somebody waits for the status; and the status.
  void post(Health health) {
    const std::lock_guard lock(mutex_);
    health_ = std::move(health);
  }
  bool asked() const { return asked_.load(std::memory_order_relaxed); }
  void post(ServiceStatus status) {
    {
      const std::lock_guard lock(mutex_);
      status_ = std::move(status);
      asked_ = false;
    }
    answered_.notify_all();
  }

  // How the daemon is; nothing before the pipeline has said.
  std::optional<Health> health() const {
    const std::lock_guard lock(mutex_);
    return health_;
  }

  // Asks for the status. It comes when the pipeline goes round.
  void ask() {
    const std::lock_guard lock(mutex_);
    status_.reset();
    asked_ = true;
  }

  // What was asked for, once; nothing if it does not come in time.
  std::optional<ServiceStatus> wait(std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    answered_.wait_for(lock, timeout, [this] { return status_.has_value(); });
    return std::exchange(status_, std::nullopt);
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable answered_;
  std::optional<Health> health_;
  std::optional<ServiceStatus> status_;
  std::atomic<bool> asked_ = false;
};

}  // namespace emulsion::service
