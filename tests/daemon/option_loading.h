// Configurations to test with.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "daemon/option_table.h"
#include "daemon/options.h"
#include "daemon/temporary_directory.h"

namespace emulsion::service {

inline const std::vector<std::string> kNone;

// Loads a file emulsiond.conf with this text. Places are told without its directory.
inline LoadedOptions load_text(const std::string& text, std::vector<std::string> arguments = {},
                               const std::map<std::string, std::string>& environment = {}) {
  const TemporaryDirectory directory;
  write_file(directory.file("emulsiond.conf"), text);
  arguments.insert(arguments.end(), {"--config", directory.file("emulsiond.conf")});
  LoadedOptions loaded = load_options(arguments, environment);
  const auto strip = [prefix = directory.path() + "/"](std::string& line) {
    if (line.starts_with(prefix)) line.erase(0, prefix.size());
  };
  for (std::string& fault : loaded.faults) strip(fault);
  for (auto& [key, origin] : loaded.origins) strip(origin);
  return loaded;
}

// Every value as text, by key.
inline std::map<std::string, std::vector<std::string>> values(const DaemonOptions& options) {
  std::map<std::string, std::vector<std::string>> texts;
  for (const auto& option : daemon_options()) texts[option.key] = option.print(options);
  for (const auto& option : stream_options()) texts["defaults." + option.key] = option.print(options.defaults);
  for (const auto& [name, stream] : options.streams) {
    for (const auto& option : stream_options()) texts["stream." + name + "." + option.key] = option.print(stream);
  }
  return texts;
}

}  // namespace emulsion::service
