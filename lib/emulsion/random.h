// Random numbers that are the same on every platform and standard library.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <random>

#include "emulsion/points.h"

namespace emulsion {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  // Uniform in [0, 1), with 53 random bits.
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }

  // An index drawn in proportion to the given weights (n, >= 0); uniformly if all are 0.
  Index pick(const Eigen::VectorXd& weights);

 private:
  std::mt19937_64 engine_;
};

}  // namespace emulsion
