// Random numbers that are the same everywhere.
//
// The generator is fixed by the C++ standard, but its distributions are not; so they are written out here.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <optional>
#include <random>
#include <utility>

namespace emulsion::client {

class Random {
 public:
  explicit Random(std::uint64_t seed) : bits_(seed) {}

  // Uniform in [0, 1), a multiple of 2^-53.
  double uniform() { return static_cast<double>(bits_() >> 11) * 0x1p-53; }

  double uniform(double least, double most) { return least + (most - least) * uniform(); }

  // Normal with mean 0 and variance 1. Source: Box & Muller (1958), A note on the generation of random normal deviates.
  double normal() {
    if (second_) return std::exchange(second_, std::nullopt).value();
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));  // 1 - u is never 0
    const double angle = 2 * std::numbers::pi * uniform();
    second_ = radius * std::sin(angle);
    return radius * std::cos(angle);
  }

 private:
  std::mt19937_64 bits_;
  std::optional<double> second_;  // normals come in pairs
};

}  // namespace emulsion::client
