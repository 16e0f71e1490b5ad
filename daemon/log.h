// What the daemon tells people: one line a record, to stderr.
//
//   log::info("stream {}: seeded with {} points", name, points);
//
// Text:  2025-01-02T03:04:05.678Z info    stream radar: seeded with 200 points
// JSON:  {"time":"2025-01-02T03:04:05.678Z","level":"info","message":"stream radar: seeded with 200 points"}
// A record is one line whatever it says: control characters are escaped in both. Text from outside goes through
// wire::printable first, which also bounds its length.
// Thread-safe, and may be configured again at any time.
#pragma once

#include <fmt/core.h>

#include <functional>
#include <string_view>
#include <utility>

#include "daemon/options.h"
#include "daemon/rate_limiter.h"
#include "emulsion/result.h"

namespace emulsion::service::log {

enum class Level { trace, debug, info, warning, error };

// Applies level and format. Before the first call: level info, format text.
// Errors: a level or a format that there is not; what was in force stays.
Result<void> configure(const LogOptions& options);

// Where lines go, each with its end; for tests. Nothing: to stderr.
using Writer = std::function<void(std::string_view line)>;
void write_to(Writer writer);

bool enabled(Level level);
void write(Level level, std::string_view message);

template <typename... Args>
void record(Level level, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(level)) write(level, fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
void trace(fmt::format_string<Args...> format, Args&&... args) {
  record(Level::trace, format, std::forward<Args>(args)...);
}

template <typename... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  record(Level::debug, format, std::forward<Args>(args)...);
}

template <typename... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  record(Level::info, format, std::forward<Args>(args)...);
}

template <typename... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  record(Level::warning, format, std::forward<Args>(args)...);
}

template <typename... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  record(Level::error, format, std::forward<Args>(args)...);
}

// A warning that may come often: at most as many of one key as `limiter` lets through, the next one of that key says
// how many were suppressed. Keys are fixed words or names of streams, such as "radar/bad_dimension".
template <typename... Args>
void warning_limited(RateLimiter& limiter, std::string_view key, fmt::format_string<Args...> format, Args&&... args) {
  const auto verdict = limiter.admit(key);
  if (!verdict.admitted) return;
  if (verdict.suppressed == 0) return warning(format, std::forward<Args>(args)...);
  warning("{} (suppressed {} similar)", fmt::format(format, std::forward<Args>(args)...), verdict.suppressed);
}

// Says how many were suppressed of keys that have fallen silent since. To be called now and then.
void report_suppressed(RateLimiter& limiter);

}  // namespace emulsion::service::log
