#include "emulsion/wire/timestamp.h"

#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>
#include <string>
#include <system_error>

#include "emulsion/wire/quoted.h"
#include "emulsion/wire/topic.h"

namespace emulsion::wire {
namespace {

constexpr std::int64_t kNanosecondsFrom = 100'000'000'000'000'000;  // see TimeUnit::automatic
constexpr int kNanosecondDigits = 9;

__extension__ using Wide = __int128;

int decimals(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::milliseconds:
      return 6;
    case TimeUnit::microseconds:
      return 3;
    case TimeUnit::nanoseconds:
      return 0;
    case TimeUnit::automatic:
    case TimeUnit::seconds:
      break;
  }
  return kNanosecondDigits;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

tl::unexpected<Error> not_a_time(std::string_view text) { return fail(quoted(text) + " is not a time"); }

tl::unexpected<Error> out_of_range(std::string_view text) {
  return fail("time " + printable(text) + " is out of range; are its units seconds?");
}

Result<std::int64_t> narrowed(Wide value, std::string_view text) {
  if (value < std::numeric_limits<std::int64_t>::min() || value > std::numeric_limits<std::int64_t>::max()) {
    return out_of_range(text);
  }
  return static_cast<std::int64_t>(value);
}

// Reads from the front of a text.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool done() const { return at_ == text_.size(); }
  char peek() const { return done() ? '\0' : text_[at_]; }
  bool take(char c) {
    if (done() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  // Exactly `count` digits.
  bool take_digits(int count, int& value) {
    value = 0;
    for (int i = 0; i < count; ++i) {
      if (done() || !is_digit(text_[at_])) return false;
      value = 10 * value + (text_[at_++] - '0');
    }
    return true;
  }
  // One digit or more, as if `scale` digits followed the point: the first ones count, the others are cut.
  bool take_fraction(int scale, std::int64_t& value) {
    value = 0;
    if (!is_digit(peek())) return false;
    for (; is_digit(peek()); ++at_) {
      if (scale > 0) {
        value = 10 * value + (text_[at_] - '0');
        --scale;
      }
    }
    for (; scale > 0; --scale) value *= 10;
    return true;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

Result<std::int64_t> calendar_time(std::string_view text) {
  Scanner scan(text);
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  std::int64_t nanoseconds = 0;
  if (!scan.take_digits(4, year) || !scan.take('-') || !scan.take_digits(2, month) || !scan.take('-') ||
      !scan.take_digits(2, day)) {
    return not_a_time(text);
  }
  int zone_minutes = 0;
  if (scan.take('T') || scan.take(' ')) {
    if (!scan.take_digits(2, hour) || !scan.take(':') || !scan.take_digits(2, minute)) return not_a_time(text);
    if (scan.take(':')) {
      if (!scan.take_digits(2, second)) return not_a_time(text);
      if (scan.take('.') && !scan.take_fraction(kNanosecondDigits, nanoseconds)) return not_a_time(text);
    }
    const char zone = scan.peek();
    if (zone == '+' || zone == '-') {
      int hours = 0, minutes = 0;
      scan.take(zone);
      if (!scan.take_digits(2, hours)) return not_a_time(text);
      if ((scan.take(':') || !scan.done()) && !scan.take_digits(2, minutes)) return not_a_time(text);
      if (hours > 23 || minutes > 59) return not_a_time(text);
      zone_minutes = (zone == '-' ? -1 : 1) * (60 * hours + minutes);
    } else {
      scan.take('Z');
    }
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  // Second 60 is a leap second: it counts as the first of the next minute, as unix time has it.
  if (!scan.done() || !date.ok() || hour > 23 || minute > 59 || second > 60) return not_a_time(text);
  const Wide days = std::chrono::sys_days(date).time_since_epoch().count();
  const Wide seconds = ((days * 24 + hour) * 60 + minute - zone_minutes) * 60 + second;
  return narrowed(seconds * 1'000'000'000 + nanoseconds, text);
}

// A sign, digits, and perhaps a point and digits.
Result<std::int64_t> decimal_time(std::string_view text, TimeUnit unit) {
  const bool negative = text.front() == '-';
  const char* const end = text.data() + text.size();
  std::int64_t whole = 0;
  const auto [stop, code] = std::from_chars(text.data() + (negative ? 1 : 0), end, whole);
  if (code == std::errc::result_out_of_range) return out_of_range(text);
  if (code != std::errc() || whole < 0) return not_a_time(text);
  if (stop == end) return to_unix_nanoseconds(negative ? -whole : whole, unit);
  Scanner scan(std::string_view(stop, static_cast<std::size_t>(end - stop)));
  const int digits = decimals(unit);
  std::int64_t fraction = 0;
  if (!scan.take('.') || (!scan.done() && !scan.take_fraction(digits, fraction)) || !scan.done()) {
    return not_a_time(text);
  }
  Wide total = whole;
  for (int i = 0; i < digits; ++i) total *= 10;
  total += fraction;
  return narrowed(negative ? -total : total, text);
}

}  // namespace

Result<TimeUnit> parse_time_unit(std::string_view text) {
  if (text == "auto") return TimeUnit::automatic;
  if (text == "s") return TimeUnit::seconds;
  if (text == "ms") return TimeUnit::milliseconds;
  if (text == "us") return TimeUnit::microseconds;
  if (text == "ns") return TimeUnit::nanoseconds;
  return fail(quoted(text) + " is not a unit of time; allowed: auto, s, ms, us, ns");
}

Result<std::int64_t> to_unix_nanoseconds(std::int64_t number, TimeUnit unit) {
  if (unit == TimeUnit::automatic && (number >= kNanosecondsFrom || number <= -kNanosecondsFrom)) return number;
  Wide value = number;
  for (int i = 0; i < decimals(unit); ++i) value *= 10;
  return narrowed(value, std::to_string(number));
}

Result<std::int64_t> to_unix_nanoseconds(double number, TimeUnit unit) {
  const double value = number * std::pow(10.0, decimals(unit));
  constexpr double kLimit = 9223372036854775808.0;  // 2^63
  if (!(value >= -kLimit && value < kLimit)) return out_of_range(std::to_string(number));
  return static_cast<std::int64_t>(std::llround(value));
}

Result<std::int64_t> parse_timestamp(std::string_view text, TimeUnit unit) {
  if (text.size() > 4 && text[4] == '-' && is_digit(text[0])) return calendar_time(text);
  if (text.empty()) return not_a_time(text);
  if (text.find_first_of("eE") == std::string_view::npos) return decimal_time(text, unit);
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, number);
  if (code != std::errc() || stop != end || !std::isfinite(number)) return not_a_time(text);
  return to_unix_nanoseconds(number, unit);
}

}  // namespace emulsion::wire
