#include "daemon/signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace emulsion::service {

Result<Signals> Signals::create() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  const int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) return fail(std::string("signals: cannot open a descriptor: ") + std::strerror(errno));
  pthread_sigmask(SIG_BLOCK, &set, nullptr);

  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, nullptr);
  return Signals(fd);
}

Signals::~Signals() {
  if (fd_ >= 0) close(fd_);
}

Signals::Signals(Signals&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Signals& Signals::operator=(Signals&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

std::optional<Signal> Signals::next() {
  signalfd_siginfo info{};
  if (read(fd_, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return std::nullopt;
  switch (info.ssi_signo) {
    case SIGTERM:
      return Signal::terminate;
    case SIGINT:
      return Signal::interrupt;
    case SIGHUP:
      return Signal::hangup;
    default:
      return std::nullopt;
  }
}

}  // namespace emulsion::service
