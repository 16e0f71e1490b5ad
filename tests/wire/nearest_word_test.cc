#include "emulsion/wire/nearest_word.h"

#include <catch2/catch.hpp>

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

}  // namespace
}  // namespace emulsion::wire
