#include "emulsion/geometric.h"

#include <algorithm>

#include "emulsion/independent.h"

namespace emulsion {
namespace {

struct Geometric {
  static constexpr std::string_view name = "geometric";
  static constexpr std::array<std::string_view, 1> parts = {"p"};
  static constexpr std::string_view support = "a whole number >= 1";
  static constexpr bool spreads = false;
  static constexpr double inside = 1;
  using Parameters = std::array<double, 1>;

  static bool supports(double x) { return x >= 1 && x == std::floor(x); }
  static double statistic(double x) { return x - 1; }  // failures before the success
  static double base(double) { return 0; }

  struct Density {
    explicit Density(const Parameters& parameters)
        : log_success(std::log(parameters[0])), log_failure(std::log1p(-parameters[0])) {}
    Lane operator()(const Lane& failures) const { return log_success + failures * log_failure; }
    double log_success, log_failure;
  };

  static const char* fault(const Parameters& parameters) {
    return parameters[0] > 0 && parameters[0] < 1 ? nullptr : "p is not between 0 and 1";
  }
  static double mean(const Parameters& parameters) { return 1 / parameters[0]; }
  static double variance(const Parameters& parameters) { return (1 - parameters[0]) / parameters[0] / parameters[0]; }
  static Summary expected(const Parameters& parameters) { return {1, (1 - parameters[0]) / parameters[0]}; }

  static Estimate<1> estimate(const Summary& summary, const Scale& scale) {
    Estimate<1> estimate;
    Scale of_failures = scale;
    of_failures.mean = scale.mean - 1;
    const double failures = believed_mean(summary, of_failures, estimate.repair);
    if (failures > 0) estimate.parameters = {from_failures(failures)};
    return estimate;
  }

  static Parameters place(double centre, double variance) {
    return {from_failures(bounded(std::max(centre - 1, 1e-3 * std::sqrt(variance)), 1e-9, 1e150))};
  }

  // The largest probability below 1 where rounding would make it 1.
  static double from_failures(double failures) { return std::min(1 / (1 + failures), 1 - 0x1p-53); }
};

}  // namespace

const Family& geometric_family() {
  static const IndependentFamily<Geometric> family;
  return family;
}

}  // namespace emulsion
