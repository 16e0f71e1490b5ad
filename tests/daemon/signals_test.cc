#include "daemon/signals.h"

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <set>
#include <utility>

namespace emulsion::service {
namespace {

bool readable(int fd) {
  pollfd watched{fd, POLLIN, 0};
  return poll(&watched, 1, 0) == 1;
}

TEST_CASE("each signal is collected instead of ending the process", "[signals]") {
  auto signals = Signals::create();
  REQUIRE(signals);
  CHECK_FALSE(signals->next());
  CHECK_FALSE(readable(signals->fd()));
  for (const auto& [number, expected] :
       {std::pair{SIGTERM, Signal::terminate}, {SIGINT, Signal::interrupt}, {SIGHUP, Signal::hangup}}) {
    REQUIRE(raise(number) == 0);
    CHECK(readable(signals->fd()));
    CHECK(signals->next() == expected);
    CHECK_FALSE(signals->next());
  }
}

TEST_CASE("a signal that is sent to the process is collected", "[signals]") {
  auto signals = Signals::create();
  REQUIRE(signals);
  REQUIRE(kill(getpid(), SIGHUP) == 0);
  CHECK(signals->next() == Signal::hangup);
}

TEST_CASE("different signals that have come together are all given", "[signals]") {
  auto signals = Signals::create();
  REQUIRE(signals);
  raise(SIGHUP);
  raise(SIGTERM);
  raise(SIGHUP);
  std::multiset<Signal> seen;
  while (const auto signal = signals->next()) seen.insert(*signal);
  CHECK(seen == std::multiset<Signal>{Signal::terminate, Signal::hangup});
}

TEST_CASE("a broken pipe is an error of the write, not the end of the process", "[signals]") {
  auto signals = Signals::create();
  REQUIRE(signals);
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  close(ends[0]);
  CHECK(write(ends[1], "x", 1) == -1);
  CHECK(errno == EPIPE);
  close(ends[1]);
}

TEST_CASE("signals can be moved", "[signals]") {
  auto created = Signals::create();
  REQUIRE(created);
  Signals moved = std::move(*created);
  Signals assigned = std::move(moved);
  raise(SIGINT);
  CHECK(assigned.next() == Signal::interrupt);
}

TEST_CASE("without a free descriptor there is an error that says so", "[signals]") {
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit none = before;
  none.rlim_cur = 0;
  REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
  const auto signals = Signals::create();
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
  REQUIRE_FALSE(signals);
  CHECK(signals.error().message == "signals: cannot open a descriptor: Too many open files");
}

}  // namespace
}  // namespace emulsion::service
