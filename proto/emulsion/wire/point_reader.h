// Points from files: CSV, JSON lines and npy, read as a stream.
//
//   CSV         RFC 4180. The first line is a header if one of its cells is not a number. Empty, nan and NA are missing
//   JSON lines  an array of numbers, or an object with a number under each column's name, on each line; null is missing
//   npy         one numeric array, n or n x d, of little-endian f4, f8, i1 to i8, u1 to u8; NaN is missing
//
// A file is never read further than the rows that are asked for, so a pipe that never ends is as good as a file; only
// an npy array in Fortran order has to be read whole.
//
//   auto reader = PointReader::open("faithful.csv");
//   while (auto table = reader->read(1000)) {        // an error ends the loop
//     if (!*table) break;                            // the end of the file
//     use((*table)->batch);
//   }
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "emulsion/points.h"
#include "emulsion/result.h"
#include "emulsion/wire/record_reader.h"
#include "emulsion/wire/timestamp.h"

namespace emulsion::wire {

enum class PointFormat {
  automatic,  // by the end of the file's name (.csv .tsv .txt, .jsonl .ndjson .json, .npy), else by its first byte
  csv,
  json_lines,
  npy,
};

// "auto", "csv", "jsonl" or "npy". Errors: anything else, with what is allowed.
Result<PointFormat> parse_point_format(const std::string& text);

// Whether a CSV file names its columns in its first line.
enum class CsvHeader { automatic, present, absent };

// What is done with a row that cannot be used.
enum class BadRowPolicy {
  stop,  // read() returns the error; the next read() goes on behind the row
  skip,  // the row is counted, and its message kept among the first few
};

// Columns are given by name, or by 0-based position. Columns without names are called x0, x1, ...
struct PointReaderOptions {
  PointFormat format = PointFormat::automatic;

  // The coordinates, in this order. Empty: all columns that hold a number, or nothing, in the first row, without the
  // three below; `columns()` and `left_out()` tell what that came to.
  std::vector<std::string> columns;

  std::string label_column;   // kept as text, not part of the points. Empty: none
  std::string time_column;    // when a point was observed, see timestamp.h. Empty: none
  std::string weight_column;  // finite and > 0. Empty: none

  TimeUnit time_unit = TimeUnit::automatic;  // of times that are plain numbers

  CsvHeader csv_header = CsvHeader::automatic;

  BadRowPolicy bad_rows = BadRowPolicy::stop;

  // Both are used by open() alone, for input that comes slowly through a pipe.
  // Rows that have come are returned, though fewer than asked for, when the first of them is so old. 0: never.
  std::chrono::milliseconds patience{0};
  // Asked while no input comes: true ends the file there. Empty: the wait has no end.
  std::function<bool()> interrupted;
};

// Rows of a file, in its order.
//   batch       d x n; weights and times only if there are columns of them
//   labels      n, as the file spells them; empty if there is no label column
//   first_line  where the first row stands, from 1; in an npy file its number, from 1
//   lines       n, where each row stands
struct PointTable {
  PointBatch batch;
  std::vector<std::string> labels;
  std::uint64_t first_line = 0;
  std::vector<std::uint64_t> lines;
};

// Call order: open|make choose? read*
// Not thread-safe. Untrusted input is refused before anything is allocated for it: a line is at most 16 MiB long and
// has at most 65536 columns.
class PointReader {
 public:
  // Opens a file, or standard input if the path is "-", and reads up to its first row.
  // Errors: cannot be opened; not of the format; no such column; with `stop`, the first row is bad.
  static Result<PointReader> open(const std::string& path, PointReaderOptions options = {});

  // The same for any stream; `name` is used in messages and to tell the format.
  static Result<PointReader> make(std::unique_ptr<std::istream> input, std::string name,
                                  PointReaderOptions options = {});

  ~PointReader();
  PointReader(PointReader&&) noexcept;
  PointReader& operator=(PointReader&&) noexcept;

  // Takes other columns as the coordinates, as PointReaderOptions::columns has them; before the first read.
  // Errors: no such column.
  Result<void> choose(std::vector<std::string> columns);

  // Up to max_rows rows (>= 1), at least one; nothing at the end.
  // Errors: with `stop` a bad row, such as `faithful.csv:17: column "waiting": "n/a" is not a number`, after the rows
  // before it have been returned; with either policy a file that is damaged or cannot be read, after which reading is
  // at its end.
  Result<std::optional<PointTable>> read(Index max_rows);

  // Where the file goes on behind the rows that read() has given, for a reader that is opened later; nothing where the
  // format has no such place, as npy. go_to is called before the first read, and only with what was reached in the same
  // file.
  std::optional<FilePlace> reached() const;
  void go_to(const FilePlace& place);

  // Names of the coordinates, d.
  const std::vector<std::string>& columns() const;

  // The place of a line for messages, such as "faithful.csv:17".
  std::string place(std::uint64_t line) const;

  // Names of all columns, the label and the like included.
  const std::vector<std::string>& all_columns() const;

  // Names of the columns that are not coordinates because their first cell is not a number.
  const std::vector<std::string>& left_out() const;

  // Rows that were skipped, and the messages of the first ten of them.
  std::uint64_t refused_rows() const;
  const std::vector<std::string>& refusals() const;

 private:
  struct State;
  explicit PointReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace emulsion::wire
