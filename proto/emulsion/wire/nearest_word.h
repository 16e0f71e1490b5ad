// The word that somebody meant who wrote another.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace emulsion::wire {

// The first of those words that are nearest to a text by insertions, deletions, replacements and swaps of neighbours; nothing if
// all of them take more than `most_edits`.
std::optional<std::string> nearest_word(std::string_view text, const std::vector<std::string>& words, std::size_t most_edits);

}  // namespace emulsion::wire
