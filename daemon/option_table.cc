#include "daemon/option_table.h"

#include "daemon/option_endpoints.h"
#include "daemon/option_values.h"
#include "emulsion/family_library.h"

namespace emulsion::service {
namespace {

Option<DaemonOptions> input_option() {
  Option<DaemonOptions> option;
  option.key = "input";
  option.allowed = input().allowed;
  option.help =
      "Where points come from. May be given several times. pull: one of several daemons gets each message. subscribe: "
      "every daemon gets it, and a slow one loses some. bind: producers connect to this address. connect: the producer "
      "has the address. acknowledged: as pull, bound, but each message is learned exactly once, as producers send again what is not "
      "in a checkpoint; needs state_directory. replay: the points of a .csv or recorded .emf file for one stream. In the environment, a "
      "semicolon stands between inputs.";
  option.repeatable = true;
  option.read = [](DaemonOptions& options, const std::string& text) -> Result<void> {
    auto value = input().read(text);
    if (!value) return tl::make_unexpected(value.error());
    options.inputs.push_back(*std::move(value));
    return {};
  };
  option.print = [](const DaemonOptions& options) {
    std::vector<std::string> texts;
    for (const InputOptions& value : options.inputs) texts.push_back(input().print(value));
    return texts;
  };
  option.copy = [](DaemonOptions& target, const DaemonOptions& from) { target.inputs = from.inputs; };
  option.clear = [](DaemonOptions& options) { options.inputs.clear(); };
  return option;
}

// No library at all is written as one without a path.
Option<DaemonOptions> family_library_option() {
  Option<DaemonOptions> option;
  option.key = "family_library";
  option.allowed = "a path, or nothing";
  option.help =
      "A shared object with families of your own; its path, from the working directory if relative. May be given "
      "several times. They are then known by their names as the built-in ones are. A reload can add some; what is "
      "loaded stays until the daemon ends. In the environment, a colon stands between paths.";
  option.reload = Reload::applies;
  option.repeatable = true;
  option.separator = ':';
  option.read = [](DaemonOptions& options, const std::string& text) -> Result<void> {
    if (text.empty()) return {};
    if (const auto loaded = load_family_library(text); !loaded) return loaded;
    options.family_libraries.push_back(text);
    return {};
  };
  option.print = [](const DaemonOptions& options) {
    return options.family_libraries.empty() ? std::vector<std::string>{""} : options.family_libraries;
  };
  option.copy = [](DaemonOptions& target, const DaemonOptions& from) { target.family_libraries = from.family_libraries; };
  option.clear = [](DaemonOptions& options) { options.family_libraries.clear(); };
  return option;
}

std::vector<Option<DaemonOptions>> make_daemon_options() {
  const auto option = [](const char* key, auto access, const auto& form, Reload reload, const char* help) {
    return make_option<DaemonOptions>(key, access, form, reload, help);
  };
  return {
      input_option(),
      family_library_option(),
      option(
          "output", [](auto& o) -> auto& { return o.output_endpoint; }, zmq_endpoint(Attachment::bind), Reload::restart,
          "Address that is bound for models, labels and events. Anyone who reaches it can read them: open it beyond "
          "127.0.0.1 only in a network that you trust."),
      option(
          "control", [](auto& o) -> auto& { return o.control_endpoint; }, zmq_endpoint(Attachment::bind),
          Reload::restart,
          "Address that is bound for requests: status, save, reset, shutdown. Anyone who reaches it can stop the "
          "daemon."),
      option(
          "http", [](auto& o) -> auto& { return o.http_endpoint; }, http_endpoint(), Reload::restart,
          "Address of /metrics, /healthz and /readyz. Empty: no HTTP."),
      option(
          "queue_messages", [](auto& o) -> auto& { return o.queue_messages; },
          whole_number_in<int>({.low = 1, .high = 10'000'000, .unit = "messages"}), Reload::restart,
          "Messages that may wait in each socket's queue. More bridge longer bursts and take more memory; a reader "
          "who is slower than a full queue loses messages."),
      option(
          "queue_bytes", [](auto& o) -> auto& { return o.queue_bytes; },
          whole_number_in<std::int64_t>({.low = 65536, .high = 1'099'511'627'776, .unit = "bytes"}), Reload::restart,
          "Bytes that may wait in each connection's queue. Fewer than queue_messages wait if fewer fit: counted are 8 KiB "
          "for each, or the size of the socket's first ones if that is more. 16 wait in any case."),
      option(
          "max_message_bytes", [](auto& o) -> auto& { return o.max_message_bytes; },
          whole_number_in<std::int64_t>({.low = 1024, .high = 2'147'483'647, .unit = "bytes"}), Reload::restart,
          "Longest frame that is read. A peer that sends a longer one is disconnected."),
      option(
          "state_directory", [](auto& o) -> auto& { return o.state_directory; }, free_text("a path, or nothing"),
          Reload::restart,
          "Directory where the models are kept over restarts, from the working directory if relative. Empty: "
          "nowhere, and every start learns from nothing."),
      option(
          "state_generations", [](auto& o) -> auto& { return o.state_generations; },
          whole_number_in<int>({.low = 1, .high = 1000, .unit = "files"}), Reload::restart,
          "Newest states of each stream that are kept there. Older ones than the last help where that is damaged, and take "
          "its size each."),
      option(
          "save_interval_seconds", [](auto& o) -> auto& { return o.save_interval_seconds; },
          number_in({.low = 0, .high = 86400, .unit = "seconds"}), Reload::applies,
          "Time between two saves: what a crash can lose. 0: only on command and on exit."),
      option(
          "commit_interval_seconds", [](auto& o) -> auto& { return o.commit_interval_seconds; },
          number_in({.low = 0, .high = 60, .unit = "seconds"}), Reload::applies,
          "Longest time from a message of an acknowledged input to the checkpoint after which it is acknowledged, but for "
          "what the disk takes. Shorter: producers hear sooner, and the disk has more to do."),
      option(
          "credit_messages", [](auto& o) -> auto& { return o.credit_messages; },
          whole_number_in<int>({.low = 1, .high = 1'000'000, .unit = "messages"}), Reload::restart,
          "Messages of a session of an acknowledged input that may be under way beyond what is in a checkpoint. More make "
          "a slow disk, or a far network, matter less, and take memory at the producer."),
      option(
          "dynamic_streams", [](auto& o) -> auto& { return o.dynamic_streams; }, stream_patterns(), Reload::applies,
          "Names for which a stream is created on first sight, with the settings of [defaults]. Empty: none, and "
          "only streams with a section of their own are learned."),
      option(
          "max_streams", [](auto& o) -> auto& { return o.max_streams; },
          whole_number_in<Index>({.low = 1, .high = 100'000, .unit = "streams"}), Reload::applies,
          "Streams there may be at most, those with a section included. Each takes memory for as long as the "
          "daemon runs; messages of further ones are refused."),
      option(
          "learning_threads", [](auto& o) -> auto& { return o.learning_threads; },
          whole_number_in<int>({.low = 1, .high = 256, .unit = "threads"}), Reload::restart,
          "Streams that may be learned at the same time, each by a thread. What is learned and published does not depend "
          "on it. For one stream with large mini-batches there is the option threads in [defaults]."),
      option(
          "log_level", [](auto& o) -> auto& { return o.log.level; },
          one_of<std::string>(
              {{"trace", "trace"}, {"debug", "debug"}, {"info", "info"}, {"warning", "warning"}, {"error", "error"}}),
          Reload::applies, "Least important messages that are logged. trace tells of every message received."),
      option(
          "log_format", [](auto& o) -> auto& { return o.log.format; },
          one_of<std::string>({{"text", "text"}, {"json", "json"}}), Reload::applies,
          "Form of the log on stderr: text for people, json for one object a line."),
      option(
          "exit_after_replay", [](auto& o) -> auto& { return o.exit_after_replay; }, truth(), Reload::restart,
          "Exit when every replay is at its end and there is no other input."),
  };
}

}  // namespace

const std::vector<Option<DaemonOptions>>& daemon_options() {
  static const auto options = make_daemon_options();
  return options;
}

}  // namespace emulsion::service
