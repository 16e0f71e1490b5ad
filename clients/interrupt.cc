#include "clients/interrupt.h"

#include <signal.h>

#include <algorithm>
#include <thread>

namespace emulsion::client {
namespace {

volatile sig_atomic_t signal_came = 0;
struct sigaction previous_int;
struct sigaction previous_term;

void note_signal(int) { signal_came = 1; }

}  // namespace

InterruptScope::InterruptScope() {
  signal_came = 0;
  struct sigaction action {};
  action.sa_handler = note_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // the user who presses Ctrl-C twice means it
  sigaction(SIGINT, &action, &previous_int);
  sigaction(SIGTERM, &action, &previous_term);
}

InterruptScope::~InterruptScope() {
  sigaction(SIGINT, &previous_int, nullptr);
  sigaction(SIGTERM, &previous_term, nullptr);
}

bool interrupted() { return signal_came != 0; }

bool take_interrupt() {
  const bool came = interrupted();
  signal_came = 0;
  return came;
}

bool pause_until(std::chrono::steady_clock::time_point time) {
  using Clock = std::chrono::steady_clock;
  // In slices, because a signal may come between the question and the sleep.
  constexpr Clock::duration kSlice = std::chrono::milliseconds(100);
  while (!interrupted()) {
    const auto left = time - Clock::now();
    if (left <= Clock::duration::zero()) return true;
    std::this_thread::sleep_for(std::min(left, kSlice));
  }
  return false;
}

}  // namespace emulsion::client
