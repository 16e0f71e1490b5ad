// What a cell of a file says.
//
// Errors have no place; the caller adds it: `"n/a" is not a number`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "emulsion/result.h"
#include "emulsion/wire/record_reader.h"
#include "emulsion/wire/timestamp.h"

namespace emulsion::wire {

// Text that says that there is no value: nothing, NA, or nan in any case and with any sign.
bool is_missing(std::string_view text);

// A coordinate; NaN if it is missing. Errors: not a number, infinite, or not in the range of a double.
Result<double> coordinate(const Cell& cell);

// A weight. Errors: missing, or no is_weight().
Result<double> weight(const Cell& cell);

// When a point was observed, in unix nanoseconds. Errors: missing, or no moment.
Result<std::int64_t> moment(const Cell& cell, TimeUnit unit);

// A label as text; empty if it is missing. Numbers are spelled as short as they can be. Errors: neither text nor
// number.
Result<std::string> label(const Cell& cell);

}  // namespace emulsion::wire
