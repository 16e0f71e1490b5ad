// How far a long command has come, on one line of stderr that is written over; nothing where stderr is not a terminal.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace emulsion::client {

// `5120 of 8143 rows  [############        ]  63 %  51.2 k rows/s`, and without the bar where the total is unknown.
// At most `width` characters.
std::string progress_line(std::uint64_t rows, std::optional<std::uint64_t> total, double seconds, std::size_t width);

class Progress {
 public:
  // `total` rows, if that is known.
  explicit Progress(std::optional<std::uint64_t> total = std::nullopt);
  ~Progress();  // clears the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Draws at most ten times a second.
  void show(std::uint64_t rows);
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  bool terminal_;
  bool drawn_ = false;
  std::optional<std::uint64_t> total_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point next_ = start_;
};

}  // namespace emulsion::client
