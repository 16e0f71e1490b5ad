// Ctrl-C as a question that a loop can ask, in place of sudden death.
#pragma once

#include <chrono>

namespace emulsion::client {

// While one lives, SIGINT and SIGTERM set a flag; the second one kills as usual. Blocking calls return with EINTR.
// One at a time.
class InterruptScope {
 public:
  InterruptScope();
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;
};

// True once a signal has come within the current scope.
bool interrupted();

// The same, and forgets it: for what is still to be done after Ctrl-C.
bool take_interrupt();

// Waits; returns false if a signal ended it early.
bool pause_until(std::chrono::steady_clock::time_point time);

}  // namespace emulsion::client
