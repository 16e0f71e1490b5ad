#include "clients/family_libraries.h"

#include <cstdlib>

#include "clients/failure.h"
#include "emulsion/family_library.h"

namespace emulsion::client {

void add_family_library_flag(Flags& flags, std::string* target) {
  target->clear();  // so that --help does not show what the environment says as the default
  flags.text("family-library", target, "PATH",
             std::string("shared object with families of your own; several with colons between (environment: ") +
                 kFamilyLibraryVariable + ")");
  if (const char* paths = std::getenv(kFamilyLibraryVariable)) *target = paths;
}

std::optional<int> load_family_libraries(std::string_view command, const std::string& paths) {
  for (const std::string& path : split_paths(paths))
    if (const auto loaded = load_family_library(path); !loaded)
      return complain(command, exit_code::kBadData, loaded.error().message);
  return std::nullopt;
}

}  // namespace emulsion::client
