// Rows of a CSV file (RFC 4180), by libcsv. Cells may also be separated by semicolons or tabs.
#pragma once

#include <cstddef>
#include <deque>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "emulsion/wire/line_reader.h"
#include "emulsion/wire/point_reader.h"
#include "emulsion/wire/record_reader.h"

struct csv_parser;

namespace emulsion::wire {

struct CsvOptions {
  CsvHeader header = CsvHeader::automatic;
  char delimiter = 0;  // 0: what separates the cells of the first line; a comma if there is one

  // Positions of columns that may hold text, so that text there makes no header.
  std::vector<std::size_t> text_columns;
};

// Every cell is text, or missing. Blank lines are skipped; quoted cells may span lines. A row with wrong quotes, or
// with another number of cells than the first, has a problem.
class CsvReader : public RecordReader {
 public:
  CsvReader(std::istream& input, std::string name, CsvOptions options);
  ~CsvReader() override;

  Result<bool> next(Record& record) override;
  const std::vector<std::string>& columns() const override { return columns_; }
  std::optional<FilePlace> reached() const override;
  void go_to(const FilePlace& place) override;
  std::string place(std::uint64_t line) const override { return lines_.place(line); }

 private:
  struct Row {
    std::uint64_t line = 0;
    std::string problem;
    std::vector<std::string> cells;
  };

  static void on_cell(void* text, std::size_t size, void* self);
  static void on_row(int terminator, void* self);

  void reset_parser();
  void find_delimiter();
  void refuse_row(std::string problem);
  Result<bool> next_row(Row& row);
  bool is_header(const Row& row) const;

  LineReader lines_;
  CsvOptions options_;
  std::unique_ptr<csv_parser> parser_;
  std::vector<std::string> columns_;
  std::string text_;
  Row open_row_;  // its cells so far
  std::size_t row_bytes_ = 0;
  std::deque<Row> rows_;  // complete
  Row row_;               // given out last; it owns the text of the cells
  bool started_ = false;
  bool ended_ = false;
};

}  // namespace emulsion::wire
