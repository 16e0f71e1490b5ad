// The daemon: everything put together, from options to exit code.
#pragma once

#include <functional>

#include "daemon/disk.h"
#include "daemon/options.h"

namespace emulsion::service {

// Exit codes, as in sysexits.h.
inline constexpr int kExitOk = 0;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitBadData = 65;        // a saved state is damaged or does not fit
inline constexpr int kExitUnavailable = 69;    // an endpoint cannot be opened
inline constexpr int kExitCannotSave = 74;     // the last state could not be written
inline constexpr int kExitConfiguration = 78;  // the configuration has faults

// Runs the daemon until a signal, a request or the end of its replays ends it.
//   reload  reads the options again, for SIGHUP
//   disk    where states are kept
// Returns the exit code.
int run_service(const LoadedOptions& loaded, const std::function<LoadedOptions()>& reload, Disk& disk);

}  // namespace emulsion::service
