// Families of a user's own for the subcommands that compute: fit, score, plot.
//
//   std::string libraries;
//   add_family_library_flag(flags, &libraries);
//   if (auto over = flags.parse(arguments)) return *over;
//   if (auto over = load_family_libraries("fit", libraries)) return *over;
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "clients/flags.h"

namespace emulsion::client {

// The environment's word for --family-library; the daemon reads the same one.
inline constexpr const char* kFamilyLibraryVariable = "EMULSION_FAMILY_LIBRARY";

// Adds --family-library PATH[:PATH...]. The target becomes what the environment says, until a flag is parsed.
void add_family_library_flag(Flags& flags, std::string* target);

// Makes the families of these shared objects known by their names, before any formula or model is read.
//   paths  with colons between; empty: none
// Returns the exit code, 65, if one cannot be loaded, after saying so on stderr.
std::optional<int> load_family_libraries(std::string_view command, const std::string& paths);

}  // namespace emulsion::client
