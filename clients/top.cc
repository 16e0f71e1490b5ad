#include "clients/top.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "clients/connection.h"
#include "clients/flags.h"
#include "clients/interrupt.h"
#include "clients/terminal.h"
#include "clients/top_frame.h"

namespace emulsion::client {
namespace {

constexpr const char* kTopHead = R"(examples:
  emulsion top                     q or Ctrl-C ends it
  emulsion top --interval 0.2
  emulsion top --once              one picture, for scripts and reports

usage: emulsion top [flags]

Shows the streams of a daemon, what they take in and lose, and the components of their models; "!" marks a starved one.
Where stdout is not a terminal, the pictures follow one another.
)";

struct TopOptions {
  Endpoints endpoints;
  double interval_seconds = 1;
  double timeout_seconds = 0;  // 0: until q
  std::uint64_t count = std::numeric_limits<std::uint64_t>::max();
};

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Attempt<TopSample> sample(ControlConnection& connection, const std::string& endpoint) {
  constexpr Milliseconds kAnswer{3000};
  auto status = connection.ask_for<wire::StatusReply>(wire::StatusRequest{}, kAnswer);
  if (!status) return tl::unexpected(std::move(status.error()));
  TopSample result;
  result.seconds = now_seconds();
  result.endpoint = endpoint;
  result.status = std::move(*status);
  for (const auto& stream : result.status.streams) {
    if (stream.model_version == 0) continue;
    auto reply = connection.ask_for<wire::GetModelReply>(wire::GetModelRequest{stream.stream}, kAnswer);
    if (reply) {
      result.models.emplace(stream.stream, std::move(reply->model));
    } else if (!reply.error().answered) {  // a stream that was reset in between has no model, and that is no fault
      return tl::unexpected(std::move(reply.error()));
    }
  }
  return result;
}

void print(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) std::fputs((line + "\n").c_str(), stdout);
  std::fflush(stdout);
}

// Waits for the next picture; false if the user wants no more.
bool wait(TerminalScreen* screen, Deadline next) {
  using Clock = std::chrono::steady_clock;
  if (screen == nullptr) return pause_until(next);
  while (!interrupted()) {
    const auto left = std::chrono::ceil<Milliseconds>(next - Clock::now());
    if (left <= Milliseconds(0)) return true;
    const char key = screen->wait_for_key(std::min(left, Milliseconds(100)));
    if (key == 'q' || key == 'Q') return false;
  }
  return false;
}

int follow(const TopOptions& options) {
  auto connection = ControlConnection::open(options.endpoints.control);
  if (!connection) return complain("top", connection.error().exit_code, connection.error().message);
  const InterruptScope scope;
  auto first = sample(*connection, options.endpoints.control);
  if (!first) return complain("top", first.error().exit_code, first.error().message);

  const bool live = isatty(STDOUT_FILENO) != 0 && options.count > 1;
  const auto screen = live ? std::make_unique<TerminalScreen>() : nullptr;
  const double end =
      options.timeout_seconds > 0 ? now_seconds() + options.timeout_seconds : std::numeric_limits<double>::infinity();
  TopSample current = std::move(*first);
  std::optional<TopSample> before;
  for (std::uint64_t shown = 0;;) {
    auto lines = top_frame(current, before ? &*before : nullptr, terminal_size(STDOUT_FILENO));
    if (live) {
      screen->draw(lines);
    } else {
      if (shown > 0) lines.insert(lines.begin(), "");
      print(lines);
    }
    if (++shown >= options.count) return exit_code::kOk;
    const auto interval = Milliseconds(static_cast<std::int64_t>(options.interval_seconds * 1000));
    if (!wait(screen.get(), from_now(interval)) || now_seconds() >= end) return exit_code::kOk;

    auto next = sample(*connection, options.endpoints.control);
    if (next) {
      before = std::exchange(current, std::move(*next));
    } else if (interrupted()) {
      return exit_code::kOk;
    } else {
      current.fault = next.error().message;  // what was known stays on the screen
    }
  }
}

}  // namespace

int top(const std::vector<std::string>& arguments) {
  TopOptions options;
  std::uint64_t count = 0;
  bool once = false;
  Flags flags("top", kTopHead);
  flags.toggle("once", &once, "one picture, the same as --count 1");
  flags.number("interval", &options.interval_seconds, 0.05, 3600, "SECONDS", "between two pictures");
  flags.whole("count", &count, 1, std::numeric_limits<std::uint64_t>::max(), "N", "end after N pictures");
  flags.number("timeout", &options.timeout_seconds, 0.001, 1e8, "SECONDS", "end after this time");
  flags.endpoint("control", &options.endpoints.control, "EMULSION_CLIENT_CONTROL", "where the daemon answers");
  if (const auto over = flags.parse(arguments)) return *over;
  if (flags.given("count")) options.count = count;
  if (once) options.count = 1;
  return follow(options);
}

}  // namespace emulsion::client
