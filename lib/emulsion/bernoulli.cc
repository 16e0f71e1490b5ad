#include "emulsion/bernoulli.h"

#include <algorithm>

#include "emulsion/independent.h"

namespace emulsion {
namespace {

struct Bernoulli {
  static constexpr std::string_view name = "bernoulli";
  static constexpr std::array<std::string_view, 1> parts = {"probability"};
  static constexpr std::string_view support = "0 or 1";
  static constexpr bool spreads = false;
  static constexpr double inside = 0;
  using Parameters = std::array<double, 1>;

  static bool supports(double x) { return x == 0 || x == 1; }
  static double statistic(double x) { return x; }
  static double base(double) { return 0; }

  struct Density {
    explicit Density(const Parameters& parameters)
        : log_one(std::log(parameters[0])), log_zero(std::log1p(-parameters[0])) {}
    Lane operator()(const Lane& x) const { return x * log_one + (1 - x) * log_zero; }
    double log_one, log_zero;
  };

  static const char* fault(const Parameters& parameters) {
    return parameters[0] > 0 && parameters[0] < 1 ? nullptr : "probability is not between 0 and 1";
  }
  static double mean(const Parameters& parameters) { return parameters[0]; }
  static double variance(const Parameters& parameters) { return parameters[0] * (1 - parameters[0]); }
  static Summary expected(const Parameters& parameters) { return {1, parameters[0]}; }

  // The prior has no scale to follow: half of its points are 0, half are 1.
  static Estimate<1> estimate(const Summary& summary, const Scale& scale) {
    constexpr double kFloor = 1e-9;
    const double probability = summary.mean + scale.points / (summary.weight + scale.points) * (0.5 - summary.mean);
    if (!(probability >= -kFloor && probability <= 1 + kFloor)) return {};
    if (probability >= kFloor && probability <= 1 - kFloor) return {Parameters{probability}};
    return {Parameters{bounded(probability, kFloor, 1 - kFloor)}, Repair::eigenvalue_floor};
  }

  static Parameters place(double centre, double) { return {bounded(centre, 0.05, 0.95)}; }
};

}  // namespace

const Family& bernoulli_family() {
  static const IndependentFamily<Bernoulli> family;
  return family;
}

}  // namespace emulsion
