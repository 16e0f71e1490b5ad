#include "emulsion/log_bessel.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace emulsion {
namespace {

// Hankel's expansion, Abramowitz & Stegun (1964), 9.7.1: I_nu(x) = e^x / sqrt(2 pi x) * (1 + t_1 + t_2 + ...), where
// t_k / t_{k-1} = -(2 nu - 2k + 1)(2 nu + 2k - 1) / (8 k x). From here on its terms fall from the first one, to rounding.
bool is_large(double order, double x) { return x >= std::max(40.0, order * order); }

struct Hankel {
  double tail = 0;        // t_1 + t_2 + ...
  double difference = 0;  // the same sum of order nu less that of order nu + 1, where no term cancels another of its size
};

Hankel hankel(double order, double x) {
  constexpr double kNegligible = 1e-18;
  Hankel sums;
  double term = 1;
  for (double k = 1; std::abs(term) > kNegligible; ++k) {
    // t_k of order nu + 1 is (2 nu + 2k + 1) / (2 nu - 2k + 1) times that of order nu.
    sums.difference += term * (2 * order + 2 * k - 1) / (2 * x);
    term *= -(2 * order - 2 * k + 1) * (2 * order + 2 * k - 1) / (8 * k * x);
    sums.tail += term;
  }
  return sums;
}

// y_j = x I_{j+1}(x) / I_j(x) by the recurrence y_{j-1} = x^2 / (2j + y_j). It begins so far above `highest` that the error of
// its beginning has faded below rounding there. Calls visit(j, y_j) for j = highest, highest - 1, ..., lowest.
template <typename Visit>
void recur_down(double highest, double lowest, double x, Visit visit) {
  double j = highest + std::ceil(std::sqrt(40 * x)) + 30;
  double y = x * x / (j + 0.5 + std::hypot(j + 1.5, x));  // Amos (1974): a bound close below
  for (; j > highest; --j) y = x * x / (2 * j + y);
  for (; j > lowest; --j) {
    visit(j, y);
    y = x * x / (2 * j + y);
  }
  visit(j, y);
}

// log[ I_0(x) e^-x ]
double log_scaled_order_0(double x) {
  if (is_large(0, x)) return -0.5 * std::log(2 * std::numbers::pi * x) + std::log1p(hankel(0, x).tail);
  double sum = 0;
  double term = 1;
  for (double k = 1; term > 1e-18 * sum; ++k) {  // the power series, which has no negative terms
    term *= 0.25 * x * x / (k * k);
    sum += term;
  }
  return std::log1p(sum) - x;
}

// log[ I_{1/2}(x) x^{-1/2} e^-x ], of I_{1/2}(x) = sqrt(2 / (pi x)) sinh x.
double log_scaled_order_half(double x) { return 0.5 * std::log(2 / std::numbers::pi) + std::log(-std::expm1(-2 * x) / (2 * x)); }

// The inverse of x / (a + sqrt(b^2 + x^2)), a = nu + 1/2, b = nu + 3/2: Amos' bound.
double inverse_bound(double order, const BesselRatio& value) {
  const double a = order + 0.5, b = order + 1.5;
  const double gap = value.complement * (1 + value.ratio);  // 1 - ratio^2
  return value.ratio / gap * (a + std::sqrt(a * a * value.ratio * value.ratio + b * b * gap));
}

}  // namespace

double log_scaled_bessel(Index twice_order, double x) {
  const double order = 0.5 * static_cast<double>(twice_order);
  if (is_large(order, x))
    return -(order + 0.5) * std::log(x) - 0.5 * std::log(2 * std::numbers::pi) + std::log1p(hankel(order, x).tail);
  // I_j x^-j is I_{j-1} x^-(j-1) divided by 2j + y_j, from order 0 or 1/2 upwards.
  const bool whole = twice_order % 2 == 0;
  double log_divisor = 0;
  if (order >= 1) recur_down(order, whole ? 1 : 1.5, x, [&](double j, double y) { log_divisor += std::log(2 * j + y); });
  return (whole ? log_scaled_order_0(x) : log_scaled_order_half(x)) - log_divisor;
}

BesselRatio bessel_ratio(Index twice_order, double x) {
  const double order = 0.5 * static_cast<double>(twice_order);
  if (is_large(order, x)) {
    const Hankel sums = hankel(order, x);
    const double complement = sums.difference / (1 + sums.tail);
    return {1 - complement, complement};
  }
  double y = 0;
  recur_down(order, order, x, [&](double, double at_order) { y = at_order; });
  return {y / x, (x - y) / x};
}

// The bound is within a sixth of the function, and its inverse turns the function into nearly the identity: each step leaves
// less than an eighth of the error, until only rounding is left.
double inverse_bessel_ratio(Index twice_order, const BesselRatio& value) {
  const double order = 0.5 * static_cast<double>(twice_order);
  const double target = inverse_bound(order, value);
  double x = target;
  for (double last_change = 1;;) {
    const double factor = target / inverse_bound(order, bessel_ratio(twice_order, x));
    const double change = std::abs(factor - 1);
    if (!(change < 0.5 * last_change)) return x;
    x *= factor;
    last_change = change;
  }
}

}  // namespace emulsion
