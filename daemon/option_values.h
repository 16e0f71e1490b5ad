// How the text of an option becomes a value, and a value becomes text again.
//
// A format reads the whole text or refuses it, and says what is allowed:
//   "1.4 is out of range; allowed: (0.5, 1]"
// What it prints, it reads back as the same value.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "emulsion/points.h"
#include "emulsion/result.h"

namespace emulsion::service {

// The finite numbers between two bounds.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_open = false;  // the bound itself is not allowed
  bool high_open = false;
  const char* unit = "";  // "points", "seconds", ...

  bool contains(double value) const;

  // "(0.5, 1]", "[1, 1048576] points", ">= 0 seconds".
  std::string text() const;
};

// The text form of one kind of value.
template <typename Value>
struct Format {
  std::string allowed;
  std::function<Result<Value>(const std::string&)> read;
  std::function<std::string(const Value&)> print;
};

Format<double> number_in(const Range& range);

// Whole numbers. The range must lie within the type, but for the upper bound, which may be absent.
// Instances: int, Index, std::uint64_t.
template <typename Whole>
Format<Whole> whole_number_in(const Range& range);

// "true" or "false".
Format<bool> truth();

// Any text, as it is.
Format<std::string> free_text(const std::string& allowed);

// Names with commas between, each once, of up to 256 bytes; or nothing.
Format<std::vector<std::string>> name_list();

// The word of `words` that is nearest to `text` by insertions, deletions, replacements and swaps of neighbours, or
// that it begins; none if all are too far from it to have been meant.
std::optional<std::string> nearest(std::string_view text, const std::vector<std::string>& words);

// "; did you mean "..."?", or nothing.
std::string did_you_mean(std::string_view text, const std::vector<std::string>& words);

// `text` between quotes, fit for one line of a terminal.
std::string in_quotes(std::string_view text);

// "; allowed: ...".
std::string only(std::string_view allowed);

// One of a few words. Each stands for a value; the first column is what is read and printed.
template <typename Value>
Format<Value> one_of(const std::vector<std::pair<std::string, Value>>& choices) {
  std::vector<std::string> words;
  std::string allowed;
  for (const auto& [word, value] : choices) {
    words.push_back(word);
    allowed += (allowed.empty() ? "" : ", ") + word;
  }
  const auto read = [=](const std::string& text) -> Result<Value> {
    for (const auto& [word, value] : choices) {
      if (word == text) return value;
    }
    return fail(in_quotes(text) + " is not known" + only(allowed) + did_you_mean(text, words));
  };
  const auto print = [=](const Value& value) -> std::string {
    for (const auto& choice : choices) {
      if (choice.second == value) return choice.first;
    }
    return "";
  };
  return {allowed, read, print};
}

}  // namespace emulsion::service
