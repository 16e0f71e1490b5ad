#include "emulsion/wire/nearest_word.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace emulsion::wire {
namespace {

using Line = std::vector<std::size_t>;

// Edits that turn one text into the other; any number above `most` if there are more. Looks only at places that so many edits
// can reach, and ends with the first line that holds none.
//   lines  room for two numbers more than `b` has letters, each
// Source: Damerau (1964), in the form where no part is edited twice; Ukkonen (1985) for the band.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t most, std::array<Line, 3>& lines) {
  if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) > most) return most + 1;
  // Of the letters of `a` so far, of one less and of two less, to as many letters of `b` as the position says.
  auto& [now, before, earlier] = lines;
  std::iota(now.begin(), now.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(before, earlier);
    std::swap(now, before);
    const std::size_t first = i > most ? i - most : 1, last = std::min(b.size(), i + most);
    now[first - 1] = first == 1 ? i : most + 1;
    std::size_t fewest = now[first - 1];
    for (std::size_t j = first; j <= last; ++j) {
      now[j] = std::min(std::min(before[j], now[j - 1]) + 1, before[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) now[j] = std::min(now[j], earlier[j - 2] + 1);
      fewest = std::min(fewest, now[j]);
    }
    now[last + 1] = most + 1;
    if (fewest > most) return fewest;
  }
  return now[b.size()];
}

}  // namespace

std::optional<std::string> nearest_word(std::string_view text, const std::vector<std::string>& words, std::size_t most_edits) {
  std::optional<std::string> nearest;
  std::array<Line, 3> lines;
  lines.fill(Line(text.size() + most_edits + 2));  // a longer word takes more edits
  for (const std::string& word : words) {
    const std::size_t edits = edit_distance(text, word, most_edits, lines);
    if (edits > most_edits) continue;
    nearest = word;
    if (edits == 0) break;
    most_edits = edits - 1;
  }
  return nearest;
}

}  // namespace emulsion::wire
