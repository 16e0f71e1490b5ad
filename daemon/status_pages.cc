#include "daemon/status_pages.h"

#include <fmt/core.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "daemon/metrics.h"

namespace emulsion::service {
namespace {

HttpReply unavailable(std::string reason) { return {503, std::move(reason) + "\n"}; }

using Status = std::shared_ptr<const ServiceStatus>;

// Why the daemon should be restarted; nothing if it is well.
std::optional<std::string> sickness(const Status& status, std::chrono::steady_clock::time_point now,
                                    std::chrono::milliseconds max_tick_age) {
  if (!status) return "the pipeline has not started";
  if (!status->live) return "the pipeline has stopped";
  const auto age = now - status->pipeline_tick;
  if (age > max_tick_age) {
    return fmt::format("the pipeline has not gone round for {:.1f} s", std::chrono::duration<double>(age).count());
  }
  return std::nullopt;
}

}  // namespace

HttpPages status_pages(const StatusBoard& board, std::chrono::milliseconds max_tick_age, SteadyClock now) {
  HttpPages pages;
  pages["/metrics"] = [&board] {
    const Status status = board.last();
    if (!status) return unavailable("the pipeline has not started");
    return HttpReply{200, prometheus_text(*status), "text/plain; version=0.0.4; charset=utf-8"};
  };
  pages["/healthz"] = [&board, max_tick_age, now] {
    if (auto reason = sickness(board.last(), now(), max_tick_age)) return unavailable(std::move(*reason));
    return HttpReply{200, "ok\n"};
  };
  pages["/readyz"] = [&board, max_tick_age, now] {
    const Status status = board.last();
    if (auto reason = sickness(status, now(), max_tick_age)) return unavailable(std::move(*reason));
    if (!status->ready) return unavailable(status->not_ready_reason.empty() ? "not ready" : status->not_ready_reason);
    return HttpReply{200, "ready\n"};
  };
  return pages;
}

}  // namespace emulsion::service
