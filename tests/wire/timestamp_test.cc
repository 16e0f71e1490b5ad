#include "emulsion/wire/timestamp.h"

#include <catch2/catch.hpp>

using emulsion::wire::parse_time_unit;
using emulsion::wire::parse_timestamp;
using emulsion::wire::TimeUnit;
using emulsion::wire::to_unix_nanoseconds;

namespace {

// date -u -d '2015-02-04 17:51:00' +%s
constexpr std::int64_t kSeconds = 1423072260;
constexpr std::int64_t kNanoseconds = kSeconds * 1'000'000'000;

}  // namespace

TEST_CASE("a moment is the same however it is spelled", "[timestamp]") {
  for (const char* text : {"2015-02-04 17:51:00", "2015-02-04T17:51:00Z", "2015-02-04T17:51", "2015-02-04T17:51:00.000",
                           "1423072260", "1423072260.0", "1423072260.", "1.42307226e9", "1423072260000000000",
                           "2015-02-04T19:51:00+02:00", "2015-02-04T12:21:00-0530"}) {
    INFO(text);
    CHECK(parse_timestamp(text).value() == kNanoseconds);
  }
}

TEST_CASE("fractions of a second are exact to the nanosecond", "[timestamp]") {
  CHECK(parse_timestamp("1423072260.123456789").value() == kNanoseconds + 123456789);
  CHECK(parse_timestamp("2015-02-04T17:51:00.123456789999Z").value() == kNanoseconds + 123456789);
  CHECK(parse_timestamp("2015-02-04T17:51:00.5").value() == kNanoseconds + 500000000);
  CHECK(parse_timestamp("-0.25").value() == -250000000);
  CHECK(parse_timestamp("1.5", TimeUnit::milliseconds).value() == 1500000);
}

TEST_CASE("an integer of at least 1e17 is nanoseconds, a smaller one seconds", "[timestamp]") {
  CHECK(to_unix_nanoseconds(std::int64_t{100'000'000'000'000'000}).value() == 100'000'000'000'000'000);
  CHECK(to_unix_nanoseconds(std::int64_t{9'223'372'036}).value() == 9'223'372'036'000'000'000);
  // Milliseconds of 2015 are neither.
  CHECK(parse_timestamp("1423072260000").error().message ==
        "time 1423072260000 is out of range; are its units seconds?");
  CHECK(parse_timestamp("1423072260000", TimeUnit::milliseconds).value() == kNanoseconds);
  CHECK(parse_timestamp("5", TimeUnit::nanoseconds).value() == 5);
  CHECK(to_unix_nanoseconds(0.5).value() == 500000000);
}

TEST_CASE("days are counted by the calendar", "[timestamp]") {
  CHECK(parse_timestamp("1970-01-01").value() == 0);
  CHECK(parse_timestamp("2000-03-01").value() - parse_timestamp("2000-02-28").value() == 2 * 86400'000'000'000);
  CHECK(parse_timestamp("1900-03-01").value() - parse_timestamp("1900-02-28").value() == 86400'000'000'000);
}

TEST_CASE("what is no moment is refused", "[timestamp]") {
  for (const char* text : {"", "noon", "2015-02-30", "2015-13-01", "2015-02-04 24:00", "2015-02-04 17:51:00 ",
                           "2015-02-04T17", "2015-2-4", "12:30", "1.2.3", "--1", "+1", "2015-02-04T17:51:00.Z", "1e"}) {
    INFO(text);
    REQUIRE_FALSE(parse_timestamp(text));
    CHECK(parse_timestamp(text).error().message == "\"" + std::string(text) + "\" is not a time");
  }
  CHECK_FALSE(parse_timestamp("9999-01-01"));
  CHECK_FALSE(parse_timestamp("1e300"));
  CHECK_FALSE(parse_timestamp("99999999999999999999"));
  CHECK_FALSE(to_unix_nanoseconds(1e10));
}

TEST_CASE("units of time have names", "[timestamp]") {
  CHECK(parse_time_unit("us").value() == TimeUnit::microseconds);
  CHECK(parse_time_unit("min").error().message == "\"min\" is not a unit of time; allowed: auto, s, ms, us, ns");
}
