// How fast old points are forgotten.
//
// Statistics are kept as decayed sums: a point that has just come counts with its own weight, and everything before it
// is multiplied by its *retention* lambda. With the step size gamma_t of stepwise EM, s <- (1 - gamma_t) s + gamma_t s_t,
// and S = s / gamma_t, the retention of point t is
//     lambda_t = (1 - gamma_t) * gamma_{t-1} / gamma_t,
// and the weight of S, the effective sample size, is 1 / gamma_t. t counts points, never messages or mini-batches, so that
// the result hardly depends on how points are batched.
// Source: Cappé & Moulines (2009), On-line expectation-maximization algorithm for latent data models, section 2;
// Liang & Klein (2009), Online EM for unsupervised models, section 3.
#pragma once

#include <span>

#include "emulsion/result.h"

namespace emulsion {

enum class StepKind {
  power_law,   // gamma_t = (t + offset)^-exponent
  constant,    // gamma_t = size
  half_life,   // a point counts half after so many points, or so many seconds of event time
  cumulative,  // nothing is forgotten: gamma_t = 1 / t
};

struct StepOptions {
  StepKind kind = StepKind::power_law;

  // Power law: near 0.5 follows change quickly and noisily; 1.0 averages all history. At 0.9, of t points
  // about t^0.9 count: a third of a hundred thousand. Range (0.5, 1]. Source: Cappé & Moulines (2009), assumption on the step sizes in section 2.
  double exponent = 0.9;

  // Power law: added to t, which starts at 0 with the first point after the seed. Larger is slower at the start.
  // 0 chooses it so that the effective sample size goes on from the weight of the seed. Range >= 0.
  double offset_points = 0;

  // Constant: the step size of one point; the effective sample size is 1 / size points. Range (0, 1).
  double size = 0.001;

  // Half-life: exactly one of the two is > 0. Seconds are those of the points' own timestamps.
  double half_life_points = 10000;
  double half_life_seconds = 0;
};

// A schedule of step sizes. A small value; it holds no count.
class StepSize {
 public:
  // Errors: a number out of its range, with the range.
  static Result<StepSize> make(const StepOptions& options);

  // The same schedule for a stream whose seed left statistics of this weight: an automatic offset goes on from there.
  StepSize after_seed(double weight) const;

  // Retention of everything before a point.
  //   t        weight of the points learned after the seed and before this one, >= 0
  //   weight   of this point; a point of weight 2 makes the past fade as two points do
  //   seconds  event time since the latest earlier point, >= 0
  // Returns a factor in [0, 1].
  double retention(double t, double weight, double seconds) const;

  // The same for consecutive points of weight 1 that come without times, the first of them at t.
  void retentions(double t, std::span<double> out) const;

  // The same between points of the warm-up buffer, when the seed becomes statistics: only a constant step and a
  // half-life forget there.
  double seed_retention(double weight, double seconds) const;

  // True if points need timestamps.
  bool needs_times() const { return options_.kind == StepKind::half_life && options_.half_life_seconds > 0; }

 private:
  explicit StepSize(const StepOptions& options) : options_(options), offset_(options.offset_points) {}

  StepOptions options_;
  double offset_;
};

}  // namespace emulsion
