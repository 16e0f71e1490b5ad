#include "emulsion/families.h"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>

#include "emulsion/bernoulli.h"
#include "emulsion/categorical.h"
#include "emulsion/exponential.h"
#include "emulsion/formula.h"
#include "emulsion/gamma.h"
#include "emulsion/gaussian_dense.h"
#include "emulsion/gaussian_diagonal.h"
#include "emulsion/geometric.h"
#include "emulsion/log_normal.h"
#include "emulsion/poisson.h"
#include "emulsion/product_family.h"
#include "emulsion/student_t.h"
#include "emulsion/uniform.h"
#include "emulsion/von_mises_fisher.h"

namespace emulsion {
namespace {

// One line for each family.
const std::vector<const Family*>& own_families() {
  static const std::vector<const Family*> families = {
      &full_gaussian(),
      &diagonal_gaussian(),
      &spherical_gaussian(),
      &tied_gaussian(),
      &normal_family(),
      &log_normal_family(),
      &exponential_family(),
      &gamma_family(),
      &poisson_family(),
      &geometric_family(),
      &bernoulli_family(),
      &student_t(),
      &von_mises_fisher(),
      &uniform(),
  };
  return families;
}

// Families that are made when they are first asked for, because their names have an argument: categorical(4).
struct FamilyMaker {
  std::string_view name;
  std::string_view argument;  // what stands for it in the list of names
  Result<std::unique_ptr<const Family>> (*make)(std::string_view argument);
};

// One line for each.
constexpr std::array kMakers = {
    FamilyMaker{"categorical", "N", &make_categorical_family},
};

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
  std::map<std::string, std::unique_ptr<const Family>, std::less<>> made;
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

// A family that a maker makes of what stands in brackets.
Result<const Family*> find_made(const FamilyMaker& maker, std::string_view name) {
  const std::string_view brackets = name.substr(maker.name.size());
  auto family = maker.make(brackets.empty() ? brackets : brackets.substr(1, brackets.size() - 2));
  if (!family) return fail("family \"" + std::string(name.substr(0, 100)) + "\": " + family.error().message);
  const std::lock_guard lock(further().mutex);
  return further().made.try_emplace((*family)->name(), std::move(*family)).first->second.get();
}

bool is_of(const FamilyMaker& maker, std::string_view name) {
  return name == maker.name || (name.starts_with(std::string(maker.name) + "(") && name.ends_with(")"));
}

// A family that stands alone.
Result<const Family*> find_single(std::string_view name) {
  for (const auto& [alias, meant] : kAliases)
    if (name == alias) name = meant;
  for (const Family* family : all_families())
    if (family->name() == name) return family;
  for (const FamilyMaker& maker : kMakers)
    if (is_of(maker, name)) return find_made(maker, name);
  if (const std::string_view plain = name.substr(0, name.find('(')); plain != name)
    if (const auto family = find_single(plain); family && (*family)->name() == plain)
      return fail("family \"" + std::string(name.substr(0, 100)) + "\" is unknown; columns stand in brackets, as in \"" +
                  std::string(plain) + "[0]\"");
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
  constexpr std::size_t kLongestName = 4096;  // bytes, that readers of messages take
  if (name.size() > kLongestName)
    return fail("family \"" + name.substr(0, 60) + "...\": a name of " + std::to_string(name.size()) + " bytes, expected up to " +
                std::to_string(kLongestName));
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

std::optional<std::string> refusal_by_all(std::span<const Family* const> families, std::span<const double> point) {
  std::string reasons;
  for (const Family* family : families) {
    const auto reason = family->refusal(point);
    if (!reason) return std::nullopt;
    const std::string said = family->name() + ": " + *reason;
    if (reasons.find(said) == std::string::npos) reasons += (reasons.empty() ? "" : "; ") + said;
  }
  return reasons;
}

Result<void> register_family(std::unique_ptr<const Family> family) {
  const std::string name = family->name();
  const auto factors = parse_component(name);
  if (!factors || factors->size() != 1 || component_name(*factors) != name || !factors->front().columns.empty())
    return fail("family \"" + name + "\": a name has letters, digits and \"_\", and begins with none of the digits");
  const bool made = std::any_of(kMakers.begin(), kMakers.end(), [&](const FamilyMaker& maker) { return is_of(maker, name); });
  if (made || find_single(name)) return fail("family \"" + name + "\" is there already");
  const std::lock_guard lock(further().mutex);
  further().registered.push_back(std::move(family));
  return {};
}

std::vector<std::string> family_names() {
  std::vector<std::string> names;
  for (const Family* family : own_families()) names.push_back(family->name());
  for (const FamilyMaker& maker : kMakers) names.push_back(std::string(maker.name) + "(" + std::string(maker.argument) + ")");
  const std::lock_guard lock(further().mutex);
  for (const auto& family : further().registered) names.push_back(family->name());
  return names;
}

}  // namespace emulsion
