// Points from known parameters, the same on every machine.
#pragma once

#include <Eigen/Cholesky>
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

  Eigen::VectorXd normals(Index d) {
    Eigen::VectorXd z(d);
    for (Index j = 0; j < d; ++j) z[j] = normal();
    return z;
  }

  Eigen::MatrixXd normals(Index d, Index n) {
    Eigen::MatrixXd z(d, n);
    for (Index i = 0; i < n; ++i)
      for (Index j = 0; j < d; ++j) z(j, i) = normal();
    return z;
  }

  // A covariance whose variances are between 0.5 and 2.5 or so.
  Eigen::MatrixXd covariance(Index d) {
    const Eigen::MatrixXd a = normals(d, d);
    return a * a.transpose() / static_cast<double>(d) + 0.5 * Eigen::MatrixXd::Identity(d, d);
  }

 private:
  std::mt19937_64 engine_;
};

// The parameters that generate points.
struct Truth {
  std::vector<double> weights;
  std::vector<Eigen::VectorXd> means;
  std::vector<Eigen::MatrixXd> covariances;
};

inline PointBatch draw(const Truth& truth, Index n, std::uint64_t seed, std::vector<Index>* origins = nullptr) {
  Sampler sampler(seed);
  std::vector<Eigen::MatrixXd> factors;
  for (const auto& covariance : truth.covariances) factors.push_back(covariance.llt().matrixL());
  const Index d = truth.means.front().size();
  PointBatch batch;
  batch.points.resize(d, n);
  for (Index i = 0; i < n; ++i) {
    double left = sampler.uniform();
    std::size_t k = 0;
    while (k + 1 < truth.weights.size() && (left -= truth.weights[k]) >= 0) ++k;
    batch.points.col(i) = truth.means[k] + factors[k] * sampler.normals(d);
    if (origins) origins->push_back(static_cast<Index>(k));
  }
  return batch;
}

// Three clusters in the plane that hardly overlap.
inline Truth three_clusters() {
  Truth truth;
  truth.weights = {0.5, 0.3, 0.2};
  truth.means = {Eigen::Vector2d(0, 0), Eigen::Vector2d(10, 0), Eigen::Vector2d(0, 12)};
  truth.covariances = {(Eigen::Matrix2d() << 1.0, 0.3, 0.3, 2.0).finished(),
                       (Eigen::Matrix2d() << 2.0, -0.8, -0.8, 1.0).finished(),
                       (Eigen::Matrix2d() << 1.5, 0.0, 0.0, 0.7).finished()};
  return truth;
}

// Leaves out about that fraction of the coordinates, but never all of a point.
inline void lose_coordinates(PointBatch& batch, double fraction, std::uint64_t seed) {
  Sampler sampler(seed);
  for (Index i = 0; i < batch.size(); ++i) {
    Index left = batch.dimension();
    for (Index j = 0; j < batch.dimension(); ++j)
      if (sampler.uniform() < fraction && left > 1) {
        batch.points(j, i) = std::nan("");
        --left;
      }
  }
}

inline PointBatch slice(const PointBatch& batch, Index first, Index count) {
  PointBatch part;
  part.points = batch.points.middleCols(first, count);
  if (batch.weights.size() > 0) part.weights = batch.weights.segment(first, count);
  if (batch.has_times())
    part.unix_nanoseconds.assign(batch.unix_nanoseconds.begin() + first,
                                 batch.unix_nanoseconds.begin() + first + count);
  return part;
}

template <typename A, typename B>
bool same_bits(const Eigen::DenseBase<A>& a, const Eigen::DenseBase<B>& b) {
  if (a.rows() != b.rows() || a.cols() != b.cols()) return false;
  for (Index j = 0; j < a.cols(); ++j)
    for (Index i = 0; i < a.rows(); ++i) {
      const double x = a.derived().coeff(i, j);
      const double y = b.derived().coeff(i, j);
      if (std::memcmp(&x, &y, sizeof x) != 0) return false;
    }
  return true;
}

// The largest difference, relative to the largest number.
template <typename A, typename B>
double difference(const Eigen::MatrixBase<A>& a, const Eigen::MatrixBase<B>& b) {
  if (a.rows() != b.rows() || a.cols() != b.cols()) return HUGE_VAL;
  if (!a.allFinite() || !b.allFinite()) return HUGE_VAL;
  const double largest =
      std::max(static_cast<double>(a.cwiseAbs().maxCoeff()), static_cast<double>(b.cwiseAbs().maxCoeff()));
  const double apart = static_cast<double>((a - b).cwiseAbs().maxCoeff());
  return apart == 0 ? 0 : apart / largest;
}

}  // namespace emulsion::testing
