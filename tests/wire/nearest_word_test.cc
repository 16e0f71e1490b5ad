#include "emulsion/wire/nearest_word.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace emulsion::wire {
namespace {

const std::vector<std::string> kWords{"mean", "meal", "covariance", ""};

TEST_CASE("the nearest word takes fewest edits, and is the first of those") {
  CHECK(nearest_word("mean", kWords, 0) == "mean");
  CHECK(nearest_word("meal", kWords, 2) == "meal");
  CHECK(nearest_word("mea", kWords, 1) == "mean");             // one letter missing
  CHECK(nearest_word("meaan", kWords, 1) == "mean");           // one too many
  CHECK(nearest_word("maen", kWords, 1) == "mean");            // two swapped
  CHECK(nearest_word("cobarianse", kWords, 2) == "covariance");  // two wrong
  CHECK(nearest_word("x", kWords, 1) == "");
}

TEST_CASE("a word that takes more edits than are allowed is not meant") {
  CHECK_FALSE(nearest_word("mean", {"covariance"}, 3));
  CHECK_FALSE(nearest_word("cobarianse", kWords, 1));
  CHECK_FALSE(nearest_word("mxyn", kWords, 1));
  CHECK_FALSE(nearest_word("mean", {}, 3));
  CHECK_FALSE(nearest_word(std::string(1'000'000, 'a'), kWords, 3));  // at once, however long it is
}

// Edits by the definition, with nothing left out: of all that the last letters allow, the fewest.
std::size_t edits_by_definition(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) return a.size() + b.size();
  const auto less = [](std::string_view text, std::size_t letters) { return text.substr(0, text.size() - letters); };
  std::size_t fewest = std::min({edits_by_definition(less(a, 1), b) + 1, edits_by_definition(a, less(b, 1)) + 1,
                                 edits_by_definition(less(a, 1), less(b, 1)) + (a.back() == b.back() ? 0 : 1)});
  if (a.size() > 1 && b.size() > 1 && a.back() == b[b.size() - 2] && b.back() == a[a.size() - 2])
    fewest = std::min(fewest, edits_by_definition(less(a, 2), less(b, 2)) + 1);
  return fewest;
}

TEST_CASE("a word is near exactly if so few edits make it") {
  std::vector<std::string> texts{""};
  for (std::size_t i = 0; i < texts.size() && texts[i].size() < 5; ++i)
    for (const char letter : {'a', 'b'}) texts.push_back(texts[i] + letter);
  std::size_t wrong = 0;
  for (const std::string& text : texts)
    for (const std::string& word : texts)
      for (std::size_t most = 0; most <= 5; ++most) wrong += nearest_word(text, {word}, most).has_value() != (edits_by_definition(text, word) <= most);
  CHECK(wrong == 0);
}

}  // namespace
}  // namespace emulsion::wire
