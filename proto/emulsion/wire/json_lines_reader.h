// Rows of a JSON lines file, by nlohmann::json.
#pragma once

#include <istream>
#include <memory>
#include <string>
#include <vector>

#include "emulsion/wire/line_reader.h"
#include "emulsion/wire/record_reader.h"

namespace emulsion::wire {

// Each line is an array of values, or an object with them by name; the first row decides which, and gives the columns.
// Keys may come in any order; further ones are ignored, and one that is not there makes its cell absent. Blank lines
// are skipped.
class JsonLinesReader : public RecordReader {
 public:
  JsonLinesReader(std::istream& input, std::string name);
  ~JsonLinesReader() override;

  Result<bool> next(Record& record) override;
  const std::vector<std::string>& columns() const override { return columns_; }
  std::optional<FilePlace> reached() const override { return lines_.reached(); }
  void go_to(const FilePlace& place) override { lines_.go_to(place); }
  std::string place(std::uint64_t line) const override { return lines_.place(line); }

 private:
  struct Row;

  std::string fill(Record& record);
  void fill_by_key(Record& record);

  LineReader lines_;
  std::unique_ptr<Row> row_;  // the row given out last; it owns the text of the cells
  std::vector<std::string> columns_;
  std::string text_;
  bool started_ = false;
  bool objects_ = false;
};

}  // namespace emulsion::wire
