#include "daemon/status_pages.h"

#include <fmt/core.h>

#include <optional>
#include <string>
#include <utility>

#include "daemon/metrics.h"

namespace emulsion::service {
namespace {

// For the pipeline to answer: it may be busy with one update or save.
constexpr std::chrono::milliseconds kLongestGathering(2000);

HttpReply unavailable(std::string reason) { return {503, std::move(reason) + "\n"}; }

// Why the daemon should be restarted; nothing if it is well.
std::optional<std::string> sickness(const std::optional<Health>& health, std::chrono::steady_clock::time_point now,
                                    std::chrono::milliseconds max_tick_age) {
  if (!health) return "the pipeline has not started";
  if (!health->live) return "the pipeline has stopped";
  const auto age = now - health->pipeline_tick;
  if (age > max_tick_age) {
    return fmt::format("the pipeline has not gone round for {:.1f} s", std::chrono::duration<double>(age).count());
  }
  return std::nullopt;
}

}  // namespace

HttpPages status_pages(StatusBoard& board, std::chrono::milliseconds max_tick_age, SteadyClock now) {
  HttpPages pages;
  pages["/metrics"] = [&board] {
    if (!board.health()) return unavailable("the pipeline has not started");
    board.ask();
    const auto status = board.wait(kLongestGathering);
    if (!status) return unavailable("the pipeline does not answer; see /healthz");
    return HttpReply{200, prometheus_text(*status), "text/plain; version=0.0.4; charset=utf-8"};
  };
  pages["/healthz"] = [&board, max_tick_age, now] {
    if (auto reason = sickness(board.health(), now(), max_tick_age)) return unavailable(std::move(*reason));
    return HttpReply{200, "ok\n"};
  };
  pages["/readyz"] = [&board, max_tick_age, now] {
    const auto health = board.health();
    if (auto reason = sickness(health, now(), max_tick_age)) return unavailable(std::move(*reason));
    if (!health->ready) return unavailable(health->not_ready_reason.empty() ? "not ready" : health->not_ready_reason);
    return HttpReply{200, "ready\n"};
  };
  return pages;
}

}  // namespace emulsion::service
