// The configuration of the daemon: one struct for each room, and where every value came from.
//
// Precedence: command line, EMULSION_* environment, configuration file, defaults.
//
// The rooms behind this header: option_table.h knows every option, option_values.h and option_endpoints.h their text
// forms, options.cc reads the three origins (Boost.Program_options is used there alone), option_assembly.h puts them
// together, option_consistency.h checks the whole.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "emulsion/learner_options.h"

namespace emulsion::service {

// What is done with a coordinate that is NaN.
enum class MissingPolicy {
  learn,   // the point is learned from its other coordinates
  refuse,  // the row is refused and counted
};

// One stream.
struct StreamOptions {
  LearnerOptions learner;

  // Components of several families, as it was written; `learner.mixture` is what it comes to with the names of `columns`.
  // Empty: `components` of the Gaussian that `covariance` names.
  std::string mixture;

  // Names of the coordinates, for formulas and for those who look at the model. Empty: x0, x1, ...
  std::vector<std::string> columns;

  // Coordinates of a point. 0: as many as columns, or those of the first message. Range [0, 1024].
  Index dimension = 0;

  MissingPolicy missing = MissingPolicy::learn;

  // Path of a model to start from, as `emulsion fit -o` writes or `emulsion model --json` prints it. The mixture is then
  // the model's. Empty: start from the points.
  std::string init;

  // Publish the responsibilities with the labels.
  bool publish_responsibilities = false;

  // Shortest time between two published models. 0: publish after every message that changed it. Range [0, 86400].
  double model_interval_seconds = 0.1;

  // Producers that are told apart; messages of further ones are refused. Range [1, 1000000].
  Index max_producers = 1024;
};

enum class InputKind { subscribe, pull, replay, acknowledged };
enum class Attachment { bind, connect };

// "pull bind tcp://127.0.0.1:7701", "acknowledged bind tcp://127.0.0.1:7705",
// "subscribe connect tcp://10.0.0.7:5556", "replay occupancy data/points.csv"
struct InputOptions {
  InputKind kind = InputKind::pull;
  Attachment attachment = Attachment::bind;
  std::string endpoint;  // of all but replay
  std::string stream;    // of replay
  std::string path;      // of replay; .csv, or .emf for a recording
};

struct LogOptions {
  std::string level = "info";   // trace, debug, info, warning, error
  std::string format = "text";  // text, json
};

struct DaemonOptions {
  std::vector<InputOptions> inputs{{InputKind::pull, Attachment::bind, "tcp://127.0.0.1:7701", "", ""}};
  std::string output_endpoint = "tcp://127.0.0.1:7702";
  std::string control_endpoint = "tcp://127.0.0.1:7703";
  std::string http_endpoint = "127.0.0.1:7704";  // empty: no HTTP

  // Messages that may wait in each socket's queue. Range [1, 10000000].
  int queue_messages = 4096;

  // Bytes that may wait there, as far as messages are no larger than the socket's first ones. Range [65536, 1099511627776].
  std::int64_t queue_bytes = 67108864;

  // Longest frame that is read. Range [1024, 2147483647].
  std::int64_t max_message_bytes = 67108864;

  // Shared objects with families of the user's own, loaded before anything that may name one is read.
  std::vector<std::string> family_libraries;

  // Where the state is kept. Empty: nowhere.
  std::string state_directory;

  // Newest states of each stream that are kept there. Range [1, 1000].
  int state_generations = 2;

  // Time between two saves. 0: only on command and on exit. Range [0, 86400].
  double save_interval_seconds = 10;

  // Longest time from a message of an acknowledged input to the checkpoint that makes it durable, but for what the disk
  // takes. Range [0, 60].
  double commit_interval_seconds = 0.01;

  // Messages of a session of an acknowledged input that may be under way beyond what is durable. Range [1, 1000000].
  int credit_messages = 1024;

  // Names for which a stream is created on first sight: patterns with * and ?. Empty: none.
  std::vector<std::string> dynamic_streams{"*"};

  // Streams there may be at most, configured ones included. Range [1, 100000].
  Index max_streams = 64;

  // Streams that may be learned at the same time, each by a thread. What is learned and published does not depend on it.
  // Range [1, 256].
  int learning_threads = 1;

  LogOptions log;

  StreamOptions defaults;                        // of every stream; section [defaults]
  std::map<std::string, StreamOptions> streams;  // section [stream.NAME]

  // Exit when every replay is at its end and no other input is configured.
  bool exit_after_replay = true;
};

// What one run of `load_options` found.
struct LoadedOptions {
  enum class Action { run, help, version, check, print };

  Action action = Action::run;
  DaemonOptions options;
  std::string config_path;          // of the file that was read; empty if none
  std::vector<std::string> faults;  // one line each; with any of them the options must not be used

  // Where the value of a key was written: "emulsiond.conf:14", "environment EMULSION_OUTPUT", "command line".
  // A key that is absent has its default; a key of a stream, that of [defaults]. Of a list: "input[0]", "input[1]", ...
  std::map<std::string, std::string> origins;
};

// Reads command line, environment and configuration file.
//   arguments    of the command line, without the program's name
//   environment  the variables that start with EMULSION_, by name
// Never throws. Every fault is found in one run, overridden settings included, and reads
//   PLACE: KEY: PROBLEM[; allowed: WHAT][; did you mean "WORD"?]
// with the key as it is spelled at its place:
//   emulsiond.conf:9: defaults.componets: unknown key; did you mean "components"?
//   emulsiond.conf:14: defaults.step_exponent: 1.4 is out of range; allowed: (0.5, 1]
//   environment: EMULSION_OUTPUT: "7702" is not an endpoint; allowed: tcp://HOST:PORT, ipc://PATH, inproc://NAME
//   command line: --defaults.components: 0 is out of range; allowed: [1, 4096]
// --help and --version win over everything else, faults included.
LoadedOptions load_options(const std::vector<std::string>& arguments,
                           const std::map<std::string, std::string>& environment);

// Every option with its value and, as a comment, where it came from; valid as a configuration file.
std::string print_options(const LoadedOptions& loaded);

// What `--help` prints: examples first.
std::string help_text();

// What a reload would change. Keys are dotted, "defaults.components"; a section that comes or goes is "stream.NAME".
// A new section and new [defaults] apply to streams that are created afterwards.
struct ReloadPlan {
  std::vector<std::string> applicable;     // keys whose new values can be used at once
  std::vector<std::string> needs_restart;  // keys that differ and cannot
};
ReloadPlan plan_reload(const DaemonOptions& now, const DaemonOptions& next);

// The options that are in force after a reload: the new ones, and the old ones where only a restart can change them.
DaemonOptions apply_reload(const DaemonOptions& now, DaemonOptions next);

}  // namespace emulsion::service
