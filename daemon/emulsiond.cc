#include "daemon/emulsiond.h"

#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/options.h"
#include "daemon/service.h"

extern char** environ;

namespace emulsion::service {
namespace {

std::map<std::string, std::string> emulsion_environment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (text.substr(0, 9) == "EMULSION_" && equals != std::string_view::npos)
      variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

// Faults of the command line alone are a matter of usage.
int report_faults(const LoadedOptions& loaded) {
  bool usage = true;
  for (const std::string& fault : loaded.faults) {
    std::cerr << fault << '\n';
    usage &= fault.rfind("command line:", 0) == 0;
  }
  if (loaded.faults.empty()) return kExitOk;
  return usage ? kExitUsage : kExitConfiguration;
}

}  // namespace

int emulsiond(int argc, char** argv, Disk& disk) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto load = [&] { return load_options(arguments, emulsion_environment()); };
  const LoadedOptions loaded = load();
  switch (loaded.action) {
    case LoadedOptions::Action::help:
      std::cout << help_text();
      return 0;
    case LoadedOptions::Action::version:
      std::cout << "emulsiond " EMULSION_VERSION "\n";
      return 0;
    case LoadedOptions::Action::check:
      if (loaded.faults.empty())
        std::cout << (loaded.config_path.empty() ? "the options are" : loaded.config_path + " is") << " good\n";
      return report_faults(loaded);
    case LoadedOptions::Action::print:
      if (loaded.faults.empty()) std::cout << print_options(loaded);
      return report_faults(loaded);
    case LoadedOptions::Action::run:
      break;
  }
  if (!loaded.faults.empty()) return report_faults(loaded);
  return run_service(loaded, load, disk);
}

}  // namespace emulsion::service
