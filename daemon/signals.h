// The signals that the daemon answers, as something that can be polled.
#pragma once

#include <optional>

#include "emulsion/result.h"

namespace emulsion::service {

enum class Signal {
  terminate,  // SIGTERM
  interrupt,  // SIGINT
  hangup,     // SIGHUP
};

// Blocks SIGTERM, SIGINT and SIGHUP, and collects them; SIGPIPE is ignored, so that a broken connection is an error of
// a write. Create it in main before any thread starts: threads inherit what is blocked, and a thread that does not
// block a signal dies of it. They stay blocked after its end: a second SIGTERM while the daemon is ending does not take
// its exit status away.
class Signals {
 public:
  // Errors: no descriptor is left.
  static Result<Signals> create();

  ~Signals();
  Signals(Signals&& other) noexcept;
  Signals& operator=(Signals&& other) noexcept;

  // The next signal that has come, or nothing. Never blocks. Equal signals that have come together count once.
  std::optional<Signal> next();

  // Readable while there is a signal. Stays owned by this object.
  int fd() const { return fd_; }

 private:
  explicit Signals(int fd) : fd_(fd) {}

  int fd_;
};

}  // namespace emulsion::service
