// What components have in common whose coordinates may be correlated: a symmetric matrix with its Cholesky factor, distances
// in its units, and the place of what is missing.
#pragma once

#include <Eigen/Core>
#include <memory>

#include "emulsion/family.h"
#include "emulsion/scatter.h"

namespace emulsion {

using LaneScratch = Eigen::Array<double, kLanes, Eigen::Dynamic>;

// A positive definite matrix: the covariance of a component, or its scale. Immutable; may be shared between components.
struct DenseShape {
  Eigen::MatrixXd covariance;
  Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> factor;  // covariance = factor * factor^T
  double half_log_determinant;
};

std::shared_ptr<const DenseShape> make_shape(Eigen::MatrixXd covariance, const Eigen::MatrixXd& factor);

// The mode of the posterior under an inverse-Wishart prior worth the prior's points, mended by the repair ladder.
//   repair  what had to be done; with kept_previous the result is `previous`
std::shared_ptr<const DenseShape> estimate_shape(const Eigen::MatrixXd& scatter, double weight, const Prior& prior,
                                                 const std::shared_ptr<const DenseShape>& previous, Repair& repair);

// (x - mean)^T covariance^-1 (x - mean) for the kLanes rows from `row`; incomplete ones get what has no meaning.
//   scratch  kLanes x d
Eigen::Array<double, kLanes, 1> squared_distances(const DenseShape& shape, const ConstColumn& mean, const Tile& tile, Index row,
                                                  LaneScratch& scratch);

// The same for the coordinates that an incomplete row has, under their own marginal.
struct ObservedDistance {
  double coordinates;  // how many it has
  double squared;
  double half_log_determinant;
};
ObservedDistance observed_distance(const DenseShape& shape, const ConstColumn& mean, const Tile& tile, Index row);

// A point of which some coordinates are missing, as one component sees it.
struct Completed {
  Eigen::VectorXd point;       // d, the missing coordinates at their conditional expectation
  Eigen::MatrixXd covariance;  // d x d, of the missing coordinates given the others; 0 elsewhere
};

// Source: Ghahramani & Jordan (1994), Supervised learning from incomplete data via an EM approach, section 3.
Completed complete(const DenseShape& shape, const ConstColumn& mean, const Tile& tile, Index row);

}  // namespace emulsion
