// Moments as text and numbers.
#pragma once

#include <cstdint>
#include <string_view>

#include "emulsion/result.h"

namespace emulsion::wire {

// Unit of times that are plain numbers, counted from 1970-01-01 00:00:00 UTC.
enum class TimeUnit {
  // An integer of at least 1e17 in magnitude is nanoseconds (from 1973 on), every other number is seconds. No number
  // can be
  // both: 1e17 seconds do not fit into 64 bits of nanoseconds.
  automatic,
  seconds,
  milliseconds,
  microseconds,
  nanoseconds,
};

// "auto", "s", "ms", "us" or "ns". Errors: anything else, with what is allowed.
Result<TimeUnit> parse_time_unit(std::string_view text);

// Unix nanoseconds of a moment:
//   1423072260   1423072260.123456789   1423072260123456789   1.42307226e9        a number
//   2015-02-04   2015-02-04 17:51   2015-02-04T17:51:00.25Z   2015-02-04T19:51:00+02:00      ISO 8601; UTC without a
//   zone
// Decimal digits are exact to the nanosecond, further ones are cut.
// Errors: not a moment, or out of the range of 64 bits (years 1678 to 2261); without a place, for the caller to add.
Result<std::int64_t> parse_timestamp(std::string_view text, TimeUnit unit = TimeUnit::automatic);

// The same for numbers that are numbers already.
Result<std::int64_t> to_unix_nanoseconds(std::int64_t number, TimeUnit unit = TimeUnit::automatic);
Result<std::int64_t> to_unix_nanoseconds(double number, TimeUnit unit = TimeUnit::automatic);

}  // namespace emulsion::wire
