#include "emulsion/deviance.h"

#include <array>
#include <boost/math/special_functions/digamma.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <boost/math/special_functions/trigamma.hpp>
#include <cmath>
#include <limits>
#include <numbers>

namespace emulsion {
namespace {

// Above these, series in 1/x are exact to the last bits; below that one, the first terms at 0 are.
constexpr double kLargeStirling = 15;
constexpr double kLargeShape = 30;
constexpr double kSmallShape = 1e-5;
constexpr double kTrigammaOfOne = std::numbers::pi * std::numbers::pi / 6;

double exact_stirling_error(double x) {
  const long double wide = x;
  return static_cast<double>(boost::math::lgamma(wide + 1) - (wide + 0.5L) * std::log(wide) + wide -
                             0.5L * std::log(2 * std::numbers::pi_v<long double>));
}

// The sum of v^(2j+1) / (2j+1) over j >= 1: atanh(v) - v, for |v| < 0.1.
template <typename Number>
Number atanh_less_argument(const Number& v) {
  const Number square = v * v;
  Number sum = square * (1.0 / 19) + 1.0 / 17;
  for (const double odd : {15, 13, 11, 9, 7, 5, 3}) sum = square * sum + 1.0 / odd;
  return v * square * sum;
}

// shape^2 times the slope of mean_gamma_deviance, shape - shape^2 trigamma(shape): between -1 and -1/2.
double scaled_slope(double shape) {
  if (shape < kSmallShape) return shape - 1 - shape * shape * kTrigammaOfOne;
  if (shape < kLargeShape) return shape - shape * shape * boost::math::trigamma(shape);
  const double inverse = 1 / shape, square = inverse * inverse;
  return -(0.5 + inverse * (1.0 / 6 - square * (1.0 / 30 - square * (1.0 / 42 - square / 30))));
}

}  // namespace

double stirling_error(double x) {
  if (x <= kLargeStirling) {
    static const auto of_small_counts = [] {
      std::array<double, static_cast<std::size_t>(kLargeStirling) + 1> table{};
      for (std::size_t n = 1; n < table.size(); ++n) table[n] = exact_stirling_error(static_cast<double>(n));
      return table;
    }();
    return x == std::floor(x) ? of_small_counts[static_cast<std::size_t>(x)] : exact_stirling_error(x);
  }
  const double square = 1 / x / x;
  return (1.0 / 12 -
          square * (1.0 / 360 - square * (1.0 / 1260 -
                                          square * (1.0 / 1680 - square * (1.0 / 1188 - square * (691.0 / 360360)))))) /
         x;
}

Lane deviance(const Lane& x, const Lane& mean) {
  const Lane apart = x - mean;
  const Lane v = apart / (x + mean);
  const Lane near = apart * v + 2 * x * atanh_less_argument(v);
  // A quotient that is no normal number any more belongs to an x that is nothing beside the mean.
  const Lane far = (x > 0).select(x * (x / mean).max(std::numeric_limits<double>::min()).log(), 0.0) - apart;
  return (v.abs() < 0.1).select(near, far);
}

double gamma_deviance(double x, double mean) {
  const double apart = (x - mean) / mean;
  const double v = apart / (2 + apart);
  if (std::abs(v) < 0.1) return apart * v - 2 * atanh_less_argument(v);
  const double quotient = x / mean;
  return apart - (quotient >= std::numeric_limits<double>::min() ? std::log(quotient) : std::log(x) - std::log(mean));
}

double mean_gamma_deviance(double shape) {
  if (shape < kSmallShape) return 1 / shape + std::log(shape) + std::numbers::egamma - kTrigammaOfOne * shape;
  if (shape < kLargeShape) return std::log(shape) - boost::math::digamma(shape);
  const double inverse = 1 / shape, square = inverse * inverse;
  return inverse * (0.5 + inverse * (1.0 / 12 - square * (1.0 / 120 - square * (1.0 / 252 - square / 240))));
}

double shape_of(double deviance) {
  // Two forms of one number, each where it loses no digits, and what it tends to.
  const double root = std::sqrt((deviance - 3) * (deviance - 3) + 24 * deviance);
  double shape = deviance < 3     ? (3 - deviance + root) / (12 * deviance)
                 : deviance < 1e6 ? 2 / (root + deviance - 3)
                                  : 1 / deviance;
  constexpr int kMostSteps = 20;  // each doubles the digits, and there are two to begin with
  for (int step = 0; step < kMostSteps; ++step) {
    const double error = mean_gamma_deviance(shape) - deviance;
    const double next = 1 / (1 / shape + error / scaled_slope(shape));
    if (!(next > 0) || !std::isfinite(next)) break;
    const bool arrived = std::abs(next - shape) <= 1e-15 * shape;
    shape = next;
    if (arrived) break;
  }
  return shape;
}

}  // namespace emulsion
