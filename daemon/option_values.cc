#include "daemon/option_values.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <type_traits>

#include "emulsion/wire/nearest_word.h"
#include "emulsion/wire/topic.h"

namespace emulsion::service {
namespace {

// The shortest text that reads back as the same number; whole numbers without an exponent.
std::string print_number(double value) {
  char text[32];
  const bool whole = std::abs(value) < 1e15 && value == std::trunc(value);
  const auto end = whole ? std::to_chars(text, text + sizeof text, static_cast<std::int64_t>(value)).ptr
                         : std::to_chars(text, text + sizeof text, value).ptr;
  return std::string(text, end);
}

// True for an optional minus sign and digits: a whole number, though perhaps one that no type holds.
bool looks_whole(std::string_view text) {
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

bool Range::contains(double value) const {
  if (!std::isfinite(value)) return false;
  return (low_open ? value > low : value >= low) && (high_open ? value < high : value <= high);
}

std::string Range::text() const {
  const std::string suffix = *unit ? std::string(" ") + unit : "";
  if (std::isinf(high)) return (low_open ? "> " : ">= ") + print_number(low) + suffix;
  return (low_open ? "(" : "[") + print_number(low) + ", " + print_number(high) + (high_open ? ")" : "]") + suffix;
}

Format<double> number_in(const Range& range) {
  const auto read = [range](const std::string& text) -> Result<double> {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc::invalid_argument || end != text.data() + text.size() || std::isnan(value)) {
      return fail(in_quotes(text) + " is not a number" + only(range.text()));
    }
    if (error != std::errc() || !range.contains(value)) {
      return fail(wire::printable(text) + " is out of range" + only(range.text()));
    }
    return value;
  };
  return {range.text(), read, print_number};
}

template <typename Whole>
Format<Whole> whole_number_in(const Range& range) {
  using Widest = std::conditional_t<std::is_signed_v<Whole>, std::int64_t, std::uint64_t>;
  const auto read = [range](const std::string& text) -> Result<Whole> {
    if (!looks_whole(text)) return fail(in_quotes(text) + " is not a whole number" + only(range.text()));
    Widest value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !range.contains(static_cast<double>(value))) {
      return fail(wire::printable(text) + " is out of range" + only(range.text()));
    }
    return static_cast<Whole>(value);
  };
  return {range.text(), read, [](const Whole& value) { return std::to_string(value); }};
}

template Format<int> whole_number_in<int>(const Range&);
template Format<Index> whole_number_in<Index>(const Range&);
template Format<std::uint64_t> whole_number_in<std::uint64_t>(const Range&);

Format<bool> truth() { return one_of<bool>({{"true", true}, {"false", false}}); }

Format<std::string> free_text(const std::string& allowed) {
  const auto read = [](const std::string& text) -> Result<std::string> { return text; };
  return {allowed, read, [](const std::string& text) { return text; }};
}

Format<std::vector<std::string>> name_list() {
  constexpr std::size_t kLongest = 256;
  const std::string allowed = "different names with commas between, or nothing";
  const auto read = [=](const std::string& text) -> Result<std::vector<std::string>> {
    std::vector<std::string> names;
    for (std::size_t begin = 0; !text.empty() && begin <= text.size();) {
      const std::size_t comma = std::min(text.find(',', begin), text.size());
      std::string name = text.substr(begin, comma - begin);
      name.erase(0, name.find_first_not_of(" \t"));
      name.erase(name.find_last_not_of(" \t") + 1);
      if (name.empty()) return fail("a name is empty" + only(allowed));
      if (name.size() > kLongest) return fail("a name is longer than " + std::to_string(kLongest) + " bytes" + only(allowed));
      if (std::find(names.begin(), names.end(), name) != names.end()) return fail(in_quotes(name) + " is there twice" + only(allowed));
      names.push_back(std::move(name));
      begin = comma + 1;
    }
    return names;
  };
  const auto print = [](const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
  };
  return {allowed, read, print};
}

std::optional<std::string> nearest(std::string_view text, const std::vector<std::string>& words) {
  if (auto word = wire::nearest_word(text, words, std::clamp<std::size_t>(text.size() / 3, 1, 3))) return word;
  if (text.size() < 3) return std::nullopt;
  const auto longer = std::find_if(words.begin(), words.end(), [&](const auto& word) { return word.starts_with(text); });
  return longer == words.end() ? std::nullopt : std::optional(*longer);
}

std::string did_you_mean(std::string_view text, const std::vector<std::string>& words) {
  const auto word = nearest(text, words);
  return word ? "; did you mean \"" + *word + "\"?" : "";
}

std::string in_quotes(std::string_view text) { return "\"" + wire::printable(text) + "\""; }

std::string only(std::string_view allowed) { return "; allowed: " + std::string(allowed); }

}  // namespace emulsion::service
