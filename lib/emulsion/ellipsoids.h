// What components have in common whose coordinates may be correlated: K places with a positive definite matrix each, or one
// for all; and distances in its units. For points that lack coordinates see marginals.h.
#pragma once

#include <Eigen/Core>

#include "emulsion/frame.h"
#include "emulsion/kernels/kernels.h"
#include "emulsion/prefetch.h"
#include "emulsion/scatter.h"
#include "emulsion/shapes.h"

namespace emulsion {

// Places with their shapes, and distances from them. Immutable; may be shared between threads.
class Ellipsoids {
 public:
  //   places  d x K
  //   shapes  K, or one for all; all of them factored
  Ellipsoids(Eigen::MatrixXd places, const Shapes& shapes);

  Index size() const { return places_.cols(); }
  Index dimension() const { return places_.rows(); }
  const Eigen::MatrixXd& places() const { return places_; }

  // The matrices, one for each component or one for all: lower triangles, row by row.
  const Eigen::MatrixXd& triangles() const { return covariances_; }

  // The matrix of component k: its lower triangle row by row, all of it, or its diagonal.
  auto triangle_of(Index k) const { return covariances_.col(covariances_.cols() == 1 ? 0 : k); }
  Eigen::MatrixXd covariance(Index k) const { return unpack_triangle(triangle_of(k), dimension()); }
  Eigen::VectorXd variances(Index k) const;

  // out(row, first_column + k) = constants[k] + factor * (x - place_k)^T covariance_k^-1 (x - place_k) for some rows of a tile;
  // incomplete ones get what has no meaning.
  void distances(const Tile& tile, LaneRange lanes, double factor, const Eigen::VectorXd& constants, LaneMatrix& out, Index first_column) const;

  // The same bits for component k and some rows alone.
  //   out  as many numbers, and room for whole blocks of kLanes
  void distances_of(const Tile& tile, Index k, RowNumbers rows, double factor, double constant, double* out) const;

  // What `distances` needs is fetched; see prefetch.h. The object itself is part of another.
  void prefetch(int step) const {
    if (step != 1) return;
    frame_.prefetch();
    prefetch_numbers(packed_);
  }

 private:
  double pack(Index k, const ConstColumn& inverse_factor, bool framed);
  double* packed(Index k) { return packed_.data() + k * kernels::affine_size(dimension()); }
  const double* packed(Index k) const { return packed_.data() + k * kernels::affine_size(dimension()); }

  Eigen::MatrixXd places_;       // d x K
  Eigen::MatrixXd covariances_;  // d(d+1)/2 x S
  Frame frame_;
  Eigen::VectorXd packed_;  // inverse factors with their offsets, as kernels::pack_affine makes them, one after the other
};

}  // namespace emulsion
