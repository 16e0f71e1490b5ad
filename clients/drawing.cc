#include "clients/drawing.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

#include "clients/plot_script.h"

namespace emulsion::client {
namespace {

constexpr const char* kDebianPython = "/usr/bin/python3";

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

std::string contents(std::FILE* file) {
  std::string text;
  char buffer[4096];
  std::rewind(file);
  while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, file)) text.append(buffer, count);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::string last_line(const std::string& text) { return text.substr(text.rfind('\n') + 1); }

// Exit status of the script, as waitpid gives it. Standard input and error are files, so that neither side waits for the
// other.
// Errors: kUnavailable: it cannot be started.
Attempt<int> run_script(const std::string& python, std::FILE* input, std::FILE* errors) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fileno(input), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fileno(errors), STDERR_FILENO);
  std::string words[] = {python, "-c", kPlotScript};
  char* const arguments[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  pid_t child = 0;
  const int error = posix_spawnp(&child, python.c_str(), &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    return fail(exit_code::kUnavailable,
                fmt::format("{}: {}; pictures are drawn by Python with matplotlib: apt install python3-matplotlib", python,
                            std::strerror(error)));
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

Attempt<void> draw(const std::string& document) {
  const char* chosen = std::getenv("EMULSION_PYTHON");
  const std::string python = chosen != nullptr && *chosen != '\0' ? chosen : kDebianPython;
  const File input(std::tmpfile());
  const File errors(std::tmpfile());
  if (input == nullptr || errors == nullptr ||
      std::fwrite(document.data(), 1, document.size(), input.get()) != document.size() || std::fflush(input.get()) != 0) {
    return fail(exit_code::kCannotCreate, std::string("a temporary file cannot be written: ") + std::strerror(errno));
  }
  std::rewind(input.get());

  const auto status = run_script(python, input.get(), errors.get());
  if (!status) return tl::unexpected(status.error());
  if (WIFSIGNALED(*status) && WTERMSIG(*status) == SIGINT) return fail(exit_code::kInterrupted, "interrupted");
  const int code = WIFEXITED(*status) ? WEXITSTATUS(*status) : -1;
  const std::string said = contents(errors.get());
  if (code == 0) return {};
  if (code == exit_code::kUnavailable) {
    return fail(code,
                fmt::format("{} has no matplotlib ({}); apt install python3-matplotlib, or name an interpreter that has it "
                            "in EMULSION_PYTHON",
                            python, last_line(said)));
  }
  if (code == exit_code::kCannotCreate) return fail(code, last_line(said));
  return fail(exit_code::kInternal, fmt::format("the pictures could not be drawn by {}: {}", python,
                                                said.empty() ? "it ended without a word" : last_line(said)));
}

}  // namespace emulsion::client
