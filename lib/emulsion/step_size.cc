#include "emulsion/step_size.h"

#include <algorithm>
#include <cmath>

#include "emulsion/kernels/kernels.h"

namespace emulsion {

Result<StepSize> StepSize::make(const StepOptions& options) {
  switch (options.kind) {
    case StepKind::power_law:
      if (!(options.exponent > 0.5 && options.exponent <= 1)) return fail("step exponent: not in (0.5, 1]");
      if (!(options.offset_points >= 0) || !std::isfinite(options.offset_points))
        return fail("step offset: not a finite number >= 0");
      break;
    case StepKind::constant:
      if (!(options.size > 0 && options.size < 1)) return fail("step size: not in (0, 1)");
      break;
    case StepKind::half_life: {
      const double points = options.half_life_points;
      const double seconds = options.half_life_seconds;
      if (!(points >= 0 && seconds >= 0 && std::isfinite(points) && std::isfinite(seconds)) || (points > 0) == (seconds > 0))
        return fail("half-life: exactly one of points and seconds must be > 0, the other one 0");
      break;
    }
    case StepKind::cumulative:
      break;
  }
  return StepSize(options);
}

StepSize StepSize::after_seed(double weight) const {
  StepSize schedule = *this;
  if (options_.offset_points == 0) schedule.offset_ = std::pow(weight, 1 / options_.exponent);
  return schedule;
}

double StepSize::retention(double t, double weight, double seconds) const {
  if (options_.kind != StepKind::power_law) return seed_retention(weight, seconds);
  if (options_.exponent == 1) return 1;
  // Of this point and of the one before it: 1/gamma is the effective sample size.
  double lambda = 0;
  kernels::power_law_retentions(t, offset_, options_.exponent, 1, &lambda);
  return weight == 1 ? lambda : std::pow(lambda, weight);
}

void StepSize::retentions(double t, std::span<double> out) const {
  if (options_.kind != StepKind::power_law || options_.exponent == 1) {
    std::fill(out.begin(), out.end(), retention(t, 1, 0));
    return;
  }
  kernels::power_law_retentions(t, offset_, options_.exponent, static_cast<Index>(out.size()), out.data());
}

double StepSize::seed_retention(double weight, double seconds) const {
  switch (options_.kind) {
    case StepKind::constant:
      return weight == 1 ? 1 - options_.size : std::pow(1 - options_.size, weight);
    case StepKind::half_life:
      return needs_times() ? std::exp2(-seconds / options_.half_life_seconds) : std::exp2(-weight / options_.half_life_points);
    case StepKind::power_law:
    case StepKind::cumulative:
      break;
  }
  return 1;
}

}  // namespace emulsion
