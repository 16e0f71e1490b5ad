// The pages of the daemon's HTTP endpoint.
//   /metrics  Prometheus metrics, made when they are asked for; 503 if the pipeline does not answer in 2 s
//   /healthz  200 while the pipeline goes round; 503 with the reason when the daemon should be restarted
//   /readyz   200 while points are taken in; 503 with the reason otherwise
#pragma once

#include <chrono>
#include <functional>

#include "daemon/http_server.h"
#include "daemon/service_status.h"

namespace emulsion::service {

using SteadyClock = std::function<std::chrono::steady_clock::time_point()>;

// `board` must outlive the pages.
//   max_tick_age  a pipeline that has not gone round for so long is taken for stuck. Above the longest update and save
HttpPages status_pages(StatusBoard& board, std::chrono::milliseconds max_tick_age = std::chrono::seconds(10),
                       SteadyClock now = std::chrono::steady_clock::now);

}  // namespace emulsion::service
