// emulsiond that kills itself right before call number FATAL_DISK_CALL to the disk of its states, or right before it gives frame
// number FATAL_ANSWER of its answers to ZeroMQ.
#include <dlfcn.h>
#include <signal.h>
#include <zmq.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>

#include "daemon/emulsiond.h"
#include "daemon/fatal_disk.h"
#include "daemon/posix_disk.h"

namespace {

std::uint64_t number_in(const char* variable) {
  const char* text = std::getenv(variable);
  return text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
}

bool answers(void* socket) {
  int type = 0;
  std::size_t size = sizeof type;
  return zmq_getsockopt(socket, ZMQ_TYPE, &type, &size) == 0 && type == ZMQ_ROUTER;
}

}  // namespace

// In the place of libzmq's.
extern "C" int zmq_send(void* socket, const void* bytes, std::size_t size, int flags) {
  static const std::uint64_t fatal = number_in("FATAL_ANSWER");
  static std::atomic<std::uint64_t> given = 0;
  if (answers(socket) && ++given == fatal) ::raise(SIGKILL);
  static const auto send = reinterpret_cast<decltype(&zmq_send)>(::dlsym(RTLD_NEXT, "zmq_send"));
  return send(socket, bytes, size, flags);
}

int main(int argc, char** argv) {
  emulsion::service::PosixDisk posix;
  emulsion::service::FatalDisk disk(posix, number_in("FATAL_DISK_CALL"));
  return emulsion::service::emulsiond(argc, argv, disk);
}
