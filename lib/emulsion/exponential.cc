#include "emulsion/exponential.h"

#include <algorithm>

#include "emulsion/independent.h"

namespace emulsion {
namespace {

struct Exponential {
  static constexpr std::string_view name = "exponential";
  static constexpr std::array<std::string_view, 1> parts = {"rate"};
  static constexpr std::string_view support = "a number >= 0";
  static constexpr bool spreads = false;
  static constexpr double inside = 0;
  using Parameters = std::array<double, 1>;

  static bool supports(double x) { return x >= 0; }
  static double statistic(double x) { return x; }
  static double base(double) { return 0; }

  struct Density {
    explicit Density(const Parameters& parameters) : rate(parameters[0]), log_rate(std::log(rate)) {}
    Lane operator()(const Lane& x) const { return log_rate - (rate * x).min(kFarthest); }
    static constexpr double kFarthest = 1e300;  // beyond it, a point has as good as no density; it must be a number all the same
    double rate, log_rate;
  };

  static const char* fault(const Parameters& parameters) {
    return parameters[0] > 0 && std::isfinite(parameters[0]) ? nullptr : "rate is not a finite number > 0";
  }
  static double mean(const Parameters& parameters) { return 1 / parameters[0]; }
  static double variance(const Parameters& parameters) { return mean(parameters) * mean(parameters); }
  static Summary expected(const Parameters& parameters) { return {1, mean(parameters)}; }

  static Estimate<1> estimate(const Summary& summary, const Scale& scale) {
    Estimate<1> estimate;
    const double mean = believed_mean(summary, scale, estimate.repair);
    if (mean > 0) estimate.parameters = {1 / mean};
    return estimate;
  }

  static Parameters place(double centre, double variance) {
    return {1 / bounded(std::max(centre, 1e-3 * std::sqrt(variance)), 1e-150, 1e150)};
  }
};

}  // namespace

const Family& exponential_family() {
  static const IndependentFamily<Exponential> family;
  return family;
}

}  // namespace emulsion
