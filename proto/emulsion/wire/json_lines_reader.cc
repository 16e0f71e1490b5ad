#include "emulsion/wire/json_lines_reader.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

namespace emulsion::wire {
namespace {

using Json = nlohmann::ordered_json;

Cell to_cell(const Json& value) {
  Cell cell;
  switch (value.type()) {
    case Json::value_t::null:
      cell.kind = Cell::Kind::missing;
      break;
    case Json::value_t::number_unsigned:
      if (value.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        cell.kind = Cell::Kind::number;
        cell.number = value.get<double>();
        break;
      }
      [[fallthrough]];
    case Json::value_t::number_integer:
      cell.kind = Cell::Kind::integer;
      cell.integer = value.get<std::int64_t>();
      break;
    case Json::value_t::number_float:
      cell.kind = Cell::Kind::number;
      cell.number = value.get<double>();
      break;
    case Json::value_t::string:
      cell.kind = Cell::Kind::text;
      cell.text = value.get_ref<const Json::string_t&>();
      break;
    default:
      cell.kind = Cell::Kind::other;
      if (value.is_boolean()) {
        cell.text = value.get<bool>() ? "true" : "false";
      } else {
        cell.text = value.is_array() ? "an array" : "an object";
      }
  }
  return cell;
}

}  // namespace

struct JsonLinesReader::Parsed {
  Json row;
};

JsonLinesReader::JsonLinesReader(std::istream& input, std::string name)
    : lines_(input, std::move(name)), parsed_(std::make_unique<Parsed>()) {}

JsonLinesReader::~JsonLinesReader() = default;

Result<bool> JsonLinesReader::next(Record& record) {
  do {
    const Result<bool> more = lines_.next(text_);
    if (!more || !*more) return more;
  } while (text_.find_first_not_of(" \t\r") == std::string::npos);
  record.line = lines_.number();
  record.cells.clear();
  record.problem.clear();
  try {
    parsed_->row = Json::parse(text_);
  } catch (const nlohmann::json::parse_error& error) {
    record.problem = "not JSON at byte " + std::to_string(error.byte) + " of the line";
    return true;
  } catch (const nlohmann::json::exception&) {
    record.problem = "a number is out of the range of a double";
    return true;
  }
  record.problem = fill(record);
  return true;
}

// Returns the problem, if there is one.
std::string JsonLinesReader::fill(Record& record) {
  const Json& row = parsed_->row;
  if (!row.is_array() && !row.is_object()) return "neither an array nor an object";
  if (row.size() > kMaxColumns) return "more than " + std::to_string(kMaxColumns) + " columns";
  if (!started_) {
    if (row.empty()) return "an empty row";
    started_ = true;
    objects_ = row.is_object();
    if (!objects_) columns_ = default_column_names(row.size());
    for (const auto& item : row.items()) {
      if (objects_) columns_.push_back(item.key());
    }
  }
  if (row.is_object() != objects_) {
    return objects_ ? "an array where the first row is an object" : "an object where the first row is an array";
  }
  if (!objects_) {
    if (row.size() != columns_.size()) {
      return std::to_string(row.size()) + " values where there are " + std::to_string(columns_.size()) + " columns";
    }
    for (const Json& value : row) record.cells.push_back(to_cell(value));
    return {};
  }
  // Keys mostly come in the order of the first row, so the search begins behind the last one found.
  const auto& members = row.get_ref<const Json::object_t&>();
  auto at = members.begin();
  for (const std::string& column : columns_) {
    if (at == members.end() || at->first != column) at = members.find(column);
    if (at == members.end()) {
      record.cells.emplace_back().kind = Cell::Kind::absent;
      at = members.begin();
    } else {
      record.cells.push_back(to_cell(at->second));
      ++at;
    }
  }
  return {};
}

}  // namespace emulsion::wire
