// Subcommands that ask the daemon one thing: each returns the exit code and has printed its answer.
#pragma once

#include <string>
#include <vector>

namespace emulsion::client {

int list(const std::vector<std::string>& arguments);
int status(const std::vector<std::string>& arguments);
int model(const std::vector<std::string>& arguments);
int save(const std::vector<std::string>& arguments);
int reset(const std::vector<std::string>& arguments);
int pause(const std::vector<std::string>& arguments);
int resume(const std::vector<std::string>& arguments);
int flush(const std::vector<std::string>& arguments);
int shutdown(const std::vector<std::string>& arguments);

}  // namespace emulsion::client
