#include "clients/terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

namespace emulsion::client {

TerminalSize terminal_size(int descriptor) {
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

struct TerminalScreen::State {
  termios saved{};
  bool keys = false;  // stdin is a terminal
};

TerminalScreen::TerminalScreen() : state_(std::make_unique<State>()) {
  state_->keys = tcgetattr(STDIN_FILENO, &state_->saved) == 0;
  if (state_->keys) {
    termios raw = state_->saved;
    raw.c_lflag &= static_cast<tcflag_t>(~(ICANON | ECHO));
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  }
  std::fputs("\x1b[?1049h\x1b[?25l\x1b[2J", stdout);
  std::fflush(stdout);
}

TerminalScreen::~TerminalScreen() {
  std::fputs("\x1b[?25h\x1b[?1049l", stdout);
  std::fflush(stdout);
  if (state_->keys) tcsetattr(STDIN_FILENO, TCSANOW, &state_->saved);
}

void TerminalScreen::draw(const std::vector<std::string>& lines) {
  std::string text = "\x1b[H";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) text += "\n";
    text += lines[i] + "\x1b[K";
  }
  text += "\x1b[J";
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

char TerminalScreen::wait_for_key(std::chrono::milliseconds time) {
  if (!state_->keys) {
    std::this_thread::sleep_for(time);
    return 0;
  }
  pollfd keyboard{STDIN_FILENO, POLLIN, 0};
  char key = 0;
  if (::poll(&keyboard, 1, static_cast<int>(time.count())) <= 0) return 0;
  if (::read(STDIN_FILENO, &key, 1) == 1) return key;
  state_->keys = false;  // the keyboard is gone; there is nothing more to wait for
  return 0;
}

}  // namespace emulsion::client
