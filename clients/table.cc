#include "clients/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace emulsion::client {
namespace {

constexpr std::string_view kGap = "  ";
constexpr int kMostDecimals = 9;
constexpr int kSpreadDigits = 3;  // of a standard deviation; the sampling error of a mean is below them

int exponent10(double value) { return value == 0 ? 0 : static_cast<int>(std::floor(std::log10(std::abs(value)))); }

std::string padded(std::string_view text, std::size_t width, Align align) {
  const std::string space(width - std::min(width, display_width(text)), ' ');
  return align == Align::left ? std::string(text) + space : space + std::string(text);
}

// A fixed number of decimals, and never "-0.0".
std::string fixed(double value, int decimals) {
  std::string text = fmt::format("{:.{}f}", value, decimals);
  const bool zero = text.find_first_not_of("-0.") == std::string::npos;
  return zero && text.front() == '-' ? text.substr(1) : text;
}

std::pair<std::string, std::string> spread_parts(double mean, double deviation) {
  if (!std::isfinite(mean) || !std::isfinite(deviation) || deviation <= 0) {
    return {significant(mean, 4), significant(deviation, 2)};
  }
  const int decimals = kSpreadDigits - 1 - exponent10(deviation);
  const double larger = std::max(std::abs(mean), deviation);
  if (decimals > kMostDecimals || larger >= 1e12) {
    const int digits = std::clamp(exponent10(larger) + decimals, 1, 15);
    return {fmt::format("{:.{}e}", mean, digits), fmt::format("{:.{}e}", deviation, kSpreadDigits - 1)};
  }
  const int shown = std::max(0, decimals);
  return {fixed(mean, shown), fixed(deviation, shown)};
}

}  // namespace

void Table::column(std::string heading, Align align) {
  const std::size_t width = display_width(heading);
  columns_.push_back({std::move(heading), align, width});
}

void Table::row(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    columns_[i].width = std::max(columns_[i].width, display_width(cells[i]));
  }
  rows_.push_back(std::move(cells));
}

std::string Table::render(std::size_t width) const {
  std::string text;
  for (std::size_t first = 1; !columns_.empty();) {
    std::size_t used = columns_[0].width;
    std::size_t last = first;
    while (last < columns_.size() && (last == first || used + kGap.size() + columns_[last].width <= width)) {
      used += kGap.size() + columns_[last].width;
      ++last;
    }
    const auto line = [&](auto&& cell) {
      std::string one = padded(cell(0), columns_[0].width, columns_[0].align);
      for (std::size_t i = first; i < last; ++i) {
        one.append(kGap).append(padded(cell(i), columns_[i].width, columns_[i].align));
      }
      one.erase(one.find_last_not_of(' ') + 1);
      text.append(one).push_back('\n');
    };
    line([&](std::size_t i) { return columns_[i].heading; });
    for (const auto& row : rows_) line([&](std::size_t i) { return row[i]; });
    if (last >= columns_.size()) break;
    text.push_back('\n');
    first = last;
  }
  return text;
}

std::size_t display_width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string fit(std::string_view text, std::size_t width) {
  if (display_width(text) <= width) return std::string(text);
  if (width == 0) return "";
  std::size_t end = 0;
  for (std::size_t shown = 0; end < text.size(); ++end) {
    const bool starts = (static_cast<unsigned char>(text[end]) & 0xC0) != 0x80;
    if (starts && shown++ == width - 1) break;
  }
  return std::string(text.substr(0, end)) + "…";
}

std::string significant(double value, int digits) {
  if (!std::isfinite(value)) return "-";
  // Rounding may carry into the next power of ten: 9.996 has one decimal less than it seems to.
  const double rounded = std::stod(fmt::format("{:.{}e}", value, digits - 1));
  const int exponent = exponent10(rounded);
  if (exponent < -4 || exponent >= 9) return fmt::format("{:.{}e}", value, digits - 1);
  return fixed(value, std::max(0, digits - 1 - exponent));
}

std::vector<std::string> with_spread(const std::vector<std::pair<double, double>>& pairs) {
  std::vector<std::pair<std::string, std::string>> parts;
  std::size_t left = 0;
  std::size_t right = 0;
  for (const auto& [mean, deviation] : pairs) {
    parts.push_back(spread_parts(mean, deviation));
    left = std::max(left, parts.back().first.size());
    right = std::max(right, parts.back().second.size());
  }
  std::vector<std::string> cells;
  for (const auto& [mean, deviation] : parts) {
    cells.push_back(padded(mean, left, Align::right) + " ± " + padded(deviation, right, Align::left));
  }
  return cells;
}

std::string short_count(double value) {
  if (!std::isfinite(value)) return "-";
  if (std::abs(value) < 999.5) return fmt::format("{:.{}f}", value, value == std::floor(value) ? 0 : 1);
  for (const char* unit : {"k", "M", "G"}) {
    value /= 1000;
    if (std::abs(value) < 999.5) return significant(value, 3) + " " + unit;
  }
  return significant(value / 1000, 3) + " T";
}

std::string short_time(double seconds) {
  if (!(seconds >= 0)) return "-";
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<unsigned long long>(seconds);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  if (whole < 86400) return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
  return fmt::format("{} d {} h", whole / 86400, whole % 86400 / 3600);
}

std::string counted(unsigned long long count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace emulsion::client
