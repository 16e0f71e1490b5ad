#include "emulsion/families.h"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>

#include "emulsion/formula.h"
#include "emulsion/gaussian_dense.h"
#include "emulsion/gaussian_diagonal.h"
#include "emulsion/product_family.h"

namespace emulsion {
namespace {

// One line for each family.
const std::vector<const Family*>& own_families() {
  static const std::vector<const Family*> families = {
      &full_gaussian(),
      &diagonal_gaussian(),
      &spherical_gaussian(),
      &tied_gaussian(),
  };
  return families;
}

// Other words for families, as people know them.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kAliases = {{
    {"gaussian", "gaussian(full)"},
    {"multivariate_normal", "gaussian(full)"},
    {"lognormal", "log_normal"},
    {"vmf", "von_mises_fisher"},
}};

// What comes to exist while the program runs, and lives as long as it.
struct Further {
  std::mutex mutex;
  std::vector<std::unique_ptr<const Family>> registered;
  std::map<std::string, std::unique_ptr<const Family>, std::less<>> products;
};

Further& further() {
  static Further instance;
  return instance;
}

std::vector<const Family*> all_families() {
  std::vector<const Family*> families = own_families();
  const std::lock_guard lock(further().mutex);
  for (const auto& family : further().registered) families.push_back(family.get());
  return families;
}

// A family that stands alone.
Result<const Family*> find_single(std::string_view name) {
  for (const auto& [alias, meant] : kAliases)
    if (name == alias) name = meant;
  for (const Family* family : all_families())
    if (family->name() == name) return family;
  std::string known;
  for (const std::string& each : family_names()) known += (known.empty() ? "" : ", ") + each;
  return fail("family \"" + std::string(name.substr(0, 100)) + "\" is unknown; there are: " + known);
}

Result<const Family*> find_product(const std::vector<FamilyFactor>& factors) {
  std::vector<ProductFactor> parts;
  std::vector<FamilyFactor> canonical;
  for (const FamilyFactor& factor : factors) {
    const auto family = find_single(factor.family);
    if (!family) return family;
    parts.push_back({*family, factor.columns});
    canonical.push_back({(*family)->name(), factor.columns});
  }
  const std::string name = component_name(canonical);
  const std::lock_guard lock(further().mutex);
  auto& products = further().products;
  if (const auto known = products.find(name); known != products.end()) return known->second.get();
  auto made = make_product_family(std::move(parts));
  if (!made) return fail("family \"" + name + "\": " + made.error().message);
  return products.emplace(name, std::move(*made)).first->second.get();
}

}  // namespace

Result<const Family*> find_family(std::string_view name) {
  const auto factors = parse_component(name);
  if (!factors) return fail(factors.error().message);
  if (factors->size() == 1 && factors->front().columns.empty()) return find_single(factors->front().family);
  return find_product(*factors);
}

Result<void> register_family(std::unique_ptr<const Family> family) {
  const std::string name = family->name();
  const auto factors = parse_component(name);
  if (!factors || factors->size() != 1 || component_name(*factors) != name || !factors->front().columns.empty())
    return fail("family \"" + name + "\": a name has letters, digits and \"_\", and begins with none of the digits");
  if (find_single(name)) return fail("family \"" + name + "\" is there already");
  const std::lock_guard lock(further().mutex);
  further().registered.push_back(std::move(family));
  return {};
}

std::vector<std::string> family_names() {
  std::vector<std::string> names;
  for (const Family* family : all_families()) names.push_back(family->name());
  return names;
}

}  // namespace emulsion
