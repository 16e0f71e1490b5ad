// What a subcommand of `emulsion` is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace emulsion::client {

struct Command {
  std::string_view name;     // as it is typed
  std::string_view summary;  // one line of `emulsion --help`

  // Runs to the end and returns the exit code; has printed whatever there was to say.
  //   arguments  what was typed after the name
  int (*run)(const std::vector<std::string>& arguments);
};

}  // namespace emulsion::client
