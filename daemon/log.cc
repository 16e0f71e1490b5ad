#include "daemon/log.h"

#include <fmt/chrono.h>
#include <spdlog/formatter.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>

#include <chrono>
#include <cstdio>
#include <iterator>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace emulsion::service::log {
namespace {

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::trace:
      return spdlog::level::trace;
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

std::optional<Level> parse_level(std::string_view word) {
  if (word == "trace") return Level::trace;
  if (word == "debug") return Level::debug;
  if (word == "info") return Level::info;
  if (word == "warning") return Level::warning;
  if (word == "error") return Level::error;
  return std::nullopt;
}

std::string_view word_of(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
      return "trace";
    case spdlog::level::debug:
      return "debug";
    case spdlog::level::info:
      return "info";
    case spdlog::level::warn:
      return "warning";
    default:
      return "error";
  }
}

// UTC, to the millisecond.
std::string timestamp(spdlog::log_clock::time_point time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(time - seconds).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(spdlog::log_clock::to_time_t(seconds)), milliseconds);
}

bool is_control(unsigned char byte) { return byte < 0x20 || byte == 0x7f; }

// U+0080 to U+009F in UTF-8: a terminal may obey them.
bool is_c1_control(std::string_view text, std::size_t i) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  return byte(i) == 0xc2 && i + 1 < text.size() && byte(i + 1) >= 0x80 && byte(i + 1) <= 0x9f;
}

class TextFormatter : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) override {
    const auto out = std::back_inserter(line);
    fmt::format_to(out, "{} {:<7} ", timestamp(message.time), word_of(message.level));
    const std::string_view text(message.payload.data(), message.payload.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (is_c1_control(text, i)) {
        fmt::format_to(out, "\\xc2\\x{:02x}", static_cast<unsigned char>(text[++i]));
      } else if (is_control(static_cast<unsigned char>(text[i]))) {
        fmt::format_to(out, "\\x{:02x}", static_cast<unsigned char>(text[i]));
      } else {
        line.push_back(text[i]);
      }
    }
    line.push_back('\n');
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<TextFormatter>(); }
};

class JsonFormatter : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) override {
    const nlohmann::ordered_json record{{"time", timestamp(message.time)},
                                        {"level", word_of(message.level)},
                                        {"message", std::string(message.payload.data(), message.payload.size())}};
    // ASCII alone, with bytes that are not UTF-8 replaced: no reader and no terminal can stumble over it.
    const std::string text = record.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
    line.append(text);
    line.push_back('\n');
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<JsonFormatter>(); }
};

// spdlog locks it: a line is never mixed with another, and formatter and writer may change between two lines.
class LineSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  LineSink() { formatter_ = std::make_unique<TextFormatter>(); }

  void write_to(Writer writer) {
    const std::lock_guard lock(mutex_);
    writer_ = std::move(writer);
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    if (writer_) {
      writer_(std::string_view(line.data(), line.size()));
    } else {
      std::fwrite(line.data(), 1, line.size(), stderr);
    }
  }
  void flush_() override { std::fflush(stderr); }

 private:
  Writer writer_;
};

struct Log {
  std::shared_ptr<LineSink> sink = std::make_shared<LineSink>();
  spdlog::logger logger{"emulsiond", sink};
};

// Never destroyed: a thread may log while the program ends.
Log& the_log() {
  static Log* const instance = new Log;
  return *instance;
}

}  // namespace

Result<void> configure(const LogOptions& options) {
  const auto level = parse_level(options.level);
  if (!level) {
    return fail(
        fmt::format("log level: \"{}\" is not known; allowed: trace, debug, info, warning, error", options.level));
  }
  if (options.format != "text" && options.format != "json") {
    return fail(fmt::format("log format: \"{}\" is not known; allowed: text, json", options.format));
  }
  std::unique_ptr<spdlog::formatter> formatter = std::make_unique<TextFormatter>();
  if (options.format == "json") formatter = std::make_unique<JsonFormatter>();
  the_log().sink->set_formatter(std::move(formatter));
  the_log().logger.set_level(to_spdlog(*level));
  return {};
}

void write_to(Writer writer) { the_log().sink->write_to(std::move(writer)); }

bool enabled(Level level) { return the_log().logger.should_log(to_spdlog(level)); }

void write(Level level, std::string_view message) {
  the_log().logger.log(to_spdlog(level), spdlog::string_view_t(message.data(), message.size()));
}

void report_suppressed(RateLimiter& limiter) {
  for (const auto& [key, count] : limiter.expire()) warning("{}: suppressed {} similar", key, count);
}

}  // namespace emulsion::service::log
