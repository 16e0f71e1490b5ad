#include "emulsion/step_size.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

namespace emulsion {
namespace {

StepOptions power_law(double exponent, double offset = 0) {
  StepOptions options;
  options.exponent = exponent;
  options.offset_points = offset;
  return options;
}

StepOptions constant(double size) {
  StepOptions options;
  options.kind = StepKind::constant;
  options.size = size;
  return options;
}

StepOptions half_life(double points, double seconds) {
  StepOptions options;
  options.kind = StepKind::half_life;
  options.half_life_points = points;
  options.half_life_seconds = seconds;
  return options;
}

StepOptions cumulative() {
  StepOptions options;
  options.kind = StepKind::cumulative;
  return options;
}

std::string refusal(const StepOptions& options) {
  const auto made = StepSize::make(options);
  return made ? "accepted" : made.error().message;
}

// The weight of decayed sums that start with `seed` and see n points of weight 1.
double weight_after(const StepSize& step, double seed, int n) {
  double sum = seed;
  for (int t = 0; t < n; ++t) sum = sum * step.retention(t, 1, 0) + 1;
  return sum;
}

TEST_CASE("retention under a power law is (1 - gamma_t) gamma_{t-1} / gamma_t") {
  const double exponent = GENERATE(0.51, 0.6, 0.9, 1.0);
  const double offset = GENERATE(1.0, 10.0, 12345.5);
  const StepSize step = *StepSize::make(power_law(exponent, offset));
  for (const int t : {0, 1, 2, 10, 1000, 1000000}) {
    const auto gamma = [&](long double time) { return std::pow(time + offset, -static_cast<long double>(exponent)); };
    const long double expected = (1 - gamma(t + 1)) * gamma(t) / gamma(t + 1);
    CHECK(step.retention(t, 1, 0) == Approx(static_cast<double>(expected)).epsilon(1e-14));
  }
}

TEST_CASE("retention under a power law, by hand") {
  // gamma_16 = 16^-0.75 = 1/8, gamma_17 = 17^-0.75 = 0.11944...: (8.3721... - 1) / 8.
  CHECK(StepSize::make(power_law(0.75, 16))->retention(0, 1, 0) == Approx(0.9215180035740862).epsilon(1e-14));
  CHECK(StepSize::make(power_law(1, 5))->retention(3, 1, 0) == 1);
}

TEST_CASE("the first of all points leaves nothing of what came before") {
  CHECK(StepSize::make(power_law(0.7))->retention(0, 1, 0) == 0);
  CHECK(StepSize::make(power_law(0.7))->after_seed(0).retention(0, 1, 0) == 0);
}

TEST_CASE("under a power law the effective sample size is 1/gamma_t at every t") {
  const double exponent = GENERATE(0.55, 0.75, 0.9, 1.0);
  const double offset = GENERATE(0.0, 3.0, 500.0);
  const StepSize step = *StepSize::make(power_law(exponent, offset));
  for (const int n : {1, 2, 100, 20000}) {
    CAPTURE(exponent, offset, n);
    CHECK(weight_after(step, std::pow(offset, exponent), n) == Approx(std::pow(n + offset, exponent)).epsilon(1e-9));
  }
}

TEST_CASE("an offset of 0 goes on from the weight of the seed") {
  const double exponent = GENERATE(0.6, 0.9, 1.0);
  const StepSize step = StepSize::make(power_law(exponent))->after_seed(120);
  const double start = std::pow(120, 1 / exponent);
  for (const int n : {1, 10, 5000})
    CHECK(weight_after(step, 120, n) == Approx(std::pow(n + start, exponent)).epsilon(1e-9));
}

TEST_CASE("a given offset stays what it is after the seed") {
  const StepSize step = *StepSize::make(power_law(0.6, 10));
  CHECK(step.after_seed(1e6).retention(4, 1, 0) == step.retention(4, 1, 0));
}

TEST_CASE("under a constant step the effective sample size tends to 1/size, whatever the seed weighed") {
  const StepSize step = *StepSize::make(constant(0.01));
  CHECK(step.retention(0, 1, 0) == 1 - 0.01);
  CHECK(weight_after(step, 0, 5000) == Approx(100).epsilon(1e-9));
  CHECK(weight_after(step, 1e6, 5000) == Approx(100).epsilon(1e-9));
}

TEST_CASE("after a half-life of points exactly half is left") {
  const StepSize step = *StepSize::make(half_life(64, 0));
  double left = 1;
  for (int t = 0; t < 64; ++t) left *= step.retention(t, 1, 100);
  CHECK(left == Approx(0.5).epsilon(1e-13));
  CHECK(step.retention(0, 64, 0) == 0.5);
  // 1 + q + q^2 + ... with q = 2^(-1/64)
  CHECK(weight_after(step, 0, 6400) == Approx(1 / (1 - std::exp2(-1.0 / 64))).epsilon(1e-12));
  CHECK_FALSE(step.needs_times());
}

TEST_CASE("after a half-life of seconds exactly half is left, however many points came") {
  const StepSize step = *StepSize::make(half_life(0, 10));
  CHECK(step.needs_times());
  CHECK(step.retention(0, 1, 10) == 0.5);
  CHECK(step.retention(0, 5, 20) == 0.25);
  CHECK(step.retention(0, 1, 0) == 1);
  double left = 1;
  for (int i = 0; i < 40; ++i) left *= step.retention(i, 1, 0.25);
  CHECK(left == Approx(0.5).epsilon(1e-13));
}

TEST_CASE("a cumulative step forgets nothing") {
  const StepSize step = *StepSize::make(cumulative());
  CHECK(step.retention(0, 1, 0) == 1);
  CHECK(step.retention(1e9, 3, 1e9) == 1);
  CHECK(weight_after(step, 7, 1000) == 1007);
}

TEST_CASE("a point of weight 2 makes the past fade as two points do") {
  for (const StepOptions& options : {constant(0.125), half_life(16, 0), cumulative()}) {
    const StepSize step = *StepSize::make(options);
    CHECK(step.retention(5, 2, 0) == Approx(step.retention(5, 1, 0) * step.retention(6, 1, 0)).epsilon(1e-15));
    CHECK(step.seed_retention(2, 0) == Approx(step.seed_retention(1, 0) * step.seed_retention(1, 0)).epsilon(1e-15));
  }
  // A power law has changed a little by the second point: by about 1/t^2.
  const StepSize step = *StepSize::make(power_law(0.7));
  CHECK(step.retention(1000, 2, 0) == Approx(step.retention(1000, 1, 0) * step.retention(1001, 1, 0)).epsilon(1e-5));
}

TEST_CASE("while points wait for the seed only a constant step and a half-life forget") {
  CHECK(StepSize::make(power_law(0.6, 1))->seed_retention(1, 5) == 1);
  CHECK(StepSize::make(cumulative())->seed_retention(1, 5) == 1);
  CHECK(StepSize::make(constant(0.25))->seed_retention(1, 5) == 0.75);
  CHECK(StepSize::make(half_life(2, 0))->seed_retention(2, 5) == 0.5);
  CHECK(StepSize::make(half_life(0, 5))->seed_retention(2, 5) == 0.5);
}

TEST_CASE("every retention is a factor in 0 to 1") {
  for (const StepOptions& options :
       {power_law(0.51), power_law(0.9, 0.3), power_law(1), constant(0.999), half_life(0.1, 0), half_life(0, 1e-3)})
    for (const double t : {0.0, 0.5, 1.0, 1e15})
      for (const double weight : {1e-9, 0.5, 1.0, 1e9})
        for (const double seconds : {0.0, 1.0, 1e12}) {
          const double lambda = StepSize::make(options)->retention(t, weight, seconds);
          CAPTURE(t, weight, seconds, lambda);
          REQUIRE((lambda >= 0 && lambda <= 1));
        }
}

TEST_CASE("a retention is no more than 1 where it cannot be told from 1, whatever the point weighs") {
  const StepSize step = *StepSize::make(power_law(GENERATE(0.51, 0.9, 0.95, 0.999)));
  const double weight = GENERATE(1.0, 1e6, 1e15, 1e30);
  const double first = GENERATE(1e9, 2e15, 8e15, 1e30);
  std::vector<double> retentions(1000);
  step.retentions(first, retentions);
  for (int i = 0; i < 1000; ++i) {
    const double lambda = step.retention(first * (1 + i * 1e-4), weight, 0);
    REQUIRE((lambda >= 0 && lambda <= 1));
    REQUIRE((retentions[static_cast<std::size_t>(i)] >= 0 && retentions[static_cast<std::size_t>(i)] <= 1));
  }
}

TEST_CASE("a schedule out of its range is refused with the range") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double bad : {0.5, 1.0001, -1.0, 0.0, nan})
    CHECK(refusal(power_law(bad)) == "step exponent: not in (0.5, 1]");
  for (const double bad : {-1.0, nan, infinity})
    CHECK(refusal(power_law(0.9, bad)) == "step offset: not a finite number >= 0");
  for (const double bad : {0.0, 1.0, -0.5, 2.0, nan}) CHECK(refusal(constant(bad)) == "step size: not in (0, 1)");
  const char* half = "half-life: exactly one of points and seconds must be > 0, the other one 0";
  CHECK(refusal(half_life(0, 0)) == half);
  CHECK(refusal(half_life(10, 10)) == half);
  CHECK(refusal(half_life(-1, 0)) == half);
  CHECK(refusal(half_life(nan, 0)) == half);
  CHECK(refusal(half_life(infinity, 0)) == half);
}

TEST_CASE("a half-life of which one number is negative or no number is refused, even if the other one is right") {
  const double bad = GENERATE(-1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity());
  CHECK(refusal(half_life(10, bad)) != "accepted");
  CHECK(refusal(half_life(bad, 10)) != "accepted");
}

}  // namespace
}  // namespace emulsion
