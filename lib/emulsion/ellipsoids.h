// What components have in common whose coordinates may be correlated: a symmetric matrix with its Cholesky factor, distances
// in its units, and the place of what is missing.
#pragma once

#include <Eigen/Core>
#include <memory>
#include <span>
#include <vector>

#include "emulsion/family.h"
#include "emulsion/frame.h"
#include "emulsion/scatter.h"

namespace emulsion {

// A positive definite matrix: the covariance of a component, or its scale. Immutable; may be shared between components.
struct DenseShape {
  Eigen::MatrixXd covariance;
  Eigen::MatrixXd inverse_factor;  // of the lower triangular one, covariance = factor * factor^T
  double half_log_determinant;
};

//   factor  lower triangular, covariance = factor * factor^T
std::shared_ptr<const DenseShape> make_shape(Eigen::MatrixXd covariance, const Eigen::MatrixXd& factor);

// The mode of the posterior under an inverse-Wishart prior worth the prior's points, mended by the repair ladder.
//   repair  what had to be done; with kept_previous the result is `previous`
std::shared_ptr<const DenseShape> estimate_shape(const Eigen::MatrixXd& scatter, double weight, const Prior& prior,
                                                 const std::shared_ptr<const DenseShape>& previous, Repair& repair);

// Distances of points from K places, each in the units of its own shape. Immutable; may be shared between threads.
class DenseDistances {
 public:
  //   places  d x K
  //   shapes  K
  DenseDistances(const Eigen::MatrixXd& places, const std::vector<std::shared_ptr<const DenseShape>>& shapes);

  // out(row, first_column + k) = constants[k] + factor * (x - place_k)^T covariance_k^-1 (x - place_k) for some rows of a tile;
  // incomplete ones get what has no meaning.
  void compute(const Tile& tile, LaneRange lanes, double factor, const Eigen::VectorXd& constants, LaneMatrix& out, Index first_column) const;

  // The same bits for component k and some rows alone.
  //   out  as many numbers, and room for whole blocks of kLanes
  void compute_rows(const Tile& tile, Index k, RowNumbers rows, double factor, double constant, double* out) const;

 private:
  Eigen::MatrixXd places_;
  Frame frame_;
  std::vector<std::vector<double>> packed_;  // K
};

// (x - mean)^T covariance^-1 (x - mean) for the coordinates that an incomplete row has, under their own marginal.
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
