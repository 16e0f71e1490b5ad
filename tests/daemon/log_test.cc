#include "daemon/log.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

namespace emulsion::service {
namespace {

using Catch::Matchers::Matches;
using namespace std::chrono_literals;

// Collects lines for the length of a test.
struct Lines {
  Lines(const std::string& level, const std::string& format) {
    log::write_to([this](std::string_view line) { lines.emplace_back(line); });
    REQUIRE(log::configure({level, format}));
  }
  ~Lines() {
    log::write_to(nullptr);
    CHECK(log::configure({}));
  }
  std::vector<std::string> lines;
};

TEST_CASE("a text line has time, level and message", "[log]") {
  Lines log_lines("info", "text");
  log::warning("stream {}: {} rows", "radar", 3);
  REQUIRE(log_lines.lines.size() == 1);
  CHECK_THAT(log_lines.lines[0], Matches(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z warning stream radar: 3 rows\n)"));
}

TEST_CASE("a JSON line has time, level and message", "[log]") {
  Lines log_lines("info", "json");
  log::error("stream {}: {} rows", "radar", 3);
  REQUIRE(log_lines.lines.size() == 1);
  const auto record = nlohmann::json::parse(log_lines.lines[0]);
  CHECK(record.size() == 3);
  CHECK(record.at("level") == "error");
  CHECK(record.at("message") == "stream radar: 3 rows");
  CHECK_THAT(record.at("time").get<std::string>(), Matches(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)"));
}

TEST_CASE("a record is one line of plain text whatever it says", "[log]") {
  constexpr char literal[] = "quote \" backslash \\ line\n tab\t nul\0 escape \x1b[31m c1 \xc2\x9b bad \xff\xfe end";
  const std::string nasty(literal, sizeof literal - 1);
  for (const char* format : {"text", "json"}) {
    Lines log_lines("info", format);
    log::info("{}", nasty);
    REQUIRE(log_lines.lines.size() == 1);
    const auto& line = log_lines.lines[0];
    CHECK(line.find('\n') == line.size() - 1);
    CHECK(line.find_first_of(std::string("\t\x1b\0", 3)) == std::string::npos);
    CHECK(line.find("\xc2\x9b") == std::string::npos);
    CHECK(line.find("quote") != std::string::npos);
    CHECK(line.find(" end") != std::string::npos);
  }
}

TEST_CASE("JSON gives back the text that was logged", "[log]") {
  Lines log_lines("info", "json");
  const std::string text("\"\\\n\t\x01\x7f caf\xc3\xa9");
  log::info("{}", text);
  REQUIRE(log_lines.lines.size() == 1);
  CHECK(nlohmann::json::parse(log_lines.lines[0]).at("message") == text);
}

TEST_CASE("a letter that is not ASCII stays readable in text", "[log]") {
  Lines log_lines("info", "text");
  log::info("caf\xc3\xa9");
  REQUIRE(log_lines.lines.size() == 1);
  CHECK(log_lines.lines[0].find("caf\xc3\xa9\n") != std::string::npos);
}

TEST_CASE("what is below the level is not written", "[log]") {
  Lines log_lines("warning", "text");
  log::trace("a");
  log::debug("b");
  log::info("c");
  CHECK(log_lines.lines.empty());
  CHECK_FALSE(log::enabled(log::Level::info));
  CHECK(log::enabled(log::Level::warning));
  log::warning("d");
  log::error("e");
  CHECK(log_lines.lines.size() == 2);
}

TEST_CASE("level and format can be changed at run time", "[log]") {
  Lines log_lines("error", "text");
  log::debug("a");
  REQUIRE(log::configure({"debug", "json"}));
  log::debug("b");
  REQUIRE(log_lines.lines.size() == 1);
  CHECK(nlohmann::json::parse(log_lines.lines[0]).at("message") == "b");
}

TEST_CASE("an unknown level or format is refused and changes nothing", "[log]") {
  Lines log_lines("error", "text");
  const auto level = log::configure({"loud", "json"});
  REQUIRE_FALSE(level);
  CHECK(level.error().message == "log level: \"loud\" is not known; allowed: trace, debug, info, warning, error");
  const auto format = log::configure({"debug", "xml"});
  REQUIRE_FALSE(format);
  CHECK(format.error().message == "log format: \"xml\" is not known; allowed: text, json");
  CHECK_FALSE(log::enabled(log::Level::warning));
  log::error("x");
  REQUIRE(log_lines.lines.size() == 1);
  CHECK(log_lines.lines[0].front() != '{');
}

TEST_CASE("threads that log while it is configured never mix lines", "[log]") {
  Lines log_lines("info", "json");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int n = 0; n < 200; ++n) log::info("message {}", n);
    });
  }
  for (int n = 0; n < 50; ++n) REQUIRE(log::configure({"info", "json"}));
  for (auto& thread : threads) thread.join();
  REQUIRE(log_lines.lines.size() == 800);
  for (const auto& line : log_lines.lines) CHECK(nlohmann::json::accept(line));
}

// A limiter with a clock that stands where the test puts it.
struct Limited {
  std::chrono::steady_clock::time_point now{100s};
  RateLimiter limiter{2, 1s, [this] { return now; }, 3};
};

TEST_CASE("a key is admitted up to its limit in a window", "[rate_limiter]") {
  Limited l;
  CHECK(l.limiter.admit("a").admitted);
  CHECK(l.limiter.admit("a").admitted);
  CHECK_FALSE(l.limiter.admit("a").admitted);
  l.now += 999ms;
  CHECK_FALSE(l.limiter.admit("a").admitted);
  l.now += 1ms;
  CHECK(l.limiter.admit("a").admitted);
}

TEST_CASE("the next one that is admitted tells exactly how many were held back", "[rate_limiter]") {
  Limited l;
  for (int i = 0; i < 125; ++i) l.limiter.admit("a");
  l.now += 1s;
  CHECK(l.limiter.admit("a").suppressed == 123);
  CHECK(l.limiter.admit("a").suppressed == 0);
}

TEST_CASE("keys do not share a limit", "[rate_limiter]") {
  Limited l;
  for (int i = 0; i < 5; ++i) l.limiter.admit("a");
  CHECK(l.limiter.admit("b").admitted);
}

TEST_CASE("what was held back of a silent key is told once", "[rate_limiter]") {
  Limited l;
  for (int i = 0; i < 5; ++i) l.limiter.admit("a");
  l.limiter.admit("b");
  CHECK(l.limiter.expire().empty());
  l.now += 1s;
  const auto silent = l.limiter.expire();
  REQUIRE(silent.size() == 1);
  CHECK(silent[0].key == "a");
  CHECK(silent[0].count == 3);
  CHECK(l.limiter.expire().empty());
  CHECK(l.limiter.admit("a").suppressed == 0);
}

TEST_CASE("keys beyond the most that are kept share one limit", "[rate_limiter]") {
  Limited l;
  for (const char* key : {"a", "b", "c"}) CHECK(l.limiter.admit(key).admitted);
  int admitted = 0;
  for (int i = 0; i < 100; ++i) admitted += l.limiter.admit("made up " + std::to_string(i)).admitted;
  CHECK(admitted == 2);
  CHECK(l.limiter.admit("a").admitted);
  l.now += 1s;
  const auto silent = l.limiter.expire();
  REQUIRE(silent.size() == 1);
  CHECK(silent[0].key == RateLimiter::kOtherKeys);
  CHECK(silent[0].count == 98);
}

TEST_CASE("a limited warning says how many similar ones were suppressed", "[rate_limiter]") {
  Limited l;
  Lines log_lines("info", "json");
  const auto warn = [&] { log::warning_limited(l.limiter, "radar/bad_row", "row {} refused", 5); };
  const auto message = [&](std::size_t i) { return nlohmann::json::parse(log_lines.lines.at(i)).at("message"); };
  for (int i = 0; i < 10; ++i) warn();
  REQUIRE(log_lines.lines.size() == 2);
  CHECK(message(1) == "row 5 refused");
  l.now += 1s;
  warn();
  CHECK(message(2) == "row 5 refused (suppressed 8 similar)");
  for (int i = 0; i < 4; ++i) warn();
  l.now += 1s;
  log::report_suppressed(l.limiter);
  CHECK(message(4) == "radar/bad_row: suppressed 3 similar");
  CHECK(log_lines.lines.size() == 5);
}

}  // namespace
}  // namespace emulsion::service
