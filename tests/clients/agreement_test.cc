#include "clients/agreement.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

using emulsion::client::Contingency;

namespace {

Contingency table(const std::vector<std::vector<double>>& counts) {
  Contingency contingency;
  for (std::size_t i = 0; i < counts.size(); ++i)
    for (std::size_t j = 0; j < counts[i].size(); ++j)
      if (counts[i][j] > 0) contingency.add(i, j, counts[i][j]);
  return contingency;
}

}  // namespace

TEST_CASE("equal sortings agree wholly, whatever their groups are called", "[agreement]") {
  const Contingency same = table({{0, 3, 0}, {0, 0, 4}, {5, 0, 0}});
  CHECK(same.adjusted_rand_index() == Approx(1).epsilon(1e-14));
  CHECK(same.normalised_mutual_information() == Approx(1).epsilon(1e-14));
}

// Ten points, groups of 6 and 4 against groups of 5 and 5. Pairs together in both: C(5,2) + C(1,2) + C(4,2) = 16; in the
// first 15 + 6 = 21, in the second 10 + 10 = 20, of 45. Expected 21 * 20 / 45 = 28/3; (16 - 28/3) / (41/2 - 28/3) = 40/67.
TEST_CASE("the adjusted Rand index is that of a calculation by hand", "[agreement]") {
  CHECK(table({{5, 1}, {0, 4}}).adjusted_rand_index() == Approx(40.0 / 67).epsilon(1e-14));
}

TEST_CASE("mutual information is that of a calculation by hand", "[agreement]") {
  const double information = 0.5 * std::log(0.5 / (0.6 * 0.5)) + 0.1 * std::log(0.1 / (0.6 * 0.5)) + 0.4 * std::log(0.4 / (0.4 * 0.5));
  const double entropies = -0.6 * std::log(0.6) - 0.4 * std::log(0.4) + std::log(2.0);
  CHECK(table({{5, 1}, {0, 4}}).normalised_mutual_information() == Approx(2 * information / entropies).epsilon(1e-14));
}

TEST_CASE("sortings that have nothing to do with each other do not agree", "[agreement]") {
  const Contingency crossed = table({{25, 25}, {25, 25}});
  CHECK(crossed.normalised_mutual_information() == Approx(0).margin(1e-12));
  CHECK(std::abs(crossed.adjusted_rand_index()) < 0.03);
  CHECK(table({{1, 1}, {1, 1}}).adjusted_rand_index() == Approx(-0.5).epsilon(1e-14));  // (0 - 2/3) / (2 - 2/3)
}

TEST_CASE("one group against itself agrees, one group against many tells nothing", "[agreement]") {
  CHECK(table({{7}}).adjusted_rand_index() == 1);
  CHECK(table({{7}}).normalised_mutual_information() == 1);
  CHECK(table({{4, 3}}).adjusted_rand_index() == Approx(0).margin(1e-14));
  CHECK(table({{4, 3}}).normalised_mutual_information() == Approx(0).margin(1e-14));
  CHECK(Contingency().adjusted_rand_index() == 1);
}

TEST_CASE("a weight counts as repeated points", "[agreement]") {
  Contingency weighted, repeated;
  weighted.add(0, 1, 3);
  weighted.add(1, 1, 2);
  weighted.add(1, 0, 4);
  for (int i = 0; i < 3; ++i) repeated.add(0, 1);
  for (int i = 0; i < 2; ++i) repeated.add(1, 1);
  for (int i = 0; i < 4; ++i) repeated.add(1, 0);
  CHECK(weighted.adjusted_rand_index() == repeated.adjusted_rand_index());
  CHECK(weighted.normalised_mutual_information() == repeated.normalised_mutual_information());
}
