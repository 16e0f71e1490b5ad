// Holds back what repeats too often, and counts it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace emulsion::service {

// Admits at most `limit` of one key in a window. A window opens with the first of its key and lasts `window`.
// Memory is bounded: keys beyond `max_keys` share one window.
// Not thread-safe: one thread owns one.
class RateLimiter {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  explicit RateLimiter(std::uint64_t limit = 5, std::chrono::milliseconds window = std::chrono::seconds(1),
                       Clock now = std::chrono::steady_clock::now, std::size_t max_keys = 1024);

  struct Verdict {
    bool admitted = false;
    std::uint64_t suppressed = 0;  // with an admitted one: how many of its key were held back since the last one
  };
  Verdict admit(std::string_view key);

  struct Suppressed {
    std::string key;  // kOtherKeys for those beyond max_keys
    std::uint64_t count = 0;
  };
  static constexpr const char* kOtherKeys = "(other)";

  // Forgets keys whose window is over; returns those of which something was held back and not yet told by a verdict.
  std::vector<Suppressed> expire();

 private:
  struct Window {
    std::chrono::steady_clock::time_point opened;
    std::uint64_t admitted = 0;
    std::uint64_t suppressed = 0;
  };

  std::uint64_t limit_;
  std::chrono::milliseconds length_;
  Clock now_;
  std::size_t max_keys_;
  std::map<std::string, Window, std::less<>> windows_;
};

}  // namespace emulsion::service
