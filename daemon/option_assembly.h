// From settings as they were written to one configuration.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "daemon/option_settings.h"
#include "daemon/options.h"

namespace emulsion::service {

struct AssembledOptions {
  DaemonOptions options;
  std::map<std::string, Origin> origins;  // by key; "input[0]" for the first input; "stream.NAME" for its section
  std::vector<Fault> faults;              // those of `written` included; the lowest origin first, by line
};

// Checks every setting by itself, overridden ones included, and then the configuration as a whole.
AssembledOptions assemble(const WrittenSettings& written);

}  // namespace emulsion::service
