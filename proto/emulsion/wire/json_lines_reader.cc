#include "emulsion/wire/json_lines_reader.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace emulsion::wire {

// What the parser says of one line; no tree is made of it. A handler returns false to end the parsing.
struct JsonLinesReader::Row final : nlohmann::json_sax<nlohmann::json> {
  enum class Form { none, array, object };

  // One value of the row.
  struct Value {
    // The cell with its text, which lives as long as this.
    Cell whole() const {
      Cell whole = cell;
      whole.text = text;
      return whole;
    }

    std::string key;  // of an object
    Cell cell;        // without text, as values may still be moved
    std::string text;
  };

  void clear() {
    form = Form::none;
    size = 0;
    depth_ = 0;
    problem.clear();
  }

  Form form = Form::none;
  std::vector<Value> values;  // so many as `size`; the rest is memory to be used again
  std::size_t size = 0;
  std::string problem;

  bool null() override { return add(Cell::Kind::missing); }
  bool boolean(bool value) override { return add_other(value ? "true" : "false"); }
  bool number_integer(std::int64_t value) override {
    if (Value* added = add(Cell::Kind::integer)) added->cell.integer = value;
    return problem.empty();
  }
  bool number_unsigned(std::uint64_t value) override {
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return number_float(static_cast<double>(value), {});
    return number_integer(static_cast<std::int64_t>(value));
  }
  bool number_float(double value, const std::string&) override {
    if (Value* added = add(Cell::Kind::number)) added->cell.number = value;
    return problem.empty();
  }
  bool string(std::string& value) override {
    if (Value* added = add(Cell::Kind::text)) added->text.swap(value);
    return problem.empty();
  }
  bool binary(nlohmann::json::binary_t&) override { return true; }  // JSON has none

  bool start_array(std::size_t) override { return begin(Form::array, "an array"); }
  bool start_object(std::size_t) override { return begin(Form::object, "an object"); }
  bool key(std::string& name) override {
    key_.swap(name);
    return true;
  }
  bool end_array() override { return end(); }
  bool end_object() override { return end(); }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& error) override {
    constexpr int kNumberOverflow = 406;
    problem = error.id == kNumberOverflow ? "a number is out of the range of a double"
                                          : "not JSON at byte " + std::to_string(position) + " of the line";
    return false;
  }

 private:
  // Null if it is no value of the row itself, or there are too many.
  Value* add(Cell::Kind kind) {
    if (depth_ != 1) return nullptr;
    if (size == kMaxColumns) {
      problem = "more than " + std::to_string(kMaxColumns) + " columns";
      return nullptr;
    }
    if (size == values.size()) values.emplace_back();
    Value& value = values[size++];
    value.key.swap(key_);
    value.cell = {};
    value.cell.kind = kind;
    value.text.clear();
    return &value;
  }

  bool add_other(const char* name) {
    if (Value* added = add(Cell::Kind::other)) added->text = name;
    return problem.empty();
  }

  bool begin(Form of_row, const char* name) {
    if (depth_ == 0) form = of_row;
    const bool fits = add_other(name);
    ++depth_;
    return fits;
  }

  bool end() {
    --depth_;
    return true;
  }

  std::size_t depth_ = 0;
  std::string key_;  // the latest, which a value of the row takes
};

JsonLinesReader::JsonLinesReader(std::istream& input, std::string name) : lines_(input, std::move(name)), row_(std::make_unique<Row>()) {}

JsonLinesReader::~JsonLinesReader() = default;

Result<bool> JsonLinesReader::next(Record& record) {
  do {
    const Result<bool> more = lines_.next(text_);
    if (!more || !*more) return more;
  } while (text_.find_first_not_of(" \t\r") == std::string::npos);
  record.line = lines_.number();
  record.cells.clear();
  row_->clear();
  nlohmann::json::sax_parse(text_, row_.get());
  record.problem = row_->problem.empty() ? fill(record) : row_->problem;
  return true;
}

// Returns the problem, if there is one.
std::string JsonLinesReader::fill(Record& record) {
  const Row& row = *row_;
  const std::span<const Row::Value> values(row.values.data(), row.size);
  if (row.form == Row::Form::none) return "neither an array nor an object";
  const bool object = row.form == Row::Form::object;
  if (!started_ && values.empty()) return "an empty row";
  if (!std::exchange(started_, true)) {
    objects_ = object;
    if (!objects_) columns_ = default_column_names(values.size());
  }
  if (object != objects_) return objects_ ? "an array where the first row is an object" : "an object where the first row is an array";
  const auto has_key = [](const Row::Value& value, const std::string& column) { return value.key == column; };
  if (objects_ && !std::equal(values.begin(), values.end(), columns_.begin(), columns_.end(), has_key)) {
    fill_by_key(record);
    return {};
  }
  if (values.size() != columns_.size())
    return std::to_string(values.size()) + " values where there are " + std::to_string(columns_.size()) + " columns";
  for (const Row::Value& value : values) record.cells.push_back(value.whole());
  return {};
}

// Of an object whose keys are not the columns in their order. Takes the columns from the keys of the first row; of values with the
// same key the last one counts.
void JsonLinesReader::fill_by_key(Record& record) {
  std::unordered_map<std::string_view, const Row::Value*> by_key;
  const bool first = columns_.empty();
  for (const Row::Value& value : std::span<const Row::Value>(row_->values.data(), row_->size)) {
    const bool is_new = by_key.insert_or_assign(value.key, &value).second;
    if (first && is_new) columns_.push_back(value.key);
  }
  for (const std::string& column : columns_) {
    const auto found = by_key.find(column);
    if (found != by_key.end())
      record.cells.push_back(found->second->whole());
    else
      record.cells.emplace_back().kind = Cell::Kind::absent;
  }
}

}  // namespace emulsion::wire
