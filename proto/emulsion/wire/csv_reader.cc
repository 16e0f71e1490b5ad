#include "emulsion/wire/csv_reader.h"

#include <csv.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "emulsion/wire/cell.h"

namespace emulsion::wire {
namespace {

// What separates the cells of a line: the first of these that stands outside of quotes; a comma if none does.
char delimiter_of(std::string_view line) {
  for (const char delimiter : {',', ';', '\t'}) {
    bool quoted = false;
    for (const char c : line) {
      if (c == '"') quoted = !quoted;
      if (c == delimiter && !quoted) return delimiter;
    }
  }
  return ',';
}

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r\n") == std::string_view::npos; }

}  // namespace

CsvReader::CsvReader(std::istream& input, std::string name, CsvOptions options)
    : lines_(input, std::move(name)), options_(std::move(options)), parser_(std::make_unique<csv_parser>()) {
  csv_init(parser_.get(), CSV_STRICT | CSV_STRICT_FINI);
  csv_set_delim(parser_.get(), static_cast<unsigned char>(options_.delimiter));
}

CsvReader::~CsvReader() { csv_free(parser_.get()); }

void CsvReader::reset_parser() {
  csv_free(parser_.get());
  csv_init(parser_.get(), CSV_STRICT | CSV_STRICT_FINI);
  csv_set_delim(parser_.get(), static_cast<unsigned char>(options_.delimiter));
}

void CsvReader::find_delimiter() {
  if (options_.delimiter != 0 || is_blank(text_)) return;
  options_.delimiter = delimiter_of(text_);
  csv_set_delim(parser_.get(), static_cast<unsigned char>(options_.delimiter));
}

void CsvReader::on_cell(void* text, std::size_t size, void* self) {
  auto& reader = *static_cast<CsvReader*>(self);
  if (reader.open_row_.cells.size() == kMaxColumns) {
    reader.open_row_.problem = "more than " + std::to_string(kMaxColumns) + " columns";
    return;
  }
  reader.open_row_.cells.emplace_back(static_cast<const char*>(text), size);
}

void CsvReader::on_row(int, void* self) {
  auto& reader = *static_cast<CsvReader*>(self);
  const std::uint64_t line = reader.open_row_.line;
  reader.rows_.push_back(std::exchange(reader.open_row_, {}));
  reader.open_row_.line = line;  // of what follows a lone carriage return in the same line
}

void CsvReader::refuse_row(std::string problem) {
  reset_parser();
  open_row_.problem = std::move(problem);
  on_row(0, this);
  row_bytes_ = 0;
}

// libcsv is fed line by line, because it does not tell in which line it is.
Result<bool> CsvReader::next_row(Row& row) {
  while (rows_.empty()) {
    if (ended_) return false;
    const Result<bool> more = lines_.next(text_);
    if (!more) return tl::unexpected(more.error());
    if (row_bytes_ == 0) open_row_.line = lines_.number();
    if (!*more) {
      ended_ = true;
      if (csv_fini(parser_.get(), on_cell, on_row, this) != 0) refuse_row("a quoted cell is not closed");
      continue;
    }
    find_delimiter();
    text_ += '\n';
    row_bytes_ += text_.size();
    const std::size_t complete = rows_.size();
    if (row_bytes_ > kMaxLineBytes) {
      refuse_row("a quoted cell is not closed within " + std::to_string(kMaxLineBytes) + " bytes");
    } else if (csv_parse(parser_.get(), text_.data(), text_.size(), on_cell, on_row, this) != text_.size()) {
      refuse_row("a quotation mark inside a cell is neither doubled nor around it");
    }
    if (rows_.size() > complete || (is_blank(text_) && open_row_.cells.empty() && parser_->entry_pos == 0)) row_bytes_ = 0;
  }
  row = std::move(rows_.front());
  rows_.pop_front();
  return true;
}

// There is none between two rows that a lone carriage return puts into one line.
std::optional<FilePlace> CsvReader::reached() const {
  return rows_.empty() && row_bytes_ == 0 ? std::optional(lines_.reached()) : std::nullopt;
}

void CsvReader::go_to(const FilePlace& place) {
  lines_.go_to(place);
  reset_parser();
  open_row_ = {};
  row_bytes_ = 0;
  rows_.clear();
  ended_ = false;
}

bool CsvReader::is_header(const Row& row) const {
  if (options_.header != CsvHeader::automatic) return options_.header == CsvHeader::present;
  for (std::size_t i = 0; i < row.cells.size(); ++i) {
    const auto& text_columns = options_.text_columns;
    if (std::find(text_columns.begin(), text_columns.end(), i) != text_columns.end()) continue;
    Cell cell;
    cell.kind = Cell::Kind::text;
    cell.text = row.cells[i];
    if (!coordinate(cell)) return true;
  }
  return false;
}

Result<bool> CsvReader::next(Record& record) {
  for (;;) {
    const Result<bool> more = next_row(row_);
    if (!more || !*more) return more;
    if (started_ || !row_.problem.empty()) break;
    started_ = true;
    if (!is_header(row_)) {
      columns_ = default_column_names(row_.cells.size());
      break;
    }
    columns_ = std::move(row_.cells);
  }
  record.line = row_.line;
  record.problem = row_.problem;
  if (record.problem.empty() && row_.cells.size() != columns_.size()) {
    record.problem =
        std::to_string(row_.cells.size()) + " cells where there are " + std::to_string(columns_.size()) + " columns";
  }
  record.cells.resize(row_.cells.size());
  for (std::size_t i = 0; i < row_.cells.size(); ++i) {
    record.cells[i].kind = row_.cells[i].empty() ? Cell::Kind::missing : Cell::Kind::text;
    record.cells[i].text = row_.cells[i];
  }
  return true;
}

}  // namespace emulsion::wire
