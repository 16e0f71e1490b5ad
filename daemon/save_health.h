// Whether states reach the disk: what is known of the saves so far.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace emulsion::service {

class SaveHealth {
 public:
  // So many failures of a stream in a row, and the daemon is degraded. One or two may be a disk that is full for a moment.
  static constexpr std::uint64_t kFailuresToDegrade = 3;

  // After a save that has failed, the next attempt follows in so much time.
  static constexpr std::chrono::seconds kRetry{1};

  void succeeded(std::string_view stream) {
    ++saves_;
    forget(stream);
  }
  void failed(std::string_view stream, std::string reason) {
    ++failures_;
    Failing& failing = failing_[std::string(stream)];
    ++failing.in_a_row;
    failing.last = std::move(reason);
  }

  // There is nothing of a stream to be saved any more.
  void forget(std::string_view stream) {
    if (const auto found = failing_.find(stream); found != failing_.end()) failing_.erase(found);
  }

  std::uint64_t saves() const { return saves_; }        // that succeeded
  std::uint64_t failures() const { return failures_; }  // that did not

  // The last save of a stream has failed: it is worth trying again soon.
  bool failing() const { return !failing_.empty(); }

  // Of some stream, nothing that comes in now can be promised to last.
  bool degraded() const { return !failing_.empty() && worst().second.in_a_row >= kFailuresToDegrade; }

  // Why it is degraded, for people; empty if it is not.
  std::string reason() const {
    if (!degraded()) return {};
    const auto& [stream, failing] = worst();
    return std::to_string(failing.in_a_row) + " saves in a row have failed; the last: stream " + stream + ": " + failing.last;
  }

 private:
  struct Failing {
    std::uint64_t in_a_row = 0;
    std::string last;
  };

  const std::pair<const std::string, Failing>& worst() const {
    return *std::max_element(failing_.begin(), failing_.end(), [](const auto& a, const auto& b) { return a.second.in_a_row < b.second.in_a_row; });
  }

  std::uint64_t saves_ = 0;
  std::uint64_t failures_ = 0;
  std::map<std::string, Failing, std::less<>> failing_;  // streams whose last save has failed
};

}  // namespace emulsion::service
