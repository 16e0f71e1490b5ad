#include "emulsion/wire/cell.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

#include "emulsion/points.h"
#include "emulsion/wire/quoted.h"

namespace emulsion::wire {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

template <typename T>
std::string spelled(T value) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return std::string(text, end);
}

Result<double> number_in(std::string_view text) {
  if (is_missing(text)) return kMissing;
  const std::size_t sign = text.size() > 1 && text[0] == '+' && text[1] != '-' ? 1 : 0;
  const char* const end = text.data() + text.size();
  double value = 0;
  const auto [stop, code] = std::from_chars(text.data() + sign, end, value);
  if (stop != end || code == std::errc::invalid_argument) return fail(quoted(text) + " is not a number");
  if (code == std::errc::result_out_of_range) return fail(quoted(text) + " is out of the range of a double");
  if (!std::isfinite(value)) return fail(quoted(text) + " is not a finite number");
  return value;
}

}  // namespace

bool is_missing(std::string_view text) {
  if (text.empty() || text == "NA") return true;
  if (text.size() == 4 && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return text.size() == 3 && (text[0] | 32) == 'n' && (text[1] | 32) == 'a' && (text[2] | 32) == 'n';
}

Result<double> coordinate(const Cell& cell) {
  switch (cell.kind) {
    case Cell::Kind::missing:
      return kMissing;
    case Cell::Kind::absent:
      return fail("is not there");
    case Cell::Kind::integer:
      return static_cast<double>(cell.integer);
    case Cell::Kind::number:
      if (std::isinf(cell.number)) return fail(spelled(cell.number) + " is not a finite number");
      return cell.number;
    case Cell::Kind::text:
      return number_in(cell.text);
    case Cell::Kind::other:
      break;
  }
  return fail(std::string(cell.text) + " is not a number");
}

Result<double> weight(const Cell& cell) {
  const Result<double> number = coordinate(cell);
  if (!number) return number;
  if (std::isnan(*number)) return fail("the weight is missing");
  if (*number <= 0) return fail("weight " + spelled(*number) + " is not > 0");
  if (!is_weight(*number)) return fail("weight " + spelled(*number) + " is not from 1e-30 to 1e30");
  return number;
}

Result<std::int64_t> moment(const Cell& cell, TimeUnit unit) {
  switch (cell.kind) {
    case Cell::Kind::missing:
      return fail("the time is missing");
    case Cell::Kind::absent:
      return fail("is not there");
    case Cell::Kind::integer:
      return to_unix_nanoseconds(cell.integer, unit);
    case Cell::Kind::number:
      if (std::isnan(cell.number)) return fail("the time is missing");
      return to_unix_nanoseconds(cell.number, unit);
    case Cell::Kind::text:
      if (is_missing(cell.text)) return fail("the time is missing");
      return parse_timestamp(cell.text, unit);
    case Cell::Kind::other:
      break;
  }
  return fail(std::string(cell.text) + " is not a time");
}

Result<std::string> label(const Cell& cell) {
  switch (cell.kind) {
    case Cell::Kind::missing:
      return std::string();
    case Cell::Kind::absent:
      return fail("is not there");
    case Cell::Kind::integer:
      return spelled(cell.integer);
    case Cell::Kind::number:
      return std::isnan(cell.number) ? std::string() : spelled(cell.number);
    case Cell::Kind::text:
      return std::string(cell.text);
    case Cell::Kind::other:
      break;
  }
  return fail(std::string(cell.text) + " is not a label");
}

}  // namespace emulsion::wire
