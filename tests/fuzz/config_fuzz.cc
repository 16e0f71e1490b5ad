// A configuration file. What is accepted can be printed, and read again to the same options.
#include "daemon/options.h"
#include "fuzz/fuzz.h"

using namespace emulsion;

namespace {

service::LoadedOptions load(const std::string& path) { return service::load_options({}, {{"EMULSION_CONFIG", path}}); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile file(fuzz::text_of(data, size));
  const service::LoadedOptions loaded = load(file.path());
  if (!loaded.faults.empty()) return 0;
  const std::string printed = service::print_options(loaded);
  const fuzz::MemoryFile again(printed);
  const service::LoadedOptions reloaded = load(again.path());
  fuzz::require(reloaded.faults.empty(), "what was printed is not accepted");
  return 0;
}
