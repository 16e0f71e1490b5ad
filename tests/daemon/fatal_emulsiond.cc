// emulsiond that kills itself right before call number FATAL_DISK_CALL to the disk of its states.
#include <cstdlib>

#include "daemon/emulsiond.h"
#include "daemon/fatal_disk.h"
#include "daemon/posix_disk.h"

int main(int argc, char** argv) {
  const char* call = std::getenv("FATAL_DISK_CALL");
  emulsion::service::PosixDisk posix;
  emulsion::service::FatalDisk disk(posix, call == nullptr ? 0 : std::strtoull(call, nullptr, 10));
  return emulsion::service::emulsiond(argc, argv, disk);
}
