// The inverse Gaussian distribution: how long a Brownian motion with drift takes to reach a level. A point is one time.
//   density(x) = sqrt(shape / (2 pi x^3)) exp(-shape (x - mean)^2 / (2 mean^2 x))
// Sufficient statistics are x and 1/x, so EM is exact.
// Source: Tweedie (1957), Statistical properties of inverse Gaussian distributions, Ann. Math. Statist. 28, 362-377.
#include <emulsion/custom_family.h>

#include <algorithm>
#include <cmath>
#include <numbers>

class InverseGaussian final : public emulsion::CustomFamily {
 public:
  std::string name() const override { return "inverse_gaussian"; }
  std::string why_not_dimension(std::size_t d) const override { return d == 1 ? "" : "expected 1"; }
  std::vector<Part> parameters(std::size_t) const override { return {{"mean"}, {"shape"}}; }
  std::size_t statistics_size(std::size_t) const override { return 2; }
  std::string why_not(Numbers x) const override { return x[0] > 0 ? "" : "expected a number > 0"; }

  double log_density(Numbers x, Numbers p) const override {
    const double distance = (x[0] - p[0]) / p[0];
    return 0.5 * (std::log(p[1] / (2 * std::numbers::pi)) - 3 * std::log(x[0]) - p[1] * distance * distance / x[0]);
  }

  void statistics(Numbers x, Numbers, Output s) const override {
    s[0] = x[0];
    s[1] = 1 / x[0];
  }
  void expected_statistics(Numbers p, Output s) const override {
    s[0] = p[0];
    s[1] = 1 / p[0] + 1 / p[1];
  }

  // 1/shape is the mean of 1/x less 1/mean. The variance is mean^3/shape: so wide are the prior's imagined points.
  void maximise(Numbers s, double weight, const Prior& prior, Numbers, Output p) const override {
    const double own = std::max(0.0, s[1] - 1 / s[0]), imagined = prior.variances[0] / std::pow(s[0], 3);
    p[0] = s[0];
    p[1] = (weight + prior.points) / (weight * own + prior.points * imagined);
  }
  void place(Numbers centre, Numbers variances, Output p) const override {
    p[0] = std::max(centre[0], 1e-3 * std::sqrt(variances[0]));
    p[1] = std::pow(p[0], 3) / variances[0];
  }

  void mean(Numbers p, Output m) const override { m[0] = p[0]; }
  void variance(Numbers p, Output v) const override { v[0] = std::pow(p[0], 3) / p[1]; }
};

EMULSION_EXPORT_FAMILIES(InverseGaussian);
