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
using Columns = Eigen::Ref<Eigen::MatrixXd>;
using ConstColumns = Eigen::Ref<const Eigen::MatrixXd>;
using ConstLanes = Eigen::Ref<const LaneMatrix>;

inline Index triangle(Index d) { return d * (d + 1) / 2; }

// d of a lower triangle of so many numbers.
Index order_of_triangle(Index size);

// d of a located scatter of so many numbers.
Index dimension_of_scatter(Index size);

Eigen::VectorXd pack_triangle(const Eigen::MatrixXd& matrix);
Eigen::MatrixXd unpack_triangle(const ConstColumn& packed, Index d);
void unpack_triangle(const ConstColumn& packed, Columns matrix);  // d x d, as it is

// False if sums about a place lose more than four digits when they are moved to the mean, as it is farther from there than a
// hundred deviations: they are then to be made again about the mean.
//   first, second  of one coordinate: sums of share x and share x^2
//   shift          how far the mean is from that place: first / the sum of the shares
bool keeps_digits(double first, double shift, double second);

// The located scatters of the complete rows of a tile, one for each component; they keep their digits wherever the data lie.
//   shares        of each row in component k: column k, >= 0; 0 for those that are left out
//   near          d x K, places near the points
//   weights       K
//   moments       d + d(d+1)/2 x K; where a component has no weight, they stay as they are
void scatters_of(const Tile& tile, const ConstLanes& shares, const ConstColumns& near, Column weights,
                 Columns moments);

// The same with nothing but the sums of squares for the scatters: 2 d x K.
void spreads_of(const Tile& tile, const ConstLanes& shares, const ConstColumns& near, Column weights,
                Columns moments);

// Adds the points behind one located scatter to those behind another. Returns the weight of both.
double merge_scatter(Column into, double weight, const ConstColumn& from, double added);

}  // namespace emulsion
