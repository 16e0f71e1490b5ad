// The program `emulsiond`, but for the disk that it keeps states on.
#pragma once

#include "daemon/disk.h"

namespace emulsion::service {

// Returns the exit code.
int emulsiond(int argc, char** argv, Disk& disk);

}  // namespace emulsion::service
