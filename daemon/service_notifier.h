// Tells systemd how the daemon is, where systemd asks for it (Type=notify, WatchdogSec=).
//
// Call order: (status | tick)* ready (status | tick | reloading ready)* stopping (status | tick)*
// Without NOTIFY_SOCKET in the environment every call does nothing and succeeds.
// Errors: the socket of that name does not take the message; it and the reason are named. The daemon can go on.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "emulsion/result.h"

namespace emulsion::service {

class ServiceNotifier {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  // Reads WATCHDOG_USEC and WATCHDOG_PID.
  explicit ServiceNotifier(Clock now = std::chrono::steady_clock::now);

  Result<void> ready();
  Result<void> reloading();
  Result<void> stopping();

  // One line for `systemctl status`.
  Result<void> status(std::string_view text);

  // To be called in every round of the thread whose health counts. Sends a sign of life when half of the time that the
  // watchdog allows has passed since the last one.
  Result<void> tick();

  // Half of the time that the watchdog allows; nothing if there is no watchdog.
  std::optional<std::chrono::microseconds> watchdog_interval() const { return interval_; }

 private:
  Clock now_;
  std::optional<std::chrono::microseconds> interval_;
  std::optional<std::chrono::steady_clock::time_point> last_sign_;
};

}  // namespace emulsion::service
