// Whether states reach the disk: what is known of the saves so far.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

namespace emulsion::service {

class SaveHealth {
 public:
  // So many failures in a row, of whatever streams, and the daemon is degraded. One or two may be a disk that is full for a
  // moment.
  static constexpr std::uint64_t kFailuresToDegrade = 3;

  // After a save that has failed, the next attempt follows in so much time.
  static constexpr std::chrono::seconds kRetry{1};

  void succeeded() {
    ++saves_;
    in_a_row_ = 0;
    last_failure_.clear();
  }
  void failed(std::string reason) {
    ++failures_;
    ++in_a_row_;
    last_failure_ = std::move(reason);
  }

  std::uint64_t saves() const { return saves_; }        // that succeeded
  std::uint64_t failures() const { return failures_; }  // that did not

  // The last save has failed: it is worth trying again soon.
  bool failing() const { return in_a_row_ > 0; }

  // Nothing that comes in now can be promised to last.
  bool degraded() const { return in_a_row_ >= kFailuresToDegrade; }

  // Why it is degraded, for people; empty if it is not.
  std::string reason() const {
    if (!degraded()) return {};
    return std::to_string(in_a_row_) + " saves in a row have failed; the last: " + last_failure_;
  }

 private:
  std::uint64_t saves_ = 0;
  std::uint64_t failures_ = 0;
  std::uint64_t in_a_row_ = 0;
  std::string last_failure_;
};

}  // namespace emulsion::service
