#include "emulsion/wire/text_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>

namespace emulsion::wire {
namespace {

tl::unexpected<Error> system_error() { return fail(std::strerror(errno != 0 ? errno : EIO)); }

Result<std::string> all_of(std::istream& input) {
  std::ostringstream text;
  errno = 0;
  // Nothing to copy is a failure of the stream too, but then the system has said nothing.
  if (!(text << input.rdbuf()) && errno != 0) return system_error();
  return text.str();
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return system_error();
  return all_of(file);
}

Result<std::string> read_file_or_input(const std::string& path) { return path == "-" ? all_of(std::cin) : read_file(path); }

}  // namespace emulsion::wire
