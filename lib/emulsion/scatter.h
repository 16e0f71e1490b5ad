// Symmetric matrices as the numbers of their lower triangle, row by row, and points summed up in that form.
//
// Located scatter: weight, mean, and scatter about that mean; as a column of d + d(d+1)/2 numbers, the mean and then the
// triangle of the scatter, beside the weight.
// Source: Chan, Golub & LeVeque (1979), Updating formulae and a pairwise algorithm for computing sample variances.
#pragma once

#include <Eigen/Core>

#include "emulsion/tile.h"

namespace emulsion {

using Column = Eigen::Ref<Eigen::VectorXd>;
using ConstColumn = Eigen::Ref<const Eigen::VectorXd>;

inline Index triangle(Index d) { return d * (d + 1) / 2; }

// d of a located scatter of so many numbers.
Index dimension_of_scatter(Index size);

Eigen::VectorXd pack_triangle(const Eigen::MatrixXd& matrix);
Eigen::MatrixXd unpack_triangle(const ConstColumn& packed, Index d);

// The located scatter of the rows of a tile, in two passes, so that it keeps its digits wherever the data lie.
//   shares   of each row, >= 0; 0 for those that are left out
//   near     d, a place near the points
//   scratch  256 x d
//   into     d + d(d+1)/2; stays as it is if there is no weight
// Returns the weight.
double scatter_of(const Tile& tile, const Eigen::Array<double, kTilePoints, 1>& shares, const ConstColumn& near, LaneMatrix& scratch,
                  Column into);

// Adds the points behind one located scatter to those behind another. Returns the weight of both.
double merge_scatter(Column into, double weight, const ConstColumn& from, double added);

}  // namespace emulsion
