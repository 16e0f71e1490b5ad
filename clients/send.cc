#include "clients/send.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <numeric>
#include <optional>
#include <random>
#include <system_error>
#include <utility>

#include "clients/feed.h"
#include "clients/flags.h"
#include "clients/interrupt.h"
#include "clients/progress.h"
#include "clients/table.h"
#include "emulsion/wire/checksum.h"
#include "emulsion/wire/point_reader.h"

namespace emulsion::client {
namespace {

constexpr const char* kSendHead = R"(examples:
  emulsion send room.csv --stream room
  emulsion send room.csv --columns temperature,humidity --label-column occupied --time-column date
  emulsion simulate two-gaussians | emulsion send - --stream two
  emulsion send points.npy --float32 --batch 1000 --rate 50000
  sensor | emulsion send - --batch 100 --patience 0.5        a slow pipe: send what is there after half a second
  emulsion send room.csv --acknowledged                      each row exactly once, whatever crashes; run it again to go on
  emulsion send monday.csv --session 7 --no-end && emulsion send tuesday.csv --session 7 --first-sequence 32

usage: emulsion send FILE|- [flags]

Sends the rows of a CSV, JSON lines or npy file, then asks the daemon what has become of them. An empty cell, nan, NA or
null is a missing value. Exits with 65 if rows were bad data here or refused there, 69 if the daemon cannot be reached.
)";

struct SendOptions {
  FeedOptions feed;
  FeedFlags feed_flags;
  std::string path;
  wire::PointReaderOptions reader;
  std::uint64_t repeat = 1;
  std::uint64_t most_rows = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t seed = 1;
  bool shuffle = false;
  bool json = false;
  bool new_session = false;
};

// Rows that were read here, good and bad.
struct ReadCount {
  std::uint64_t refused = 0;
  std::vector<std::string> refusals;  // the first few
};

// Ctrl-C ends an input early, and that is then no fault of the data.
tl::unexpected<Failure> unreadable(const Error& error) {
  if (interrupted()) return fail(exit_code::kInterrupted, "interrupted");
  return fail(exit_code::kBadData, error.message);
}

void append(PointBatch& all, const PointBatch& more) {
  if (all.size() == 0) {
    all = more;
    return;
  }
  const Index before = all.size();
  all.points.conservativeResize(Eigen::NoChange, before + more.size());
  all.points.rightCols(more.size()) = more.points;
  if (more.weights.size() > 0) {
    all.weights.conservativeResize(before + more.size());
    all.weights.tail(more.size()) = more.weights;
  }
  all.unix_nanoseconds.insert(all.unix_nanoseconds.end(), more.unix_nanoseconds.begin(), more.unix_nanoseconds.end());
}

PointBatch first_rows(PointBatch batch, std::uint64_t rows) {
  if (static_cast<std::uint64_t>(batch.size()) <= rows) return batch;
  const auto kept = static_cast<Index>(rows);
  batch.points.conservativeResize(Eigen::NoChange, kept);
  if (batch.weights.size() > 0) batch.weights.conservativeResize(kept);
  if (batch.has_times()) batch.unix_nanoseconds.resize(rows);
  return batch;
}

Attempt<PointBatch> read_whole(wire::PointReader& reader) {
  constexpr Index kRows = 65536;
  PointBatch all;
  for (;;) {
    auto table = reader.read(kRows);
    if (!table) return unreadable(table.error());
    if (!*table) return all;
    append(all, (*table)->batch);
    if (interrupted()) return fail(exit_code::kInterrupted, "interrupted");
  }
}

// Says which columns were taken where the user has not said so.
void report_columns(const SendOptions& options, const wire::PointReader& reader) {
  if (!options.reader.columns.empty() || reader.left_out().empty()) return;
  complain("send", 0,
           fmt::format("columns {}; left out, because not numbers: {}", fmt::join(reader.columns(), ", "),
                       fmt::join(reader.left_out(), ", ")));
}

// Reads and sends; the feed is opened once there is something to send.
class Sending {
 public:
  explicit Sending(const SendOptions& options) : options_(options) {}

  Attempt<void> run() {
    auto reader = wire::PointReader::open(options_.path, options_.reader);
    if (!reader) return unreadable(reader.error());
    report_columns(options_, *reader);
    Attempt<void> outcome;
    if (options_.shuffle || options_.repeat > 1) {
      outcome = send_whole(*reader);
    } else {
      outcome = send_stream(*reader);
    }
    read_.refused = reader->refused_rows();
    read_.refusals = reader->refusals();
    return outcome;
  }

  std::optional<Feed>& feed() { return feed_; }
  const ReadCount& read() const { return read_; }
  void clear_progress() { progress_.reset(); }

 private:
  Attempt<void> send_whole(wire::PointReader& reader) {
    auto all = read_whole(reader);
    if (!all) return tl::unexpected(std::move(all.error()));
    const auto total = static_cast<std::uint64_t>(all->size());
    const bool overflows = total > 0 && options_.repeat > std::numeric_limits<std::uint64_t>::max() / total;
    if (auto opened = open(overflows ? options_.most_rows : std::min(options_.most_rows, total * options_.repeat));
        !opened) {
      return opened;
    }
    for (std::uint64_t pass = 0; pass < options_.repeat && left() > 0 && total > 0; ++pass) {
      const PointBatch points = options_.shuffle ? shuffled(*all, options_.seed + pass) : *all;
      if (auto pushed = push(points); !pushed) return pushed;
    }
    return {};
  }

  Attempt<void> send_stream(wire::PointReader& reader) {
    if (auto opened = open(std::nullopt); !opened) return opened;
    const auto rows = static_cast<Index>(options_.feed.batch_rows);
    while (left() > 0) {
      auto table = reader.read(rows);
      if (!table) return unreadable(table.error());
      if (!*table) return {};
      const PointBatch& batch = (*table)->batch;
      if (auto pushed = push(batch); !pushed) return pushed;
      // Fewer rows than a message has: the pipe is slow, and what there is shall not wait for the rest.
      if (options_.reader.patience.count() > 0 && batch.size() < rows) {
        if (auto flushed = feed_->flush(); !flushed) return flushed;
      }
    }
    return {};
  }

  Attempt<void> open(std::optional<std::uint64_t> total) {
    FeedOptions to_feed = options_.feed;
    to_feed.on_fault = [this](const std::string& reason) {
      if (progress_) progress_->clear();
      complain("send", exit_code::kOk, "waiting: " + reason);
    };
    auto feed = Feed::open(to_feed);
    if (!feed) return tl::unexpected(std::move(feed.error()));
    feed_.emplace(std::move(*feed));
    progress_.emplace(total);
    feed_->on_progress([this](const FeedReport& report) {
      if (progress_) progress_->show(report.rows);
    });
    return {};
  }

  Attempt<void> push(const PointBatch& batch) {
    const std::uint64_t room = left();
    pushed_ += std::min(room, static_cast<std::uint64_t>(batch.size()));
    return feed_->push(static_cast<std::uint64_t>(batch.size()) <= room ? batch : first_rows(batch, room));
  }

  std::uint64_t left() const { return options_.most_rows - pushed_; }

  const SendOptions& options_;
  std::optional<Feed> feed_;
  std::optional<Progress> progress_;
  ReadCount read_;
  std::uint64_t pushed_ = 0;
};

void print_report(const SendOptions& options, const FeedReport& report, const ReadCount& read) {
  for (const std::string& refusal : read.refusals) complain("send", 0, "skipped: " + refusal);
  if (!options.json) {
    std::string line = closing_line(report);
    if (read.refused > 0) line += fmt::format("; {} of the file skipped", counted(read.refused, "bad row"));
    std::fputs((line + "\n").c_str(), stdout);
    return;
  }
  std::fputs(closing_json(report, read.refused).c_str(), stdout);
}

int finish(const SendOptions& options, Sending& sending, const Attempt<void>& outcome) {
  int code = interrupted() ? exit_code::kInterrupted : exit_code::kOk;
  if (!outcome) {
    sending.clear_progress();
    code = complain("send", outcome.error().exit_code, outcome.error().message);
    // A daemon that does not answer will not answer now; after bad data or Ctrl-C the rows before it still count. But a stream that
    // waits for its first points shall not start from those few before a row that can be mended.
    if (code == exit_code::kUnavailable) return code;
  }
  if (!sending.feed()) return code;
  const auto report = sending.feed()->finish(outcome || code == exit_code::kInterrupted);
  sending.clear_progress();
  if (!report) {
    std::fputs((closing_line(sending.feed()->sent()) + "\n").c_str(), stdout);
    const int failed = complain("send", report.error().exit_code, report.error().message);
    return code == exit_code::kOk ? failed : code;
  }
  print_report(options, *report, sending.read());
  if (code != exit_code::kOk) return code;
  return sending.read().refused > 0 ? exit_code::kBadData : exit_code_of(*report);
}

// The session of a file for acknowledged sending: the same as long as the messages are, so that a run goes on where an
// earlier one has ended. A file that has changed is other data.
Result<std::uint64_t> session_of(const SendOptions& options) {
  std::error_code problem;
  const auto path = std::filesystem::canonical(options.path, problem);
  const auto size = problem ? 0 : std::filesystem::file_size(path, problem);
  const auto changed = problem ? std::filesystem::file_time_type() : std::filesystem::last_write_time(path, problem);
  if (problem) return emulsion::fail(options.path + ": " + problem.message());
  const std::string identity = fmt::format(
      "{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}", path.string(), size, changed.time_since_epoch().count(), options.feed.batch_rows,
      options.feed.single_precision, options.feed.end_of_stream, fmt::join(options.reader.columns, ","), options.reader.time_column,
      options.reader.weight_column, options.repeat, options.shuffle ? options.seed : 0, options.most_rows,
      options.reader.bad_rows == wire::BadRowPolicy::skip);
  return std::max<std::uint64_t>(wire::checksum_64(identity), 1);
}

}  // namespace

PointBatch shuffled(const PointBatch& points, std::uint64_t seed) {
  std::vector<Index> order(static_cast<std::size_t>(points.size()));
  std::iota(order.begin(), order.end(), Index{0});
  // Fisher and Yates; std::shuffle differs between standard libraries. The bias of the remainder is below n / 2^64.
  std::mt19937_64 random(seed);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random() % i]);

  PointBatch result;
  result.points = points.points(Eigen::all, order);
  if (points.weights.size() > 0) result.weights = points.weights(order);
  if (points.has_times()) {
    for (const Index i : order) result.unix_nanoseconds.push_back(points.unix_nanoseconds[static_cast<std::size_t>(i)]);
  }
  return result;
}

int send(const std::vector<std::string>& arguments) {
  SendOptions options;
  std::vector<std::string> words;
  std::string format = "auto";
  std::string header = "auto";
  std::string columns;
  std::string time_unit = "auto";
  std::string on_error = "stop";
  double patience_seconds = 0;
  std::uint64_t count = 0;

  Flags flags("send", kSendHead);
  flags.positional("FILE|-", &words, 1, 1);
  flags.choice("format", &format, {"auto", "csv", "jsonl", "npy"}, "of the file");
  flags.choice("header", &header, {"auto", "present", "absent"}, "whether the first line of a CSV names the columns");
  flags.text("columns", &columns, "NAMES", "the coordinates: names or 0-based positions (default: all numbers)");
  flags.text("label-column", &options.reader.label_column, "NAME", "left out of the points");
  flags.text("time-column", &options.reader.time_column, "NAME", "when a point was observed: ISO 8601, or a number");
  flags.choice("time-unit", &time_unit, {"auto", "s", "ms", "us", "ns"}, "of times that are numbers");
  flags.text("weight-column", &options.reader.weight_column, "NAME", "how many points a row stands for");
  flags.choice("on-error", &on_error, {"stop", "skip"}, "what is done with a row that is bad data");
  flags.whole("repeat", &options.repeat, 1, std::numeric_limits<std::uint64_t>::max(), "N", "send the rows N times");
  flags.toggle("shuffle", &options.shuffle, "in random order, another one each time; reads the file whole");
  flags.whole("seed", &options.seed, 0, std::numeric_limits<std::uint64_t>::max(), "N", "of --shuffle");
  flags.whole("count", &count, 1, std::numeric_limits<std::uint64_t>::max(), "ROWS", "end after so many rows");
  flags.number("patience", &patience_seconds, 0.001, 86400, "SECONDS",
               "send a message that is not full once the input has been silent for so long (default: never)");
  flags.toggle("new-session", &options.new_session,
               "with --acknowledged: send the file again as new points, instead of going on where an earlier run has ended");
  flags.toggle("json", &options.json, "the closing line as one JSON object");
  add_feed_flags(flags, options.feed, options.feed_flags);
  if (const auto over = flags.parse(arguments)) return *over;
  if (const auto good = finish_feed_flags(options.feed_flags, options.feed); !good) {
    return complain("send", good.error().exit_code, good.error().message);
  }

  options.path = words.front();
  options.reader.format = *wire::parse_point_format(format);
  options.reader.csv_header = header == "auto"      ? wire::CsvHeader::automatic
                              : header == "present" ? wire::CsvHeader::present
                                                    : wire::CsvHeader::absent;
  options.reader.columns = split_list(columns);
  options.reader.time_unit = *wire::parse_time_unit(time_unit);
  options.reader.bad_rows = on_error == "skip" ? wire::BadRowPolicy::skip : wire::BadRowPolicy::stop;
  options.reader.patience = Milliseconds(static_cast<std::int64_t>(patience_seconds * 1000));
  options.reader.interrupted = interrupted;
  if (flags.given("count")) options.most_rows = count;

  if (options.new_session && (!options.feed.acknowledged || options.feed.session != 0)) {
    return complain("send", exit_code::kUsage, "--new-session: goes with --acknowledged, and without --session");
  }
  if (options.feed.acknowledged && options.feed.session == 0 && !options.new_session && options.path != "-") {
    const auto session = session_of(options);
    if (!session) return complain("send", exit_code::kBadData, session.error().message);
    options.feed.session = *session;
  }

  const InterruptScope scope;
  Sending sending(options);
  const auto outcome = sending.run();
  return finish(options, sending, outcome);
}

}  // namespace emulsion::client
