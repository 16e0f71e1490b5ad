#include "emulsion/ellipsoids.h"

#include <cassert>
#include <cmath>
#include <utility>

#include "emulsion/kernels/kernels.h"

namespace emulsion {

Ellipsoids::Ellipsoids(Eigen::MatrixXd places, const Shapes& shapes)
    : places_(std::move(places)), covariances_(shapes.covariances()), frame_(places_), packed_(size() * kernels::affine_size(dimension())) {
  for (Index k = 0; k < size(); ++k) {
    assert(shapes.is_positive_definite(shapes.size() == 1 ? 0 : k));
    const auto inverse_factor = shapes.inverse_factors().col(shapes.size() == 1 ? 0 : k);
    const double distance = pack(k, inverse_factor, true);
    if (!frame_.admit(distance)) pack(k, inverse_factor, false);
  }
}

// Sets the coefficients of component k from the lower triangle of its inverse factor: about the centre of the frame, or about its own
// place. Returns how far that is from the centre, in units of its width.
double Ellipsoids::pack(Index k, const ConstColumn& inverse_factor, bool framed) {
  thread_local Eigen::VectorXd from_centre, offset;
  from_centre = places_.col(k) - frame_.centre();
  offset.setZero(dimension());
  double largest = 0;
  for (Index i = 0, at = 0; i < dimension(); at += ++i) {
    const auto row = inverse_factor.segment(at, i + 1);
    if (framed) offset[i] = -row.dot(from_centre.head(i + 1));
    const double size = row.cwiseAbs().dot(from_centre.head(i + 1).cwiseAbs());
    if (!(size <= largest) && !std::isnan(largest)) largest = size;
  }
  kernels::pack_affine(inverse_factor.data(), dimension(), offset.data(), packed(k));
  return largest;
}

Eigen::VectorXd Ellipsoids::variances(Index k) const {
  const auto packed = triangle_of(k);
  Eigen::VectorXd variances(dimension());
  for (Index i = 0; i < dimension(); ++i) variances[i] = packed[triangle(i) + i];
  return variances;
}

void Ellipsoids::distances(const Tile& tile, LaneRange lanes, double factor, const Eigen::VectorXd& constants, LaneMatrix& out,
                           Index first_column) const {
  frame_.for_each_run(tile, lanes, places_, [&](const double* blocks, Index first, Index count) {
    for (Index k = first; k < first + count; ++k)
      kernels::affine_distances(blocks, dimension(), packed(k), factor, constants[k], lanes, out.col(first_column + k).data());
  });
}

void Ellipsoids::distances_of(const Tile& tile, Index k, RowNumbers rows, double factor, double constant, double* out) const {
  kernels::affine_distances(frame_.gather(tile, rows, places_, k), dimension(), packed(k), factor, constant,
                            {0, static_cast<Index>(rows.size())}, out);
}

}  // namespace emulsion
