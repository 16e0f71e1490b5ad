#include "clients/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "clients/table.h"
#include "clients/terminal.h"

namespace emulsion::client {

std::string progress_line(std::uint64_t rows, std::optional<std::uint64_t> total, double seconds, std::size_t width) {
  const std::string rate = seconds > 0 ? short_count(static_cast<double>(rows) / seconds) + " rows/s" : "";
  if (!total || *total == 0) return fit(fmt::format("{} rows  {}", rows, rate), width);

  constexpr std::size_t kBar = 20;
  const double share = std::min(1.0, static_cast<double>(rows) / static_cast<double>(*total));
  const auto full = static_cast<std::size_t>(share * kBar);
  const std::string bar = std::string(full, '#') + std::string(kBar - full, ' ');
  return fit(fmt::format("{} of {} rows  [{}] {:3.0f} %  {}", rows, *total, bar, 100 * share, rate), width);
}

Progress::Progress(std::optional<std::uint64_t> total) : terminal_(isatty(STDERR_FILENO) != 0), total_(total) {}

Progress::~Progress() { clear(); }

void Progress::show(std::uint64_t rows) {
  const auto now = Clock::now();
  if (!terminal_ || now < next_) return;
  next_ = now + std::chrono::milliseconds(100);
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const std::string line = progress_line(rows, total_, seconds, terminal_size(STDERR_FILENO).columns - 1);
  std::fputs(("\r" + line + "\x1b[K").c_str(), stderr);
  std::fflush(stderr);
  drawn_ = true;
}

void Progress::clear() {
  if (drawn_) std::fputs("\r\x1b[K", stderr);
  drawn_ = false;
}

}  // namespace emulsion::client
