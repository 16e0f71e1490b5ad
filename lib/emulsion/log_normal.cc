#include "emulsion/log_normal.h"

#include <algorithm>
#include <numbers>

#include "emulsion/independent.h"

namespace emulsion {
namespace {

struct LogNormal {
  static constexpr std::string_view name = "log_normal";
  static constexpr std::array<std::string_view, 2> parts = {"mean_log", "variance_log"};
  static constexpr std::string_view support = "a number > 0";
  static constexpr bool spreads = true;
  static constexpr double inside = 1;
  using Parameters = std::array<double, 2>;

  static bool supports(double x) { return x > 0; }
  static double statistic(double x) { return std::log(x); }
  static double divergence(double log_x, double mean) { return (log_x - mean) * (log_x - mean); }
  static double base(double x) { return -std::log(x); }

  struct Density {
    explicit Density(const Parameters& parameters)
        : mean(parameters[0]),
          deviation(std::sqrt(parameters[1])),
          constant(-0.5 * std::log(2 * std::numbers::pi) - std::log(deviation)) {}
    Lane operator()(const Lane& log_x) const { return constant - 0.5 * ((log_x - mean) / deviation).square(); }
    double mean, deviation, constant;
  };

  static const char* fault(const Parameters& parameters) {
    if (!std::isfinite(parameters[0])) return "mean_log is not a finite number";
    return parameters[1] > 0 && std::isfinite(parameters[1]) ? nullptr : "variance_log is not a finite number > 0";
  }
  static double mean(const Parameters& parameters) { return std::exp(parameters[0] + 0.5 * parameters[1]); }
  static double variance(const Parameters& parameters) {
    return std::exp(2 * parameters[0] + parameters[1] + std::log(std::expm1(std::min(parameters[1], 700.0))));
  }
  static Summary expected(const Parameters& parameters) { return {1, parameters[0], parameters[1]}; }

  // The variance of the logarithm of a log-normal variable with this mean and variance: a scale without a unit.
  static double variance_of_log(double mean, double variance) {
    const double ratio = std::sqrt(variance) / mean;
    return bounded(std::log1p(ratio * ratio), 1e-30, 1e3);
  }

  static Estimate<2> estimate(const Summary& summary, const Scale& scale) {
    constexpr double kFloor = 1e-9;
    const double stream = variance_of_log(scale.mean, scale.variance);
    const double variance =
        (summary.weight * summary.spread + scale.points * scale.fraction * stream) / (summary.weight + scale.points);
    if (!std::isfinite(summary.mean) || !std::isfinite(variance)) return {};
    if (variance >= kFloor * stream) return {Parameters{summary.mean, variance}};
    return {Parameters{summary.mean, kFloor * stream}, Repair::eigenvalue_floor};
  }

  static Parameters place(double centre, double variance) {
    const double mean = bounded(std::max(centre, 1e-3 * std::sqrt(variance)), 1e-150, 1e150);
    return {std::log(mean), variance_of_log(mean, variance)};
  }
};

}  // namespace

const Family& log_normal_family() {
  static const IndependentFamily<LogNormal> family;
  return family;
}

}  // namespace emulsion
