// Rows as a file has them: cells under the names of columns. The seam between the formats and point_reader.cc.
//
// Implementations: csv_reader.h, json_lines_reader.h, npy_reader.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "emulsion/result.h"

namespace emulsion::wire {

inline constexpr std::size_t kMaxColumns = 65536;
inline constexpr std::size_t kMaxLineBytes = std::size_t{16} << 20;

// One value. Text lives until the next row is read.
struct Cell {
  enum class Kind {
    missing,  // there, and says that there is no value
    absent,   // not there
    integer,
    number,
    text,
    other,  // nothing that a column can hold; `text` names it, such as "an array"
  };
  Kind kind = Kind::missing;
  std::int64_t integer = 0;
  double number = 0;
  std::string_view text;
};

struct Record {
  std::uint64_t line = 0;   // where it begins, from 1
  std::string problem;      // why the row cannot be used; empty if it can
  std::vector<Cell> cells;  // one per column, if there is no problem
};

// A place between two rows of a file.
struct FilePlace {
  std::uint64_t byte = 0;  // from 0
  std::uint64_t line = 0;  // of the last line before it, from 1
};

class RecordReader {
 public:
  virtual ~RecordReader() = default;

  // Reads the next row. False at the end.
  // Errors: the file is damaged or cannot be read; there is nothing behind that. The message has its place.
  virtual Result<bool> next(Record& record) = 0;

  // Names of the columns, known once a row without a problem has been read, or the end.
  virtual const std::vector<std::string>& columns() const = 0;

  // The place behind the row that was read last; nothing if there is none that one could go to.
  virtual std::optional<FilePlace> reached() const { return std::nullopt; }

  // Goes to a place that an earlier reader of the file has reached. Where reached() gives nothing, it must not be called.
  virtual void go_to(const FilePlace&) {}

  // The place of a row for messages, such as "faithful.csv:17".
  virtual std::string place(std::uint64_t line) const = 0;
};

// The names of columns that have none: x0, x1, ...
inline std::vector<std::string> default_column_names(std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.emplace_back(1, 'x') += std::to_string(i);
  return names;
}

}  // namespace emulsion::wire
