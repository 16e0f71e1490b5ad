// The subcommands of `emulsion`, and how one of them is chosen.
#pragma once

#include <string>
#include <vector>

#include "clients/command.h"

namespace emulsion::client {

// In the order in which --help shows them.
const std::vector<Command>& commands();

// Runs the subcommand that the first argument names, or --help or --version. Returns the exit code.
int dispatch(const std::vector<std::string>& arguments);

}  // namespace emulsion::client
