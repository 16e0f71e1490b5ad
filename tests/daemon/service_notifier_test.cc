#include "daemon/service_notifier.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>

#include "daemon/temporary_directory.h"

namespace emulsion::service {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using namespace std::chrono_literals;

// What systemd would be: a datagram socket in a directory of its own, named in the environment.
class Systemd {
 public:
  explicit Systemd(const char* watchdog_usec = nullptr) {
    fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    setenv("NOTIFY_SOCKET", path_.c_str(), 1);
    if (watchdog_usec) setenv("WATCHDOG_USEC", watchdog_usec, 1);
  }
  ~Systemd() {
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    hang_up();
  }

  void hang_up() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

  // The next message; empty if there is none. On one machine a datagram is there when its sender returns.
  std::string next() {
    char text[4096];
    const auto size = recv(fd_, text, sizeof text, 0);
    return size < 0 ? std::string() : std::string(text, static_cast<std::size_t>(size));
  }

 private:
  TemporaryDirectory directory_;
  std::string path_ = directory_.file("socket");
  int fd_ = -1;
};

TEST_CASE("systemd is told of each step in the daemon's life", "[service_notifier]") {
  Systemd systemd;
  ServiceNotifier notifier;
  CHECK(notifier.ready());
  CHECK(systemd.next() == "READY=1");
  CHECK(notifier.reloading());
  CHECK_THAT(systemd.next(), StartsWith("RELOADING=1\nMONOTONIC_USEC="));
  CHECK(notifier.stopping());
  CHECK(systemd.next() == "STOPPING=1");
  CHECK(notifier.status("3 streams"));
  CHECK(systemd.next() == "STATUS=3 streams");
}

TEST_CASE("the text of a status cannot become another message", "[service_notifier]") {
  Systemd systemd;
  ServiceNotifier notifier;
  CHECK(notifier.status("radar\nSTOPPING=1"));
  CHECK(systemd.next() == "STATUS=radar STOPPING=1");
}

TEST_CASE("the watchdog gets a sign of life at half of the time that it allows", "[service_notifier]") {
  Systemd systemd("30000000");
  std::chrono::steady_clock::time_point now{100s};
  ServiceNotifier notifier([&] { return now; });
  CHECK(notifier.watchdog_interval() == 15s);
  CHECK(notifier.tick());
  CHECK(systemd.next() == "WATCHDOG=1");
  now += 14999ms;
  CHECK(notifier.tick());
  CHECK(systemd.next() == "");
  now += 1ms;
  CHECK(notifier.tick());
  CHECK(systemd.next() == "WATCHDOG=1");
  CHECK(notifier.tick());
  CHECK(systemd.next() == "");
}

TEST_CASE("without a watchdog there are no signs of life", "[service_notifier]") {
  Systemd systemd;
  ServiceNotifier notifier;
  CHECK_FALSE(notifier.watchdog_interval());
  CHECK(notifier.tick());
  CHECK(systemd.next() == "");
}

TEST_CASE("a watchdog that is meant for another process is left alone", "[service_notifier]") {
  Systemd systemd("30000000");
  setenv("WATCHDOG_PID", "1", 1);
  ServiceNotifier notifier;
  unsetenv("WATCHDOG_PID");
  CHECK_FALSE(notifier.watchdog_interval());
}

TEST_CASE("outside systemd nothing is told and nothing fails", "[service_notifier]") {
  unsetenv("NOTIFY_SOCKET");
  ServiceNotifier notifier;
  CHECK(notifier.ready());
  CHECK(notifier.reloading());
  CHECK(notifier.stopping());
  CHECK(notifier.status("x"));
  CHECK(notifier.tick());
}

TEST_CASE("a socket that does not answer is an error that names it", "[service_notifier]") {
  Systemd systemd("30000000");
  ServiceNotifier notifier;
  systemd.hang_up();
  const auto sent = notifier.ready();
  REQUIRE_FALSE(sent);
  CHECK_THAT(sent.error().message,
             StartsWith("NOTIFY_SOCKET \"/") && Contains("/socket\": cannot send READY: Connection refused"));
  CHECK_FALSE(notifier.reloading());
  CHECK_FALSE(notifier.stopping());
  CHECK_FALSE(notifier.status("x"));
  CHECK_FALSE(notifier.tick());
}

}  // namespace
}  // namespace emulsion::service
