#include "emulsion/families.h"

#include <array>

#include "emulsion/gaussian_dense.h"
#include "emulsion/gaussian_diagonal.h"

namespace emulsion {
namespace {

// One line for each family.
const std::array<const Family*, 4>& registry() {
  static const std::array<const Family*, 4> families = {
      &full_gaussian(),
      &diagonal_gaussian(),
      &spherical_gaussian(),
      &tied_gaussian(),
  };
  return families;
}

}  // namespace

Result<const Family*> find_family(std::string_view name) {
  std::string known;
  for (const Family* family : registry()) {
    if (family->name() == name) return family;
    known += (known.empty() ? "" : ", ") + family->name();
  }
  return fail("family \"" + std::string(name) + "\" is unknown; there are: " + known);
}

std::vector<std::string> family_names() {
  std::vector<std::string> names;
  for (const Family* family : registry()) names.push_back(family->name());
  return names;
}

}  // namespace emulsion
