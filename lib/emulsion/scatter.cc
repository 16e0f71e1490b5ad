#include "emulsion/scatter.h"

#include <cmath>

namespace emulsion {

Index dimension_of_scatter(Index size) {
  return static_cast<Index>(std::lround((std::sqrt(9.0 + 8.0 * static_cast<double>(size)) - 3.0) / 2.0));
}

Eigen::VectorXd pack_triangle(const Eigen::MatrixXd& matrix) {
  Eigen::VectorXd packed(triangle(matrix.rows()));
  for (Index i = 0, at = 0; i < matrix.rows(); ++i)
    for (Index j = 0; j <= i; ++j) packed[at++] = matrix(i, j);
  return packed;
}

Eigen::MatrixXd unpack_triangle(const ConstColumn& packed, Index d) {
  Eigen::MatrixXd matrix(d, d);
  for (Index i = 0, at = 0; i < d; ++i)
    for (Index j = 0; j <= i; ++j) matrix(i, j) = matrix(j, i) = packed[at++];
  return matrix;
}

double scatter_of(const Tile& tile, const Eigen::Array<double, kTilePoints, 1>& shares, const ConstColumn& near, LaneMatrix& scratch,
                  Column into) {
  const double weight = shares.sum();
  if (!(weight > 0)) return 0;
  const Index d = tile.dimension();
  for (Index i = 0; i < d; ++i) {
    scratch.col(i) = tile.points().col(i) - near[i];
    const double shift = (shares * scratch.col(i)).sum() / weight;
    scratch.col(i) -= shift;
    into[i] = near[i] + shift;
  }
  Eigen::Array<double, kTilePoints, 1> weighted;
  for (Index i = 0, at = d; i < d; ++i) {
    weighted = shares * scratch.col(i);
    for (Index j = 0; j <= i; ++j) into[at++] = (weighted * scratch.col(j)).sum();
  }
  return weight;
}

double merge_scatter(Column into, double weight, const ConstColumn& from, double added) {
  if (added == 0) return weight;
  if (weight == 0) {
    into = from;
    return added;
  }
  const Index d = dimension_of_scatter(into.size());
  const double total = weight + added;
  const double cross = weight * (added / total);
  const Eigen::VectorXd shift = from.head(d) - into.head(d);
  into.head(d) += (added / total) * shift;
  for (Index i = 0, at = d; i < d; ++i)
    for (Index j = 0; j <= i; ++j, ++at) into[at] += from[at] + cross * shift[i] * shift[j];
  return total;
}

}  // namespace emulsion
