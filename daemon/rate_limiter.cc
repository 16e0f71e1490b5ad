#include "daemon/rate_limiter.h"

#include <utility>

namespace emulsion::service {

RateLimiter::RateLimiter(std::uint64_t limit, std::chrono::milliseconds window, Clock now, std::size_t max_keys)
    : limit_(limit), length_(window), now_(std::move(now)), max_keys_(max_keys) {}

RateLimiter::Verdict RateLimiter::admit(std::string_view key) {
  const auto now = now_();
  auto found = windows_.find(key);
  if (found == windows_.end()) {
    const std::string_view owner = windows_.size() < max_keys_ ? key : std::string_view(kOtherKeys);
    found = windows_.try_emplace(std::string(owner), Window{now, 0, 0}).first;
  }
  Window& window = found->second;
  if (now - window.opened >= length_) {
    window.opened = now;
    window.admitted = 0;
  }
  if (window.admitted >= limit_) {
    ++window.suppressed;
    return {};
  }
  ++window.admitted;
  return {true, std::exchange(window.suppressed, 0)};
}

std::vector<RateLimiter::Suppressed> RateLimiter::expire() {
  const auto now = now_();
  std::vector<Suppressed> silent;
  for (auto at = windows_.begin(); at != windows_.end();) {
    const auto& [key, window] = *at;
    if (now - window.opened < length_) {
      ++at;
      continue;
    }
    if (window.suppressed > 0) silent.push_back({key, window.suppressed});
    at = windows_.erase(at);
  }
  return silent;
}

}  // namespace emulsion::service
