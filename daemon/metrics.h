// The status of the daemon as Prometheus metrics.
#pragma once

#include <string>

#include "daemon/service_status.h"

namespace emulsion::service {

// Label value under which the streams of no configured name are summed up.
inline constexpr const char* kDynamicStreams = "_dynamic";

// The metrics in Prometheus' text format, version 0.0.4.
//
// A configured stream has its own series. All others share the series stream="_dynamic", so that the number of series
// does not depend on what is received; what cannot be added up (model version, mean log likelihood, effective sample
// size) is left out there, and the counters there may fall when one of these streams is reset. Counters of a stream
// start again at 0 when it is reset, and survive a restart of the daemon where its state is kept.
std::string prometheus_text(const ServiceStatus& status);

}  // namespace emulsion::service
