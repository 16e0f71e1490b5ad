// The terminal: its size, and a screen of its own for a program that redraws itself.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace emulsion::client {

struct TerminalSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

// The size now; 80 x 24 where `descriptor` is not a terminal.
TerminalSize terminal_size(int descriptor);

// While one lives: the alternate screen without a cursor, and single keys without echo. Ctrl-C stays a signal.
class TerminalScreen {
 public:
  TerminalScreen();
  ~TerminalScreen();  // everything as it was
  TerminalScreen(const TerminalScreen&) = delete;
  TerminalScreen& operator=(const TerminalScreen&) = delete;

  // Replaces what is on the screen.
  void draw(const std::vector<std::string>& lines);

  // The next key; 0 if there was none in time, or a signal came first.
  char wait_for_key(std::chrono::milliseconds time);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace emulsion::client
