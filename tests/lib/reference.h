// Mixtures of Gaussians by the textbook, one point at a time, in long double: what the library is compared with.
#pragma once

#include <Eigen/Core>
#include <vector>

#include "emulsion/points.h"

namespace emulsion::testing {

using Wide = long double;
using WideVector = Eigen::Matrix<Wide, Eigen::Dynamic, 1>;
using WideMatrix = Eigen::Matrix<Wide, Eigen::Dynamic, Eigen::Dynamic>;

// What a family assumes of covariances.
enum class Shape { full, diagonal, spherical, tied };

// The largest difference, relative to the largest number.
double difference(const Eigen::Ref<const WideMatrix>& a, const Eigen::Ref<const WideMatrix>& b);

struct Gaussian {
  Wide weight = 1;
  WideVector mean;
  WideMatrix covariance;
};

// Parameters in the layout that the headers of the families promise.
Eigen::MatrixXd pack(Shape shape, const std::vector<Gaussian>& components);

Gaussian unpack(Shape shape, const Eigen::VectorXd& parameters, Index d);

std::vector<Index> coordinates(const Eigen::VectorXd& point, bool missing);

// Of the coordinates that are there, under their marginal.
Wide log_density(const Gaussian& g, const Eigen::VectorXd& point);

struct Moments {
  Wide weight = 0;
  WideVector mean;
  WideMatrix scatter;
};

// Ghahramani & Jordan (1994): a missing coordinate counts with its expectation and variance given the others.
//   shares  n: how much of each point belongs to the component
Moments moments(const Gaussian& g, const Eigen::MatrixXd& points, const WideVector& shares);

// The M-step under a prior covariance `prior` (diagonal, d) that counts `strength` points. Leaves weights alone.
std::vector<Gaussian> m_step(Shape shape, const std::vector<Moments>& all, Wide strength, const WideVector& prior);

// The variance of each coordinate over the points that have it.
WideVector coordinate_variances(const PointBatch& batch);

// Posterior probabilities, n x K, and the log density under the mixture, n.
struct Posterior {
  WideMatrix responsibilities;
  WideVector log_density;
};

Posterior posterior(const std::vector<Gaussian>& mixture, const Eigen::MatrixXd& points);

// One step of batch EM, or of classification EM if `hard`, under the library's prior.
std::vector<Gaussian> em_step(Shape shape, const std::vector<Gaussian>& mixture, const PointBatch& batch, bool hard,
                              Wide covariance_points, Wide covariance_fraction, Wide weight_points);

}  // namespace emulsion::testing
