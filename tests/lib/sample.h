// Points from known parameters, the same on every machine.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numbers>
#include <random>
#include <vector>

#include "emulsion/points.h"

namespace emulsion::testing {

class Sampler {
 public:
  explicit Sampler(std::uint64_t seed) : engine_(seed) {}

  double uniform() { return (static_cast<double>(engine_() >> 11) + 0.5) * 0x1p-53; }  // in (0, 1)

  // Box & Muller (1958).
  double normal() { return std::sqrt(-2 * std::log(uniform())) * std::cos(2 * std::numbers::pi * uniform()); }

  Eigen::VectorXd normals(Index d);
  Eigen::MatrixXd normals(Index d, Index n);

  // A covariance whose variances are between 0.5 and 2.5 or so.
  Eigen::MatrixXd covariance(Index d);

 private:
  std::mt19937_64 engine_;
};

// The parameters that generate points.
struct Truth {
  std::vector<double> weights;
  std::vector<Eigen::VectorXd> means;
  std::vector<Eigen::MatrixXd> covariances;
};

PointBatch draw(const Truth& truth, Index n, std::uint64_t seed, std::vector<Index>* origins = nullptr);

// Three clusters in the plane that hardly overlap.
Truth three_clusters();

// Leaves out about that fraction of the coordinates, but never all of a point.
void lose_coordinates(PointBatch& batch, double fraction, std::uint64_t seed);

PointBatch slice(const PointBatch& batch, Index first, Index count);

bool same_bits(const Eigen::Ref<const Eigen::MatrixXd>& a, const Eigen::Ref<const Eigen::MatrixXd>& b);

// The largest difference, relative to the largest number.
double difference(const Eigen::Ref<const Eigen::MatrixXd>& a, const Eigen::Ref<const Eigen::MatrixXd>& b);

}  // namespace emulsion::testing
