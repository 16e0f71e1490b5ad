#include "emulsion/wire/point_reader.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <istream>
#include <string_view>
#include <system_error>
#include <utility>

#include "emulsion/wire/cell.h"
#include "emulsion/wire/csv_reader.h"
#include "emulsion/wire/input_stream.h"
#include "emulsion/wire/json_lines_reader.h"
#include "emulsion/wire/npy_reader.h"
#include "emulsion/wire/quoted.h"
#include "emulsion/wire/record_reader.h"
#include "emulsion/wire/topic.h"

namespace emulsion::wire {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxRefusals = 10;
constexpr Index kReservedRows = 4096;

bool ends_with(std::string_view name, std::string_view end) {
  if (name.size() < end.size()) return false;
  name.remove_prefix(name.size() - end.size());
  return std::equal(name.begin(), name.end(), end.begin(),
                    [](unsigned char a, unsigned char b) { return std::tolower(a) == b; });
}

PointFormat detect_format(std::string_view name, std::istream& input) {
  for (const char* end : {".csv", ".tsv", ".txt"}) {
    if (ends_with(name, end)) return PointFormat::csv;
  }
  for (const char* end : {".jsonl", ".ndjson", ".json"}) {
    if (ends_with(name, end)) return PointFormat::json_lines;
  }
  if (ends_with(name, ".npy")) return PointFormat::npy;
  const int first = input.peek();
  if (first == 0x93) return PointFormat::npy;
  return first == '[' || first == '{' ? PointFormat::json_lines : PointFormat::csv;
}

std::optional<std::size_t> position(std::string_view text) {
  std::size_t value = 0;
  const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || code != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

// The column that a user means by a name or a position.
Result<std::size_t> find_column(const std::vector<std::string>& columns, const std::string& wanted) {
  const auto found = std::find(columns.begin(), columns.end(), wanted);
  if (found != columns.end()) {
    if (std::find(found + 1, columns.end(), wanted) != columns.end()) {
      return fail("column " + wire::quoted(wanted) + " is there twice; give its position instead, from 0");
    }
    return static_cast<std::size_t>(found - columns.begin());
  }
  if (const auto index = position(wanted); index && *index < columns.size()) return *index;
  std::string allowed;
  for (const std::string& column : columns) allowed += (allowed.empty() ? "" : ", ") + printable(column);
  return fail("no column " + wire::quoted(wanted) + "; there are: " + printable(allowed, 400));
}

}  // namespace

struct PointReader::State {
  std::unique_ptr<std::istream> input;
  const DescriptorBuffer* failures = nullptr;  // of input, if it is a file
  DescriptorBuffer* waiting = nullptr;         // the same, if there is a patience
  std::string name;
  PointReaderOptions options;
  std::unique_ptr<RecordReader> records;

  std::vector<std::size_t> coordinates;  // positions of columns
  std::optional<std::size_t> label_at, time_at, weight_at;
  std::vector<std::string> columns, left_out;

  Record record;
  bool has_record = false;             // `record` was read and not yet used
  std::optional<Error> pending_error;  // returned by the next read
  bool ended = false;
  std::uint64_t refused = 0;
  std::vector<std::string> refusals;

  Result<void> start();
  Result<bool> next_record();
  Result<void> choose_columns();
  Result<void> append(PointTable& table, std::vector<double>& values, std::vector<double>& weights) const;
  Result<bool> refuse(std::string message);
};

// With `skip` the row is counted; with `stop` its message is the result.
Result<bool> PointReader::State::refuse(std::string message) {
  message = records->place(record.line) + ": " + message;
  if (options.bad_rows == BadRowPolicy::stop) return fail(std::move(message));
  ++refused;
  if (refusals.size() < kMaxRefusals) refusals.push_back(std::move(message));
  return true;
}

// Reads into `record`. False at the end. An error leaves `ended` false if reading can go on behind it.
Result<bool> PointReader::State::next_record() {
  if (has_record) return true;
  while (!ended) {
    const Result<bool> more = records->next(record);
    ended = !more || !*more;
    if (failures != nullptr && ended && !failures->failure().empty()) return fail(name + ": " + failures->failure());
    if (!more || !*more) return more;
    if (record.problem.empty()) {
      has_record = true;
      return true;
    }
    if (const Result<bool> refused_row = refuse(record.problem); !refused_row) return refused_row;
  }
  return false;
}

Result<void> PointReader::State::choose_columns() {
  const std::vector<std::string>& names = records->columns();
  const auto choose = [&](const std::string& wanted, std::optional<std::size_t>& at) -> Result<void> {
    if (wanted.empty()) return {};
    const Result<std::size_t> found = find_column(names, wanted);
    if (!found) return fail(name + ": " + found.error().message);
    at = *found;
    return {};
  };
  for (const auto& [wanted, at] : {std::pair{&options.label_column, &label_at},
                                   {&options.time_column, &time_at},
                                   {&options.weight_column, &weight_at}}) {
    if (const Result<void> chosen = choose(*wanted, *at); !chosen) return chosen;
  }
  for (const std::string& wanted : options.columns) {
    const Result<std::size_t> found = find_column(names, wanted);
    if (!found) return fail(name + ": " + found.error().message);
    if (std::find(coordinates.begin(), coordinates.end(), *found) != coordinates.end()) {
      return fail(name + ": column " + wire::quoted(wanted) + " is chosen twice");
    }
    coordinates.push_back(*found);
  }
  if (options.columns.empty()) {
    std::string why_not;  // the first column that is left out
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (i == label_at || i == time_at || i == weight_at) continue;
      const Result<double> number = has_record ? coordinate(record.cells[i]) : 0.0;
      if (number) {
        coordinates.push_back(i);
      } else {
        if (left_out.empty()) why_not = "; column " + wire::quoted(names[i]) + ": " + number.error().message;
        left_out.push_back(names[i]);
      }
    }
    if (coordinates.empty()) {
      const std::string place = has_record ? records->place(record.line) : name;
      return fail(place + ": no column of numbers is left for the points" + why_not);
    }
  }
  for (const std::size_t i : coordinates) columns.push_back(names[i]);
  return {};
}

Result<void> PointReader::State::start() {
  PointFormat format = options.format;
  if (format == PointFormat::automatic) format = detect_format(name, *input);
  if (format == PointFormat::json_lines) {
    records = std::make_unique<JsonLinesReader>(*input, name);
  } else if (format == PointFormat::npy) {
    records = std::make_unique<NpyReader>(*input, name);
  } else {
    CsvOptions csv;
    csv.header = options.csv_header;
    if (ends_with(name, ".tsv")) csv.delimiter = '\t';
    for (const std::string* column : {&options.label_column, &options.time_column}) {
      if (const auto at = position(*column)) csv.text_columns.push_back(*at);
    }
    records = std::make_unique<CsvReader>(*input, name, csv);
  }
  const Result<bool> first = next_record();
  if (!first) return tl::unexpected(first.error());
  if (!*first && records->columns().empty()) {
    return fail(name + (refused > 0 ? ": no row can be used; the first: " + refusals.front() : ": no points"));
  }
  return choose_columns();
}

// Adds the record, or nothing of it.
Result<void> PointReader::State::append(PointTable& table, std::vector<double>& values,
                                        std::vector<double>& weights) const {
  const auto error = [this](std::size_t at, const Error& why) {
    return fail("column " + wire::quoted(records->columns()[at]) + ": " + why.message);
  };
  const std::size_t before = values.size();
  std::string label_text;
  std::int64_t time = 0;
  double row_weight = 1;
  if (label_at) {
    Result<std::string> text = label(record.cells[*label_at]);
    if (!text) return error(*label_at, text.error());
    label_text = std::move(*text);
  }
  if (time_at) {
    const Result<std::int64_t> nanoseconds = moment(record.cells[*time_at], options.time_unit);
    if (!nanoseconds) return error(*time_at, nanoseconds.error());
    time = *nanoseconds;
  }
  if (weight_at) {
    const Result<double> number = weight(record.cells[*weight_at]);
    if (!number) return error(*weight_at, number.error());
    row_weight = *number;
  }
  for (const std::size_t at : coordinates) {
    const Result<double> number = coordinate(record.cells[at]);
    if (!number) {
      values.resize(before);
      return error(at, number.error());
    }
    values.push_back(*number);
  }
  if (label_at) table.labels.push_back(std::move(label_text));
  if (time_at) table.batch.unix_nanoseconds.push_back(time);
  if (weight_at) weights.push_back(row_weight);
  return {};
}

Result<void> PointReader::choose(std::vector<std::string> columns) {
  state_->options.columns = std::move(columns);
  state_->coordinates.clear();
  state_->columns.clear();
  state_->left_out.clear();
  return state_->choose_columns();
}

Result<std::optional<PointTable>> PointReader::read(Index max_rows) {
  State& state = *state_;
  if (state.pending_error) return fail(std::exchange(state.pending_error, std::nullopt)->message);
  if (max_rows < 1) return fail(state.name + ": " + std::to_string(max_rows) + " rows were asked for; allowed: >= 1");
  PointTable table;
  std::vector<double> values, weights;
  const auto d = static_cast<Index>(state.coordinates.size());
  values.reserve(static_cast<std::size_t>(std::min(max_rows, kReservedRows) * d));
  Index rows = 0;
  Clock::time_point deadline;
  while (rows < max_rows) {
    if (rows > 0 && state.waiting != nullptr && !state.has_record) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
      if (!state.waiting->wait(left)) break;
    }
    Result<bool> outcome = state.next_record();
    if (outcome && !*outcome) break;
    if (outcome) {
      state.has_record = false;
      if (const Result<void> added = state.append(table, values, weights)) {
        table.lines.push_back(state.record.line);
        if (rows++ == 0) {
          table.first_line = state.record.line;
          deadline = Clock::now() + state.options.patience;
        }
        continue;
      } else {
        outcome = state.refuse(added.error().message);
      }
    }
    if (outcome) continue;
    if (rows == 0) return tl::unexpected(outcome.error());
    state.pending_error = outcome.error();
    break;
  }
  if (rows == 0) return std::nullopt;
  table.batch.points = Eigen::Map<const Eigen::MatrixXd>(values.data(), d, rows);
  table.batch.weights = Eigen::Map<const Eigen::VectorXd>(weights.data(), static_cast<Index>(weights.size()));
  return table;
}

Result<PointReader> PointReader::open(const std::string& path, PointReaderOptions options) {
  Result<std::unique_ptr<InputStream>> input = InputStream::open(path, options.interrupted);
  if (!input) return tl::unexpected(input.error());
  auto state = std::make_unique<State>();
  state->failures = &(*input)->buffer();
  if (options.patience.count() > 0) state->waiting = &(*input)->buffer();
  state->input = std::move(*input);
  state->name = path == "-" ? "standard input" : path;
  state->options = std::move(options);
  if (const Result<void> started = state->start(); !started) return tl::unexpected(started.error());
  return PointReader(std::move(state));
}

Result<PointReader> PointReader::make(std::unique_ptr<std::istream> input, std::string name,
                                      PointReaderOptions options) {
  auto state = std::make_unique<State>();
  state->input = std::move(input);
  state->name = std::move(name);
  state->options = std::move(options);
  if (const Result<void> started = state->start(); !started) return tl::unexpected(started.error());
  return PointReader(std::move(state));
}

PointReader::PointReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
PointReader::~PointReader() = default;
PointReader::PointReader(PointReader&&) noexcept = default;
PointReader& PointReader::operator=(PointReader&&) noexcept = default;

std::optional<FilePlace> PointReader::reached() const { return state_->has_record ? std::nullopt : state_->records->reached(); }

void PointReader::go_to(const FilePlace& place) {
  state_->records->go_to(place);
  state_->has_record = state_->ended = false;
  state_->pending_error.reset();
}

const std::vector<std::string>& PointReader::columns() const { return state_->columns; }
const std::vector<std::string>& PointReader::left_out() const { return state_->left_out; }
std::string PointReader::place(std::uint64_t line) const { return state_->records->place(line); }
const std::vector<std::string>& PointReader::all_columns() const { return state_->records->columns(); }
std::uint64_t PointReader::refused_rows() const { return state_->refused; }
const std::vector<std::string>& PointReader::refusals() const { return state_->refusals; }

Result<PointFormat> parse_point_format(const std::string& text) {
  if (text == "auto") return PointFormat::automatic;
  if (text == "csv") return PointFormat::csv;
  if (text == "jsonl") return PointFormat::json_lines;
  if (text == "npy") return PointFormat::npy;
  return fail(wire::quoted(text) + " is not a format of points; allowed: auto, csv, jsonl, npy");
}

}  // namespace emulsion::wire
