#include "clients/family_libraries.h"

#include <catch2/catch.hpp>
#include <cstdlib>

#include "clients/captured.h"
#include "clients/failure.h"
#include "emulsion/families.h"

namespace emulsion::client {
namespace {

const std::string kExample = EMULSION_FAMILIES_DIR "/inverse_gaussian.so";

// The paths that a command ends up with.
std::string paths(const std::vector<std::string>& arguments, const char* environment = nullptr) {
  if (environment)
    setenv(kFamilyLibraryVariable, environment, 1);
  else
    unsetenv(kFamilyLibraryVariable);
  Flags flags("fit", "usage: emulsion fit FILE\n");
  std::string target;
  add_family_library_flag(flags, &target);
  CHECK(flags.parse(arguments) == std::nullopt);
  unsetenv(kFamilyLibraryVariable);
  return target;
}

TEST_CASE("family libraries come from the flag, or else from the environment") {
  CHECK(paths({}) == "");
  CHECK(paths({}, "a.so:b.so") == "a.so:b.so");
  CHECK(paths({"--family-library", "c.so"}, "a.so:b.so") == "c.so");
}

TEST_CASE("the families of all libraries are known afterwards") {
  CHECK(load_family_libraries("fit", "") == std::nullopt);
  CHECK(load_family_libraries("fit", kExample + ":" + kExample) == std::nullopt);
  CHECK(find_family("inverse_gaussian"));
}

TEST_CASE("a library that cannot be loaded is bad data, and named") {
  const auto found = capture([] { return load_family_libraries("fit", kExample + ":/nowhere/f.so").value_or(0); });
  CHECK(found.exit_code == exit_code::kBadData);
  CHECK(found.err ==
        "emulsion fit: /nowhere/f.so: cannot be loaded: cannot open shared object file: No such file or directory\n");
}

}  // namespace
}  // namespace emulsion::client
