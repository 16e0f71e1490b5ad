// What a command prints, caught.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <functional>
#include <string>

namespace emulsion::client {

struct Captured {
  int exit_code = 0;
  std::string out;
  std::string err;
};

// Runs `command` with stdout and stderr in files.
inline Captured capture(const std::function<int()>& command) {
  std::fflush(nullptr);
  std::FILE* files[2] = {std::tmpfile(), std::tmpfile()};
  const int saved[2] = {dup(STDOUT_FILENO), dup(STDERR_FILENO)};
  dup2(fileno(files[0]), STDOUT_FILENO);
  dup2(fileno(files[1]), STDERR_FILENO);
  Captured result;
  result.exit_code = command();
  std::fflush(nullptr);
  std::string* texts[2] = {&result.out, &result.err};
  for (int i = 0; i < 2; ++i) {
    dup2(saved[i], i == 0 ? STDOUT_FILENO : STDERR_FILENO);
    close(saved[i]);
    std::rewind(files[i]);
    char buffer[4096];
    while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, files[i])) texts[i]->append(buffer, count);
    std::fclose(files[i]);
  }
  return result;
}

}  // namespace emulsion::client
