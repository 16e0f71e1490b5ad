// Shared objects with families: what is loaded, and what is refused.
#include "emulsion/family_library.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "emulsion/families.h"

namespace emulsion {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

std::string refusal(const std::string& path) {
  const auto loaded = load_family_library(path);
  return loaded ? "loaded" : loaded.error().message;
}

std::string of_case(int number) { return std::string(EMULSION_FAMILIES_DIR) + "/refused_" + std::to_string(number) + ".so"; }

TEST_CASE("the families of a shared object are found by their names, and loading it twice is no error") {
  const std::string path = std::string(EMULSION_FAMILIES_DIR) + "/inverse_gaussian.so";
  CHECK(refusal(path) == "loaded");
  CHECK(refusal(path) == "loaded");
  const auto family = find_family("inverse_gaussian");
  REQUIRE(family);
  CHECK((*family)->name() == "inverse_gaussian");
  const auto names = family_names();
  CHECK(std::count(names.begin(), names.end(), "inverse_gaussian") == 1);
  CHECK((*family)->check_dimension(1));
  CHECK_FALSE((*family)->check_dimension(2));
}

TEST_CASE("what is no shared object with families is refused with its path and what was expected") {
  CHECK(refusal("/nowhere/families.so") ==
        "/nowhere/families.so: cannot be loaded: cannot open shared object file: No such file or directory");
  CHECK(refusal("libm.so.6") == "libm.so.6: cannot be loaded: cannot open shared object file: No such file or directory");
  const std::string text = EMULSION_SOURCE_DIR "/tests/lib/family_library_test.cc";
  CHECK_THAT(refusal(text), StartsWith(text + ": cannot be loaded: "));
  CHECK(refusal(of_case(0)) ==
        of_case(0) + ": holds no families; expected a shared object with EMULSION_EXPORT_FAMILIES of emulsion/custom_family.h");
}

TEST_CASE("a shared object that was made with another version of the header is refused, and none of it runs") {
  CHECK(refusal(of_case(1)) ==
        of_case(1) +
            ": was made with emulsion/custom_family.h of version 0, libstdc++, expected version 1, libstdc++; build it "
            "again with the header of this Emulsion");
}

TEST_CASE("a shared object whose families fail at once is refused whole") {
  CHECK(refusal(of_case(2)) == of_case(2) + ": making its families threw \"no licence\"");
  CHECK(refusal(of_case(3)) == of_case(3) + ": making its families threw something that is no std::exception");
  CHECK(refusal(of_case(4)) == of_case(4) + ": family \"gaussian\" is there already; expected another name");
  CHECK(refusal(of_case(5)) == of_case(5) + ": holds two families \"odd\"");
  CHECK_THAT(refusal(of_case(6)), StartsWith(of_case(6) + ": family \"odd\": log_density threw \"no idea\" at the point (1)"));
  CHECK(refusal(of_case(7)) == of_case(7) + ": exports nothing that makes its families");
  CHECK(refusal(of_case(8)) == of_case(8) + ": makes a family that is none");
  CHECK_FALSE(find_family("odd"));
}

TEST_CASE("paths stand between colons") {
  CHECK(split_paths("") == std::vector<std::string>{});
  CHECK(split_paths("a.so") == std::vector<std::string>{"a.so"});
  CHECK(split_paths(":a.so::b/c.so:") == std::vector<std::string>{"a.so", "b/c.so"});
}

}  // namespace
}  // namespace emulsion
