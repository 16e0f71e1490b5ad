#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>

#include "clients/feed.h"
#include "clients/flags.h"
#include "clients/interrupt.h"
#include "clients/point_writer.h"
#include "clients/simulate.h"

namespace emulsion::client {
namespace {

constexpr const char* kSimulate = "simulate";

// Lines of truth of a moving scenario, unless --truth-every says otherwise.
constexpr std::uint64_t kTruthLines = 100;

// Printed by --help above the flags.
std::string head() {
  std::string text =
      "usage: emulsion simulate SCENARIO [flags]\n"
      "\n"
      "  emulsion simulate two-gaussians --points 1000 > points.csv\n"
      "  emulsion simulate drift --labels --truth truth.jsonl | emulsion send - --label-column label\n"
      "  emulsion simulate splitting --to-daemon --stream lab --rate 500\n"
      "\n"
      "Writes points whose distribution is known. The scenarios:\n"
      "\n";
  for (const ScenarioEntry& entry : scenarios()) {
    text.append("  ").append(entry.name).append(16 - entry.name.size(), ' ').append(entry.summary).append("\n");
  }
  return text;
}

struct Request {
  std::vector<std::string> names;
  ScenarioOptions scenario;
  std::uint64_t dimension = 2;
  std::uint64_t components = 3;
  double separation = 8;
  double fraction = 0;
  bool labels = false;
  bool json = false;
  std::string truth_path;
  std::uint64_t truth_every = 0;
  bool to_daemon = false;
  FeedOptions feed;
  FeedFlags feed_flags;
};

void add_flags(Flags& flags, Request& request) {
  flags.positional("SCENARIO", &request.names, 1, 1);
  flags.whole("points", &request.scenario.points, 1, 1'000'000'000'000'000, "N", "points from the first to the last");
  flags.whole("seed", &request.scenario.seed, 0, ~std::uint64_t{0}, "N", "the same seed gives the same points");
  flags.whole("dimension", &request.dimension, 1, 1024, "D", "coordinates of a point");
  flags.whole("components", &request.components, 1, 1024, "K", "clusters, the most that there are at any time");
  flags.number("separation", &request.separation, 1e-6, 1000, "S",
               "least distance between two means, in standard deviations of the widest cluster");
  flags.number("fraction", &request.fraction, 0, 0.9, "F",
               "of the coordinates that are missing (default 0.1), or of the points that are outliers (default 0.05)");
  flags.toggle("labels", &request.labels, "a last column `label`: the component, -1 for an outlier");
  flags.toggle("json", &request.json, "JSON lines in place of CSV");
  flags.text("truth", &request.truth_path, "FILE", "write the true parameters over time to this file, as JSON lines");
  flags.whole("truth-every", &request.truth_every, 1, 1'000'000'000'000'000, "N",
              "points from one line of truth to the next, where clusters move (default: a hundredth of all)");
  flags.toggle("to-daemon", &request.to_daemon, "send the points to a daemon; the flags below are for that");
  request.feed.producer = kSimulate;
  add_feed_flags(flags, request.feed, request.feed_flags);
}

// What only one of the two destinations has.
std::optional<std::string> misplaced(const Flags& flags, bool to_daemon) {
  if (to_daemon) {
    for (const char* name : {"labels", "json"}) {
      if (flags.given(name)) return std::string("--") + name + " is for standard output; it goes without --to-daemon";
    }
    return std::nullopt;
  }
  for (const char* name : {"stream", "producer", "session", "first-sequence", "batch", "rate", "float32", "no-end",
                           "no-confirm", "timeout", "socket", "bind"}) {
    if (flags.given(name)) return std::string("--") + name + " needs --to-daemon";
  }
  return std::nullopt;
}

int finished(const Attempt<void>& outcome) {
  if (!outcome) return complain(kSimulate, outcome.error().exit_code, outcome.error().message);
  return interrupted() ? exit_code::kInterrupted : exit_code::kOk;
}

int to_daemon(Scenario& scenario, std::ostream* truth, std::uint64_t truth_every, const FeedOptions& options) {
  FeedOptions to_feed = options;
  to_feed.on_fault = [](const std::string& reason) { complain(kSimulate, exit_code::kOk, "waiting: " + reason); };
  Attempt<Feed> feed = Feed::open(to_feed);
  if (!feed) return complain(kSimulate, feed.error().exit_code, feed.error().message);
  const Attempt<void> outcome =
      simulate(scenario, truth, truth_every, [&](const LabelledPoints& points) { return feed->push(points.batch); });
  const Attempt<FeedReport> report = feed->finish();
  if (!outcome) return finished(outcome);
  if (!report) return complain(kSimulate, report.error().exit_code, report.error().message);
  std::cerr << closing_line(*report) << "\n";
  const int code = exit_code_of(*report);
  return code != exit_code::kOk ? code : finished(outcome);
}

}  // namespace

int run_simulate(const std::vector<std::string>& arguments) {
  Flags flags(kSimulate, head());
  Request request;
  add_flags(flags, request);
  if (const auto over = flags.parse(arguments)) return *over;
  if (const auto fault = misplaced(flags, request.to_daemon)) return complain(kSimulate, exit_code::kUsage, *fault);
  if (const auto done = finish_feed_flags(request.feed_flags, request.feed); !done) {
    return complain(kSimulate, done.error().exit_code, done.error().message);
  }
  if (flags.given("dimension")) request.scenario.dimension = static_cast<Index>(request.dimension);
  if (flags.given("components")) request.scenario.components = static_cast<Index>(request.components);
  if (flags.given("separation")) request.scenario.separation = request.separation;
  if (flags.given("fraction")) request.scenario.fraction = request.fraction;
  Result<Scenario> scenario = Scenario::make(request.names.front(), request.scenario);
  if (!scenario) return complain(kSimulate, exit_code::kUsage, scenario.error().message);

  std::unique_ptr<std::ofstream> truth;
  if (!request.truth_path.empty()) {
    truth = std::make_unique<std::ofstream>(request.truth_path);
    if (!*truth) return complain(kSimulate, exit_code::kUsage, request.truth_path + " cannot be written");
  }
  const std::uint64_t every =
      request.truth_every > 0 ? request.truth_every : std::max<std::uint64_t>(1, scenario->points() / kTruthLines);
  const InterruptScope scope;
  if (request.to_daemon) return to_daemon(*scenario, truth.get(), every, request.feed);
  const PointText form = request.json ? PointText::json_lines : PointText::csv;
  return finished(simulate(*scenario, truth.get(), every, text_sink(std::cout, form, request.labels)));
}

}  // namespace emulsion::client
