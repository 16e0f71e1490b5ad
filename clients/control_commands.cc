#include "clients/control_commands.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "clients/connection.h"
#include "clients/flags.h"
#include "clients/interrupt.h"
#include "clients/model_table.h"
#include "clients/status_table.h"
#include "emulsion/wire/model_json.h"
#include "emulsion/wire/topic.h"

namespace emulsion::client {
namespace {

using Json = nlohmann::ordered_json;

// What all of these commands have in common: where the daemon is, how long it may take, which stream is meant.
class ControlSession {
 public:
  enum class StreamWord { none, optional, required };

  ControlSession(std::string command, const std::string& head, StreamWord stream)
      : command_(std::move(command)), flags_(command_, head) {
    flags_.toggle("json", &json_, "one JSON object on one line");
    flags_.number("timeout", &timeout_seconds_, 0.001, 86400, "SECONDS", "longest wait for the answer");
    flags_.endpoint("control", &endpoints_.control, "EMULSION_CLIENT_CONTROL", "where the daemon answers");
    if (stream != StreamWord::none) {
      flags_.positional("STREAM", &words_, stream == StreamWord::required ? 1 : 0, 1);
    }
  }

  Flags& flags() { return flags_; }
  bool json() const { return json_; }
  std::string stream() const { return words_.empty() ? "" : words_.front(); }

  // The exit code if there is nothing more to do.
  std::optional<int> begin(const std::vector<std::string>& arguments) {
    if (const auto over = flags_.parse(arguments)) return over;
    if (!words_.empty() && !wire::is_stream_name(words_.front())) {
      return complain(command_, exit_code::kUsage,
                      fmt::format("\"{}\" is not a stream's name; allowed: 1 to 64 of A-Z a-z 0-9 _ and -",
                                  wire::printable(words_.front())));
    }
    auto connection = ControlConnection::open(endpoints_.control);
    if (!connection) return failed(connection.error());
    connection_.emplace(std::move(*connection));
    return std::nullopt;
  }

  template <typename Reply>
  Attempt<Reply> ask(const ControlConnection::Question& question) {
    return connection_->ask_for<Reply>(question, timeout());
  }

  // The stream that was named, or the only one there is.
  Attempt<std::string> resolve_stream() {
    if (!words_.empty()) return words_.front();
    auto reply = ask<wire::ListReply>(wire::ListRequest{});
    if (!reply) return tl::unexpected(std::move(reply.error()));
    if (reply->streams.size() == 1) return reply->streams.front();
    if (reply->streams.empty()) return fail(exit_code::kTryLater, "the daemon has no stream yet");
    return fail(exit_code::kUsage, fmt::format("which stream? There are {}", fmt::join(reply->streams, ", ")));
  }

  // The complaint of a failure.
  int failed(const Failure& failure) {
    const Failure explained = connection_ ? connection_->explained(failure, stream(), timeout()) : failure;
    return complain(command_, explained.exit_code, explained.message);
  }

  // Prints the outcome: `json` with --json, `text` for people.
  int done(const Json& json, const std::string& text) const {
    print((json_ ? json.dump(-1, ' ', false, Json::error_handler_t::replace) : text) + "\n");
    return exit_code::kOk;
  }

  static void print(const std::string& text) { std::fputs(text.c_str(), stdout); }

 private:
  Milliseconds timeout() const { return Milliseconds(static_cast<std::int64_t>(timeout_seconds_ * 1000)); }

  std::string command_;
  Flags flags_;
  Endpoints endpoints_;
  std::optional<ControlConnection> connection_;
  std::vector<std::string> words_;
  bool json_ = false;
  double timeout_seconds_ = 5;
};

using Word = ControlSession::StreamWord;

// Commands that change one stream and have no more to say than that they did.
template <typename Request, typename Reply>
int change_stream(const std::vector<std::string>& arguments, const std::string& command, const std::string& head,
                  const std::string& done) {
  ControlSession session(command, head, Word::optional);
  if (const auto over = session.begin(arguments)) return *over;
  const auto stream = session.resolve_stream();
  if (!stream) return session.failed(stream.error());
  const auto reply = session.ask<Reply>(Request{*stream});
  if (!reply) return session.failed(reply.error());
  return session.done({{"command", command}, {"stream", *stream}},
                      fmt::format("stream \"{}\" {}", wire::printable(*stream), done));
}

bool confirmed_on_terminal(const std::string& stream) {
  std::fputs(fmt::format("forget the model, the counts and the saved state of \"{}\"? [y/N] ", stream).c_str(), stderr);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace

int list(const std::vector<std::string>& arguments) {
  ControlSession session("list", R"(examples:
  emulsion list
  emulsion list --json

usage: emulsion list [flags]

Prints the names of the streams, one on each line.
)",
                         Word::none);
  if (const auto over = session.begin(arguments)) return *over;
  const auto reply = session.ask<wire::ListReply>(wire::ListRequest{});
  if (!reply) return session.failed(reply.error());
  if (session.json()) return session.done({{"streams", reply->streams}}, "");
  for (const std::string& stream : reply->streams) ControlSession::print(stream + "\n");
  return exit_code::kOk;
}

int status(const std::vector<std::string>& arguments) {
  ControlSession session("status", R"(examples:
  emulsion status                  the daemon and all its streams
  emulsion status room             everything about one stream and its producers
  emulsion status --json | jq '.streams[0].points_learned'

usage: emulsion status [STREAM] [flags]
)",
                         Word::optional);
  if (const auto over = session.begin(arguments)) return *over;
  const auto reply = session.ask<wire::StatusReply>(wire::StatusRequest{session.stream()});
  if (!reply) return session.failed(reply.error());
  if (session.json()) {
    ControlSession::print(status_json(*reply) + "\n");
  } else if (!session.stream().empty() && reply->streams.size() == 1) {
    ControlSession::print(stream_table(reply->streams.front()));
  } else {
    ControlSession::print(status_table(*reply));
  }
  return exit_code::kOk;
}

int model(const std::vector<std::string>& arguments) {
  ControlSession session("model", R"(examples:
  emulsion model                   of the only stream
  emulsion model room              id, weight, mean ± standard deviation, correlations of every component
  emulsion model room --json > room.json      all numbers, exactly; a daemon can start from the file
  emulsion model room --csv

usage: emulsion model [STREAM] [flags]

Exits with 75 while the stream has no model yet.
)",
                         Word::optional);
  bool csv = false;
  session.flags().toggle("csv", &csv, "one line for each component, under a heading");
  if (const auto over = session.begin(arguments)) return *over;
  const auto stream = session.resolve_stream();
  if (!stream) return session.failed(stream.error());

  const auto reply = session.ask<wire::GetModelReply>(wire::GetModelRequest{*stream});
  if (!reply && reply.error().answered == wire::ControlErrorCode::no_model) {
    // The answer says that there is none; the status says what is missing.
    Failure failure = reply.error();
    const auto state = session.ask<wire::StatusReply>(wire::StatusRequest{*stream});
    if (state && state->streams.size() == 1) failure.message = waits_for_model(state->streams.front());
    return session.failed(failure);
  }
  if (!reply) return session.failed(reply.error());
  if (session.json()) {
    ControlSession::print(wire::to_json(reply->model) + "\n");
  } else if (csv) {
    ControlSession::print(model_csv_heading(reply->model.dimension) + model_csv(reply->model));
  } else {
    ControlSession::print(model_table(reply->model));
  }
  return exit_code::kOk;
}

int save(const std::vector<std::string>& arguments) {
  ControlSession session("save", R"(examples:
  emulsion save                    all streams
  emulsion save room

usage: emulsion save [STREAM] [flags]

The daemon writes its state to disk now. It returns when the state is there.
)",
                         Word::optional);
  if (const auto over = session.begin(arguments)) return *over;
  const auto reply = session.ask<wire::SaveReply>(wire::SaveRequest{session.stream()});
  if (!reply) return session.failed(reply.error());
  const std::string names = fmt::format("{}", fmt::join(reply->streams, ", "));
  return session.done({{"command", "save"}, {"streams", reply->streams}},
                      names.empty() ? "nothing to save" : "saved " + names);
}

int reset(const std::vector<std::string>& arguments) {
  ControlSession session("reset", R"(examples:
  emulsion reset room              asks first
  emulsion reset room --yes

usage: emulsion reset STREAM [flags]

The stream forgets everything: model, statistics, counts and saved state.
)",
                         Word::required);
  bool yes = false;
  session.flags().toggle("yes", &yes, "do not ask");
  if (const auto over = session.begin(arguments)) return *over;
  const std::string stream = session.stream();
  if (!yes && isatty(STDIN_FILENO) != 0 && !confirmed_on_terminal(stream)) {
    return complain("reset", exit_code::kRefused, "nothing was done");
  }
  const auto reply = session.ask<wire::ResetReply>(wire::ResetRequest{stream});
  if (!reply) return session.failed(reply.error());
  return session.done({{"command", "reset"}, {"stream", stream}}, "stream \"" + stream + "\" starts anew");
}

int pause(const std::vector<std::string>& arguments) {
  return change_stream<wire::PauseRequest, wire::PauseReply>(arguments, "pause", R"(examples:
  emulsion pause room

usage: emulsion pause [STREAM] [flags]

The stream stops learning. It goes on labelling with the model that it has.
)",
                                                             "is paused; `emulsion resume` lets it learn again");
}

int resume(const std::vector<std::string>& arguments) {
  return change_stream<wire::ResumeRequest, wire::ResumeReply>(arguments, "resume", R"(examples:
  emulsion resume room

usage: emulsion resume [STREAM] [flags]

A paused stream learns again.
)",
                                                               "learns again");
}

int flush(const std::vector<std::string>& arguments) {
  ControlSession session("flush", R"(examples:
  emulsion flush room

usage: emulsion flush [STREAM] [flags]

Points that wait are learned now. A stream without a model starts with the points that it has; otherwise the mini-batch
that is under way is closed early.
)",
                         Word::optional);
  if (const auto over = session.begin(arguments)) return *over;
  const auto stream = session.resolve_stream();
  if (!stream) return session.failed(stream.error());
  const auto reply = session.ask<wire::FlushReply>(wire::FlushRequest{*stream});
  if (!reply) return session.failed(reply.error());
  return session.done(
      {{"command", "flush"}, {"stream", *stream}, {"points", reply->points}},
      fmt::format("stream \"{}\": {} had been waiting", wire::printable(*stream), counted(reply->points, "point")));
}

int shutdown(const std::vector<std::string>& arguments) {
  ControlSession session("shutdown", R"(examples:
  emulsion shutdown

usage: emulsion shutdown [flags]

The daemon takes in what it has received and ends. Where it has a state_directory, all is saved first; without one, models end with it.
)",
                         Word::none);
  if (const auto over = session.begin(arguments)) return *over;
  const auto reply = session.ask<wire::ShutdownReply>(wire::ShutdownRequest{});
  if (!reply) return session.failed(reply.error());
  return session.done({{"command", "shutdown"}}, "emulsiond saves what it keeps a state of, and ends");
}

}  // namespace emulsion::client
