#include "emulsion/random.h"

#include <catch2/catch.hpp>
#include <cmath>

namespace emulsion {
namespace {

TEST_CASE("uniform numbers are the top 53 bits of the Mersenne twister") {
  // The first output of mt19937_64 with seed 5489 is 14514284786278117030 (Matsumoto & Nishimura's mt19937-64.out).
  Random random(5489);
  CHECK(random.uniform() == static_cast<double>(14514284786278117030ULL >> 11) / 9007199254740992.0);
}

TEST_CASE("uniform numbers fill 0 to 1 evenly") {
  Random random(1);
  constexpr int n = 100000;
  double sum = 0;
  bool inside = true;
  for (int i = 0; i < n; ++i) {
    const double u = random.uniform();
    inside &= u >= 0 && u < 1;
    sum += u;
  }
  CHECK(inside);
  CHECK(std::abs(sum / n - 0.5) < 4 * std::sqrt(1.0 / 12 / n));
}

TEST_CASE("an index is picked in proportion to its weight, and never one of weight 0") {
  Random random(2);
  const Eigen::VectorXd weights = (Eigen::VectorXd(5) << 0, 1, 0, 3, 0).finished();
  Eigen::VectorXi counts = Eigen::VectorXi::Zero(5);
  constexpr int n = 40000;
  for (int i = 0; i < n; ++i) ++counts[random.pick(weights)];
  CHECK(counts[0] + counts[2] + counts[4] == 0);
  CHECK(counts[1] + counts[3] == n);
  CHECK(std::abs(counts[3] - 0.75 * n) < 4 * std::sqrt(0.75 * 0.25 * n));
}

TEST_CASE("if all weights are 0 every index is as likely") {
  Random random(3);
  Eigen::VectorXi counts = Eigen::VectorXi::Zero(4);
  constexpr int n = 40000;
  for (int i = 0; i < n; ++i) ++counts[random.pick(Eigen::VectorXd::Zero(4))];
  for (Index k = 0; k < 4; ++k) CHECK(std::abs(counts[k] - 0.25 * n) < 4 * std::sqrt(0.25 * 0.75 * n));
}

}  // namespace
}  // namespace emulsion
