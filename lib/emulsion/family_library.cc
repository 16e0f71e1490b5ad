#include "emulsion/family_library.h"

#include <dlfcn.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <mutex>
#include <set>
#include <string_view>
#include <utility>

#include "emulsion/custom_family_adapter.h"
#include "emulsion/families.h"

namespace emulsion {
namespace {

constexpr const char* kEntry = "emulsion_family_library";
constexpr const char* kHeader = "emulsion/custom_family.h";

// What dlerror() says, without the path that it may begin with.
std::string last_error(const std::string& path) {
  const char* text = dlerror();
  std::string error = text == nullptr ? "unknown error" : text;
  if (error.starts_with(path + ": ")) error.erase(0, path.size() + 2);
  return error;
}

// Text of the shared object, fit for one line.
std::string printable(std::string_view text) {
  std::string result(text.substr(0, 100));
  std::replace_if(
      result.begin(), result.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return result;
}

Result<std::vector<std::unique_ptr<CustomFamily>>> made_by(const FamilyLibrary& library) {
  if (library.make == nullptr) return fail("exports nothing that makes its families");
  try {
    auto families = library.make();
    if (families.empty()) return fail("exports no families");
    if (std::find(families.begin(), families.end(), nullptr) != families.end()) return fail("makes a family that is none");
    return families;
  } catch (const std::exception& exception) {
    return fail(std::string("making its families threw \"") + printable(exception.what()) + "\"");
  } catch (...) {
    return fail("making its families threw something that is no std::exception");
  }
}

// The families of an object that has been loaded, tried.
Result<std::vector<std::unique_ptr<const Family>>> families_of(void* object) {
  const auto* library = static_cast<const FamilyLibrary*>(dlsym(object, kEntry));
  if (library == nullptr)
    return fail(std::string("holds no families; expected a shared object with EMULSION_EXPORT_FAMILIES of ") + kHeader);
  if (library->interface == nullptr || std::string_view(library->interface) != kFamilyInterface)
    return fail(std::string("was made with ") + kHeader + " of " +
                (library->interface == nullptr ? "no version" : printable(library->interface)) + ", expected " +
                kFamilyInterface + "; build it again with the header of this Emulsion");
  auto made = made_by(*library);
  if (!made) return fail(made.error().message);
  std::vector<std::unique_ptr<const Family>> families;
  std::set<std::string> names;
  for (auto& custom : *made) {
    auto family = make_custom_family(std::move(custom));
    if (!family) return fail(family.error().message);
    const std::string name = (*family)->name();
    if (!names.insert(name).second) return fail("holds two families \"" + name + "\"");
    if (find_family(name)) return fail("family \"" + name + "\" is there already; expected another name");
    families.push_back(std::move(*family));
  }
  return families;
}

}  // namespace

Result<void> load_family_library(const std::string& path) {
  static std::mutex mutex;
  static std::set<void*> loaded;  // never closed: families live as long as the program
  const std::lock_guard lock(mutex);
  const std::string file = path.find('/') == std::string::npos ? "./" + path : path;
  void* object = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (object == nullptr) return fail(path + ": cannot be loaded: " + last_error(file));
  if (loaded.contains(object)) return {};
  auto families = families_of(object);
  if (!families) return fail(path + ": " + families.error().message);
  for (auto& family : *families)
    if (const auto registered = register_family(std::move(family)); !registered)
      return fail(path + ": " + registered.error().message);
  loaded.insert(object);
  return {};
}

std::vector<std::string> split_paths(const std::string& text) {
  std::vector<std::string> paths;
  std::string_view left = text;
  while (!left.empty()) {
    const auto end = std::min(left.find(':'), left.size());
    if (end > 0) paths.emplace_back(left.substr(0, end));
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  return paths;
}

}  // namespace emulsion
