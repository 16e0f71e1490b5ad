#include "daemon/service_notifier.h"

#include <fmt/core.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace emulsion::service {
namespace {

Result<void> notify(const std::string& state) {
  const int outcome = sd_notify(0, state.c_str());
  if (outcome >= 0) return {};
  const char* socket = std::getenv("NOTIFY_SOCKET");
  return fail(fmt::format("NOTIFY_SOCKET \"{}\": cannot send {}: {}", socket ? socket : "",
                          state.substr(0, state.find('=')), std::generic_category().message(-outcome)));
}

std::uint64_t monotonic_microseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

}  // namespace

ServiceNotifier::ServiceNotifier(Clock now) : now_(std::move(now)) {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) > 0) interval_ = std::chrono::microseconds(microseconds / 2);
}

Result<void> ServiceNotifier::ready() { return notify("READY=1"); }

// Type=notify-reload, which newer systemds have, wants the time as well.
Result<void> ServiceNotifier::reloading() {
  return notify(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", monotonic_microseconds()));
}

Result<void> ServiceNotifier::stopping() { return notify("STOPPING=1"); }

Result<void> ServiceNotifier::status(std::string_view text) {
  // A line end would start an assignment of its own.
  std::string line(text);
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return notify("STATUS=" + line);
}

Result<void> ServiceNotifier::tick() {
  if (!interval_) return {};
  const auto now = now_();
  if (last_sign_ && now - *last_sign_ < *interval_) return {};
  auto sent = notify("WATCHDOG=1");
  if (sent) last_sign_ = now;
  return sent;
}

}  // namespace emulsion::service
