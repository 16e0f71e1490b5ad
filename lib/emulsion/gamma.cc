#include "emulsion/gamma.h"

#include <algorithm>
#include <numbers>

#include "emulsion/independent.h"

namespace emulsion {
namespace {

struct Gamma {
  static constexpr std::string_view name = "gamma";
  static constexpr std::array<std::string_view, 2> parts = {"shape", "rate"};
  static constexpr std::string_view support = "a number > 0";
  static constexpr bool spreads = true;
  static constexpr double inside = 1;
  using Parameters = std::array<double, 2>;

  static bool supports(double x) { return x > 0; }
  static double statistic(double x) { return x; }
  static double divergence(double x, double mean) { return gamma_deviance(x, mean); }
  static double base(double x) { return -std::log(x); }

  // As the probability of a count that is not whole: rate^shape x^shape exp(-rate x) / Gamma(shape + 1) * shape / x.
  struct Density {
    explicit Density(const Parameters& parameters)
        : shape(Lane::Constant(parameters[0])),
          rate(parameters[1]),
          constant(0.5 * (std::log(parameters[0]) - std::log(2 * std::numbers::pi)) - stirling_error(parameters[0])) {}
    Lane operator()(const Lane& x) const { return constant - deviance(shape, (rate * x).min(kFarthest)); }
    static constexpr double kFarthest = 1e300;  // beyond it, a point has as good as no density; it must be a number all the same
    Lane shape;
    double rate, constant;
  };

  static const char* fault(const Parameters& parameters) {
    for (const double parameter : parameters)
      if (!(parameter > 0) || !std::isfinite(parameter)) return "shape or rate is not a finite number > 0";
    return nullptr;
  }
  static double mean(const Parameters& parameters) { return parameters[0] / parameters[1]; }
  static double variance(const Parameters& parameters) { return mean(parameters) / parameters[1]; }
  static Summary expected(const Parameters& parameters) {
    return {1, mean(parameters), mean_gamma_deviance(parameters[0])};
  }

  // A gamma of deviance s has a variance of about 2 s times its squared mean: the prior is that of a normal component,
  // but never wider than the mean. What is narrower than rounding has the width of rounding.
  static Estimate<2> estimate(const Summary& summary, const Scale& scale) {
    constexpr double kFloor = 1e-9;
    constexpr double kRounding = 1e-30;
    if (!(summary.mean > 0) || !(summary.spread >= 0) || !std::isfinite(summary.mean) || !std::isfinite(summary.spread))
      return {};
    const double ratio = std::min(1.0, std::sqrt(scale.variance) / summary.mean);
    const double believed = 0.5 * ratio * ratio;
    double deviance =
        (summary.weight * summary.spread + scale.points * scale.fraction * believed) / (summary.weight + scale.points);
    Estimate<2> estimate;
    if (deviance < kFloor * believed) {
      deviance = kFloor * believed;
      estimate.repair = Repair::eigenvalue_floor;
    }
    const double shape = shape_of(std::max(deviance, kRounding));
    estimate.parameters = {shape, shape / summary.mean};
    return estimate;
  }

  static Parameters place(double centre, double variance) {
    const double mean = bounded(std::max(centre, 1e-3 * std::sqrt(variance)), 1e-140, 1e140);
    const double shape = bounded(mean / variance * mean, 0.5, 1e6);
    return {shape, shape / mean};
  }
};

}  // namespace

const Family& gamma_family() {
  static const IndependentFamily<Gamma> family;
  return family;
}

}  // namespace emulsion
