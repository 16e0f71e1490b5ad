#include "emulsion/deviance.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

namespace emulsion {
namespace {

struct Value {
  double of, exact;
};

// Exact values by mpmath 1.2.1 in 60 digits.
TEST_CASE("the error of Stirling's formula is exact to 14 digits") {
  const std::vector<Value> values = {
      {0.25, 0.27251040121343206}, {0.5, 0.15342640972002735},   {1, 0.081061466795327258},
      {7.5, 0.011104559758206917}, {15, 0.0055547335519628014},  {15.5, 0.0053755990329268345},
      {40, 0.0020832899383024217}, {1e3, 8.3333330555556349e-5}, {1e8, 8.3333333333333333e-10},
  };
  for (const Value& value : values) {
    CAPTURE(value.of);
    CHECK(stirling_error(value.of) == Approx(value.exact).epsilon(1e-14));
  }
}

TEST_CASE("the mean deviance of a gamma, and its shape by the mean deviance, are exact to 14 digits") {
  const std::vector<Value> deviances = {
      {1e-300, 9.9999999999999997e299}, {9e-6, 111100.07002599107},   {1.1e-5, 90898.250491376518},
      {1e-3, 993.66781665282814},       {1, 0.57721566490153286},     {29.5, 0.017044899468858819},
      {30, 0.016759248976630499},       {1e5, 5.0000083333333332e-6}, {1e15, 5.0000000000000008e-16},
  };
  for (const Value& value : deviances) {
    CAPTURE(value.of);
    CHECK(mean_gamma_deviance(value.of) == Approx(value.exact).epsilon(1e-14));
  }
  const std::vector<Value> shapes = {
      {1e-20, 5.0000000000000003e19}, {1e-9, 500000000.16666664},   {1e-3, 500.16661108153954},
      {0.1, 5.160875503410206},       {1, 0.61555676647959438},     {3, 0.23855463469170035},
      {50, 0.018715531507539926},     {1e6, 9.9998676186547433e-7},
  };
  for (const Value& value : shapes) {
    CAPTURE(value.of);
    CHECK(shape_of(value.of) == Approx(value.exact).epsilon(1e-13));
  }
}

TEST_CASE("a shape is found for every deviance") {
  for (double exponent = -30; exponent <= 300; exponent += 0.25) {
    const double deviance = std::pow(10, exponent);
    CAPTURE(deviance);
    CHECK(mean_gamma_deviance(shape_of(deviance)) == Approx(deviance).epsilon(1e-12));
  }
}

TEST_CASE("a quotient too small for a number leaves the deviance one") {
  CHECK(deviance(Lane::Constant(5e-278), Lane::Constant(3e46))[0] == 3e46);
  CHECK(gamma_deviance(5e-278, 3e46) == Approx(744.5267445063048).epsilon(1e-13));
}

TEST_CASE("the deviance of a gamma variable keeps its digits near the mean") {
  CHECK(gamma_deviance(1, 1.0000001) == Approx(4.9999993391720789e-15).epsilon(1e-8));  // of 1.0000001 itself
  CHECK(gamma_deviance(1, 1 + 0x1p-52) == Approx(2.4651903288156612e-32).epsilon(1e-14));
  CHECK(gamma_deviance(5, 1) == Approx(2.3905620875658996).epsilon(1e-14));
  CHECK(gamma_deviance(1e-9, 1) == Approx(19.723265837946411).epsilon(1e-14));
  CHECK(gamma_deviance(0.9, 1) == Approx(0.0053605156578262988).epsilon(1e-13));
  CHECK(gamma_deviance(1.3, 1) == Approx(0.037635735532508958).epsilon(1e-13));
  CHECK(gamma_deviance(3, 3) == 0);
}

TEST_CASE("the deviance of a count keeps its digits near the mean, and is the mean at 0") {
  const Lane x = (Lane() << 0, 1, 2, 3, 1e6, 1e6, 1e15, 50).finished();
  const Lane mean = (Lane() << 7, 1, 8, 3.5, 1e6 + 1, 1, 1e15 + 2, 40).finished();
  const Lane found = deviance(x, mean);
  for (Index lane = 0; lane < kLanes; ++lane) {
    // Near the mean, the first terms of the series in the relative distance.
    const long double u = (static_cast<long double>(x[lane]) - mean[lane]) / mean[lane];
    const long double exact = mean[lane] * ((1 + u) * (u == -1 ? 0 : std::log1p(u)) - u);
    const long double series = mean[lane] * u * u * (0.5L - u / 6 + u * u / 12);
    CAPTURE(lane, found[lane]);
    CHECK(found[lane] ==
          Approx(static_cast<double>(std::abs(u) < 1e-4 ? series : exact)).epsilon(1e-11).margin(1e-300));
  }
}

}  // namespace
}  // namespace emulsion
