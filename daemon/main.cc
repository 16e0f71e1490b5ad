// emulsiond: points in, living clusters out.

#include "daemon/emulsiond.h"
#include "daemon/posix_disk.h"

int main(int argc, char** argv) {
  emulsion::service::PosixDisk disk;
  return emulsion::service::emulsiond(argc, argv, disk);
}
