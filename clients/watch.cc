#include "clients/watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>

#include "clients/connection.h"
#include "clients/flags.h"
#include "clients/interrupt.h"
#include "clients/seen_labels.h"
#include "clients/sequence_tracker.h"
#include "clients/watch_format.h"
#include "emulsion/wire/convert.h"
#include "emulsion/wire/topic.h"

namespace emulsion::client {
namespace {

constexpr const char* kWatchHead = R"(examples:
  emulsion watch                                          every new model of every stream
  emulsion watch --stream room --what events              what happens in one stream
  emulsion watch --stream room --what labels --format csv > labels.csv
  emulsion watch --what models,events --json | jq .
  emulsion watch --what labels --rows 1000000 --timeout 60 --format csv > labels.csv

usage: emulsion watch [flags]

Prints what the daemon publishes until Ctrl-C, --count, --rows or --timeout. Messages that were lost on the way are
reported on stderr. Exits with 69 if --timeout ends it before anything has come.
)";

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

struct WatchOptions {
  Endpoints endpoints;
  std::string stream;
  std::string what = "models";
  std::string format = "table";
  bool json = false;
  bool quiet = false;
  std::uint64_t count = kNoLimit;
  std::uint64_t rows = kNoLimit;
  double timeout_seconds = 0;
  std::uint64_t queue_messages = 1000000;
};

// Decodes, counts and prints.
class Printer {
 public:
  explicit Printer(OutputFormat format) : format_(format) {}

  std::uint64_t messages() const { return messages_; }
  std::uint64_t rows() const { return rows_; }

  void print(const wire::Topic& topic, const Delivery& delivery) {
    switch (topic.kind) {
      case wire::TopicKind::model:
        return print(delivery.topic, codec_.decode_model(delivery.payload), [this](const wire::ModelMessage& model) {
          put(model_headings_++ == 0 ? models_heading(format_, model) : "", format_model(model, format_));
        });
      case wire::TopicKind::labels:
        return print(delivery.topic, codec_.decode_labels(delivery.payload), [this](const wire::LabelsMessage& labels) {
          rows_ += labels.component_ids.size();
          put(label_headings_++ == 0 ? labels_heading(format_) : "", format_labels(labels, format_));
        });
      case wire::TopicKind::events:
        return print(delivery.topic, codec_.decode_event(delivery.payload), [this](const wire::EventMessage& event) {
          put(event_headings_++ == 0 ? events_heading(format_) : "", format_event(event, format_));
        });
      case wire::TopicKind::points:
      case wire::TopicKind::hello:
      case wire::TopicKind::acknowledgement:
        return;  // not published, and not asked for
    }
  }

 private:
  template <typename Message, typename Put>
  void print(const std::string& topic, const Result<Message>& message, Put put_message) {
    if (!message) {
      complain("watch", 0, fmt::format("{}: cannot be read: {}", wire::printable(topic), message.error().message));
      return;
    }
    const Arrival arrival = tracker_.note(topic, message->daemon_session, message->topic_sequence);
    if (arrival.repeated || seen(*message)) return;
    if (arrival.lost > 0) {
      complain(
          "watch", 0,
          fmt::format("lost {} message{} on {}", arrival.lost, arrival.lost == 1 ? "" : "s", wire::printable(topic)));
    }
    ++messages_;
    put_message(*message);
  }

  // What a daemon that was killed labels again is printed once.
  bool seen(const wire::LabelsMessage& labels) { return seen_.note(labels); }
  template <typename Message>
  static bool seen(const Message&) {
    return false;
  }

  static void put(const std::string& heading, const std::string& text) {
    std::fwrite(heading.data(), 1, heading.size(), stdout);
    std::fwrite(text.data(), 1, text.size(), stdout);
  }

  OutputFormat format_;
  wire::Codec codec_;
  SequenceTracker tracker_;
  SeenLabels seen_;
  std::uint64_t messages_ = 0;
  std::uint64_t rows_ = 0;
  int model_headings_ = 0;
  int label_headings_ = 0;
  int event_headings_ = 0;
};

Attempt<std::vector<wire::TopicKind>> parse_kinds(const std::string& text) {
  const std::map<std::string, wire::TopicKind> known = {
      {"models", wire::TopicKind::model}, {"labels", wire::TopicKind::labels}, {"events", wire::TopicKind::events}};
  std::vector<wire::TopicKind> kinds;
  for (const std::string& word : split_list(text)) {
    const auto found = known.find(word);
    if (found == known.end()) {
      return fail(exit_code::kUsage,
                  fmt::format("--what: \"{}\"; allowed: models, labels, events, or several of them with commas",
                              wire::printable(word)));
    }
    if (std::find(kinds.begin(), kinds.end(), found->second) == kinds.end()) kinds.push_back(found->second);
  }
  if (kinds.empty()) return fail(exit_code::kUsage, "--what: names nothing; allowed: models, labels, events");
  return kinds;
}

// The topics of one stream, or all topics, from which `kinds` are then picked.
std::vector<std::string> prefixes(const std::string& stream, const std::vector<wire::TopicKind>& kinds) {
  if (stream.empty()) return {wire::subscription("")};
  std::vector<std::string> topics;
  for (const auto kind : kinds) topics.push_back(wire::to_string(wire::Topic{stream, kind}));
  return topics;
}

int follow(const WatchOptions& options, const std::vector<wire::TopicKind>& kinds, OutputFormat format) {
  auto subscriber =
      Subscriber::open({options.endpoints.output, prefixes(options.stream, kinds), options.queue_messages});
  if (!subscriber) return complain("watch", subscriber.error().exit_code, subscriber.error().message);

  const InterruptScope scope;
  using Clock = std::chrono::steady_clock;
  const auto timeout = options.timeout_seconds > 0 ? std::chrono::duration<double>(options.timeout_seconds)
                                                   : std::chrono::duration<double>(1e8);
  const Deadline deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(timeout);
  constexpr Milliseconds kFlush{50};  // how long lines may wait in the buffer of stdout
  bool announced = options.quiet;
  Printer printer(format);
  while (printer.messages() < options.count && printer.rows() < options.rows && !interrupted()) {
    if (!announced && subscriber->connected()) {
      announced = true;
      complain("watch", 0, "following " + options.endpoints.output);
    }
    auto delivery = subscriber->receive(std::min(deadline, from_now(kFlush)));
    if (!delivery) {
      std::fflush(stdout);
      if (Clock::now() >= deadline) break;
      continue;
    }
    const auto topic = wire::parse_topic(delivery->topic);
    if (topic && std::find(kinds.begin(), kinds.end(), topic->kind) != kinds.end()) printer.print(*topic, *delivery);
  }
  std::fflush(stdout);
  if (printer.messages() > 0 || interrupted()) return exit_code::kOk;
  const char* hint =
      subscriber->connected() ? "the daemon is there, but published nothing of this kind" : "is emulsiond running?";
  return complain(
      "watch", exit_code::kUnavailable,
      fmt::format("nothing came from {} within {:g} s; {}", options.endpoints.output, options.timeout_seconds, hint));
}

}  // namespace

int watch(const std::vector<std::string>& arguments) {
  WatchOptions options;
  std::uint64_t count = 0;
  std::uint64_t rows = 0;
  Flags flags("watch", kWatchHead);
  flags.text("stream", &options.stream, "NAME", "only this stream (default: all)");
  flags.text("what", &options.what, "KINDS", "models, labels, events, or several of them with commas");
  flags.choice("format", &options.format, {"table", "json", "csv"}, "how it is printed");
  flags.toggle("json", &options.json, "the same as --format json: one object a line");
  flags.whole("count", &count, 1, kNoLimit, "N", "end after N messages");
  flags.whole("rows", &rows, 1, kNoLimit, "N", "end after the labels of N rows");
  flags.number("timeout", &options.timeout_seconds, 0.001, 1e8, "SECONDS", "end after this time");
  flags.whole("queue-messages", &options.queue_messages, 1, std::numeric_limits<int>::max(), "N",
              "messages that may wait here before further ones are lost");
  flags.toggle("quiet", &options.quiet, "do not say when the daemon has been reached");
  flags.endpoint("output", &options.endpoints.output, "EMULSION_CLIENT_OUTPUT", "where the daemon publishes");
  if (const auto over = flags.parse(arguments)) return *over;

  if (flags.given("count")) options.count = count;
  if (flags.given("rows")) options.rows = rows;
  if (options.json) options.format = "json";
  if (!options.stream.empty() && !wire::is_stream_name(options.stream)) {
    return complain("watch", exit_code::kUsage,
                    fmt::format("--stream: \"{}\" is not a name; allowed: 1 to 64 of A-Z a-z 0-9 _ and -",
                                wire::printable(options.stream)));
  }
  const auto kinds = parse_kinds(options.what);
  if (!kinds) return complain("watch", kinds.error().exit_code, kinds.error().message);
  const OutputFormat format = output_format(options.format);
  if (format == OutputFormat::csv && kinds->size() > 1) {
    return complain("watch", exit_code::kUsage, "--format csv: prints one kind; name it with --what");
  }
  const bool labelled = std::find(kinds->begin(), kinds->end(), wire::TopicKind::labels) != kinds->end();
  if (flags.given("rows") && !labelled) {
    return complain("watch", exit_code::kUsage, "--rows: counts the rows of labels; add --what labels");
  }
  return follow(options, *kinds, format);
}

}  // namespace emulsion::client
