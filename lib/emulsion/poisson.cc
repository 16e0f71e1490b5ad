#include "emulsion/poisson.h"

#include <algorithm>
#include <numbers>

#include "emulsion/independent.h"

namespace emulsion {
namespace {

struct Poisson {
  static constexpr std::string_view name = "poisson";
  static constexpr std::array<std::string_view, 1> parts = {"rate"};
  static constexpr std::string_view support = "a whole number >= 0";
  static constexpr bool spreads = false;
  static constexpr double inside = 0;
  using Parameters = std::array<double, 1>;

  static bool supports(double x) { return x >= 0 && x == std::floor(x); }
  static double statistic(double x) { return x; }

  // log(x^x exp(-x) / x!), so that the rest is small however large the count.
  static double base(double x) {
    return x == 0 ? 0.0 : -stirling_error(x) - 0.5 * (std::log(2 * std::numbers::pi) + std::log(x));
  }

  struct Density {
    explicit Density(const Parameters& parameters) : rate(Lane::Constant(parameters[0])) {}
    Lane operator()(const Lane& x) const { return -deviance(x, rate); }
    Lane rate;
  };

  static const char* fault(const Parameters& parameters) {
    return parameters[0] > 0 && std::isfinite(parameters[0]) ? nullptr : "rate is not a finite number > 0";
  }
  static double mean(const Parameters& parameters) { return parameters[0]; }
  static double variance(const Parameters& parameters) { return parameters[0]; }
  static Summary expected(const Parameters& parameters) { return {1, parameters[0]}; }

  static Estimate<1> estimate(const Summary& summary, const Scale& scale) {
    Estimate<1> estimate;
    const double mean = believed_mean(summary, scale, estimate.repair);
    if (mean > 0) estimate.parameters = {mean};
    return estimate;
  }

  static Parameters place(double centre, double variance) {
    return {bounded(std::max(centre, 1e-3 * std::sqrt(variance)), 1e-150, 1e150)};
  }
};

}  // namespace

const Family& poisson_family() {
  static const IndependentFamily<Poisson> family;
  return family;
}

}  // namespace emulsion
