#include "clients/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "clients/control_commands.h"
#include "clients/failure.h"
#include "clients/fit_command.h"
#include "clients/flags.h"
#include "clients/plot.h"
#include "clients/score_command.h"
#include "clients/send.h"
#include "clients/simulate.h"
#include "clients/top.h"
#include "clients/watch.h"
#include "emulsion/wire/topic.h"

namespace emulsion::client {
namespace {

constexpr const char* kExamples = R"(examples:
  emulsion send room.csv --stream room             points in
  emulsion model room                              clusters out
  emulsion watch --stream room --what labels       which cluster each point belongs to
  emulsion top                                     everything at a glance
  emulsion simulate two-gaussians | emulsion send -
  emulsion fit faithful.csv -k 2                   the same without a daemon

usage: emulsion COMMAND [arguments]      emulsion COMMAND --help shows examples and flags

commands:
)";

constexpr const char* kHabits = R"(
The daemon is found at tcp://127.0.0.1:7701 (points in), 7702 (results out) and 7703 (questions); flags or
EMULSION_CLIENT_INPUT, EMULSION_CLIENT_OUTPUT and EMULSION_CLIENT_CONTROL say otherwise.

exit codes: 0 done, 1 refused by the daemon, 2 wrong usage, 65 bad data, 69 daemon not reached or matplotlib missing,
            70 fault of ours, 73 file cannot be written, 75 no model yet, 78 wrong environment, 130 ended by Ctrl-C
)";

std::string help() {
  std::string text = kExamples;
  for (const Command& command : commands()) text += fmt::format("  {:<10} {}\n", command.name, command.summary);
  return text + kHabits;
}

}  // namespace

const std::vector<Command>& commands() {
  static const std::vector<Command> all = {
      {"send", "send the rows of a file, or of standard input", send},
      {"simulate", "points with known truth, to standard output or to the daemon", run_simulate},
      {"fit", "a mixture of the points of a file, without a daemon", run_fit},
      {"score", "label the points of a file by a model", run_score},
      {"plot", "pictures of points and clusters, from files or a daemon", plot},
      {"watch", "follow models, labels and events", watch},
      {"top", "live view of streams and clusters", top},
      {"list", "names of the streams", list},
      {"status", "counts of the daemon, of a stream and its producers", status},
      {"model", "the clusters of a stream as they are now", model},
      {"flush", "learn now what waits", flush},
      {"save", "write the state to disk now", save},
      {"pause", "stop learning, go on labelling", pause},
      {"resume", "learn again", resume},
      {"reset", "forget a stream", reset},
      {"shutdown", "save and end the daemon", shutdown},
  };
  return all;
}

int dispatch(const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    std::fputs(help().c_str(), stderr);
    return exit_code::kUsage;
  }
  const std::string& name = arguments.front();
  if (name == "--help" || name == "-h" || (name == "help" && arguments.size() == 1)) {
    std::fputs(help().c_str(), stdout);
    return exit_code::kOk;
  }
  if (name == "help") return dispatch({arguments[1], "--help"});
  if (name == "--version") {
    std::fputs("emulsion " EMULSION_VERSION "\n", stdout);
    return exit_code::kOk;
  }
  const auto found =
      std::find_if(commands().begin(), commands().end(), [&](const Command& command) { return command.name == name; });
  if (found != commands().end()) return found->run({arguments.begin() + 1, arguments.end()});

  std::vector<std::string> names{"--help", "--version"};
  for (const Command& command : commands()) names.emplace_back(command.name);
  const auto meant = nearest(name, names);
  return complain(
      "", exit_code::kUsage,
      fmt::format("unknown {} \"{}\"; {}", name.starts_with('-') ? "flag" : "command", wire::printable(name),
                  meant ? "did you mean \"" + *meant + "\"?" : "`emulsion --help` shows them all"));
}

}  // namespace emulsion::client
