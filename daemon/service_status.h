// What the daemon says about itself: filled by the pipeline, read by metrics and health pages.
//
// Plain values at the border: the pipeline knows nothing of Prometheus or HTTP, and they know nothing of the pipeline.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

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

// Everything at one moment.
struct ServiceStatus {
  wire::StatusReply reply;  // as the control endpoint gives it
  std::map<std::string, StreamDetails>
      details;  // by the name of a stream in `reply`; absent: a stream of no configured name

  std::chrono::system_clock::time_point started;        // when the daemon started
  std::chrono::steady_clock::time_point pipeline_tick;  // when the pipeline last went round

  bool live = true;              // false: the daemon cannot go on and wants to be restarted
  bool ready = false;            // inputs and outputs are open, and it is not draining
  std::string not_ready_reason;  // in a few words, such as "restoring state"
};

// Hands the last status from the pipeline's thread to others.
//
// Thread-safe. Before the first post there is none.
class StatusBoard {
 public:
  void post(ServiceStatus status) {
    auto next = std::make_shared<const ServiceStatus>(std::move(status));
    const std::lock_guard lock(mutex_);
    last_.swap(next);
  }

  // The last status; null before the first.
  std::shared_ptr<const ServiceStatus> last() const {
    const std::lock_guard lock(mutex_);
    return last_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const ServiceStatus> last_;
};

}  // namespace emulsion::service
