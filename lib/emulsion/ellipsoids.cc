#include "emulsion/ellipsoids.h"

#include <Eigen/Cholesky>
#include <cassert>
#include <cmath>
#include <utility>
#include <vector>

#include "emulsion/kernels/kernels.h"
#include "emulsion/repair.h"

namespace emulsion {
namespace {

// Matrices that a thread uses again and again.
struct Room {
  static Room& of_this_thread() {
    thread_local Room room;
    return room;
  }

  Eigen::MatrixXd covariance, factor, inverse;
  Eigen::VectorXd from_centre, offset, sizes;
};

std::vector<Index> coordinates(const Tile& tile, Index row, bool missing) {
  std::vector<Index> chosen;
  for (Index j = 0; j < tile.dimension(); ++j)
    if (tile.is_missing(row, j) == missing) chosen.push_back(j);
  return chosen;
}

Eigen::VectorXd observed_residual(const ConstColumn& place, const Tile& tile, Index row, const std::vector<Index>& observed) {
  const Eigen::VectorXd point = tile.points().row(row);
  return point(observed) - place(observed);
}

// Of a lower triangular matrix, by forward substitution of all unit vectors at once: each step ends one row, and takes its part from
// what is below.
void invert(const Eigen::MatrixXd& factor, Eigen::MatrixXd& inverse) {
  const Index d = factor.rows();
  inverse.setIdentity(d, d);
  for (Index i = 0; i < d; ++i) {
    const Index below = d - i - 1;
    const double pivot = factor(i, i);
    for (Index j = 0; j <= i; ++j) {
      const double ended = inverse(i, j) /= pivot;
      inverse.col(j).tail(below) -= ended * factor.col(i).tail(below);
    }
  }
}

// Finds the inverse of a factor, in this thread's room.
void set_inverse(const Shapes& shapes, Index s) {
  Room& room = Room::of_this_thread();
  room.factor.resize(shapes.dimension(), shapes.dimension());
  unpack_triangle(shapes.factors().col(s), room.factor);
  invert(room.factor, room.inverse);
}

}  // namespace

Shapes::Shapes(Index dimension, Index count)
    : dimension_(dimension), covariances_(triangle(dimension), count), factors_(triangle(dimension), count) {}

void Shapes::store(Index s, const Eigen::MatrixXd& covariance, const Eigen::MatrixXd& factor) {
  for (Index i = 0, at = 0; i < dimension_; ++i)
    for (Index j = 0; j <= i; ++j, ++at) {
      covariances_(at, s) = covariance(i, j);
      factors_(at, s) = factor(i, j);
    }
}

bool Shapes::set(Index s, const ConstColumn& covariance) {
  Room& room = Room::of_this_thread();
  room.covariance.resize(dimension_, dimension_);
  unpack_triangle(covariance, room.covariance);
  if (!cholesky(room.covariance, room.factor)) return false;
  store(s, room.covariance, room.factor);
  return true;
}

void Shapes::keep(Index s, const ConstColumn& covariance) {
  [[maybe_unused]] const bool positive = set(s, covariance);
  assert(positive);
}

Repair Shapes::estimate(Index s, const ConstColumn& scatter, double weight, const Prior& prior) {
  const double strength = prior.options.covariance_points;
  Room& room = Room::of_this_thread();
  room.covariance.resize(dimension_, dimension_);
  unpack_triangle(scatter, room.covariance);
  room.covariance /= weight + strength;
  room.covariance.diagonal() += (strength * prior.options.covariance_fraction / (weight + strength)) * prior.variances;
  const Repair repair = repair_covariance(room.covariance, prior.variances, room.factor);
  if (repair != Repair::kept_previous) store(s, room.covariance, room.factor);
  return repair;
}

double Shapes::half_log_determinant(Index s) const {
  double sum = 0;
  for (Index i = 0; i < dimension_; ++i) sum += std::log(factors_(triangle(i) + i, s));
  return sum;
}

Ellipsoids::Ellipsoids(Eigen::MatrixXd places, const Shapes& shapes, Workers& workers)
    : places_(std::move(places)), covariances_(shapes.covariances()), frame_(places_), packed_(size() * kernels::affine_size(dimension())) {
  // The inverse of one shape for all is found once, and by the thread that uses it.
  const bool one = shapes.size() == 1;
  if (one) set_inverse(shapes, 0);
  Eigen::VectorXd losses(size());
  const auto pack_framed = [&](Index k) {
    if (!one) set_inverse(shapes, k);
    losses[k] = pack(k, true);
  };
  if (one)
    for (Index k = 0; k < size(); ++k) pack_framed(k);
  else
    for_each_shape(size(), dimension(), workers, pack_framed);
  for (Index k = 0; k < size(); ++k) {
    if (frame_.admit(losses[k])) continue;
    set_inverse(shapes, one ? 0 : k);
    pack(k, false);
  }
}

Ellipsoids::Ellipsoids(Eigen::MatrixXd places, const Shapes& shapes) : Ellipsoids(std::move(places), shapes, Workers::alone()) {}

// Sets the coefficients of component k from this thread's inverse: about the centre of the frame, or about its own place. Returns how
// far that is from the centre, in units of its width.
double Ellipsoids::pack(Index k, bool framed) {
  Room& room = Room::of_this_thread();
  room.from_centre = places_.col(k) - frame_.centre();
  room.offset.setZero(dimension());
  room.sizes.setZero(dimension());
  for (Index j = 0; j < dimension(); ++j) {
    const Index rows = dimension() - j;  // that column j has
    const auto column = room.inverse.col(j).tail(rows);
    if (framed) room.offset.tail(rows) -= room.from_centre[j] * column;
    room.sizes.tail(rows) += std::abs(room.from_centre[j]) * column.cwiseAbs();
  }
  kernels::pack_affine(room.inverse.data(), dimension(), room.offset.data(), packed(k));
  return room.sizes.maxCoeff();
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

Ellipsoids::Observed Ellipsoids::observed_distance(Index k, const Tile& tile, Index row) const {
  const auto observed = coordinates(tile, row, false);
  const Eigen::LLT<Eigen::MatrixXd> llt(covariance(k)(observed, observed));
  const Eigen::MatrixXd factor = llt.matrixL();
  const Eigen::VectorXd whitened = llt.matrixL().solve(observed_residual(places_.col(k), tile, row, observed));
  return {static_cast<double>(observed.size()), whitened.squaredNorm(), factor.diagonal().array().log().sum()};
}

Ellipsoids::Completed Ellipsoids::complete(Index k, const Tile& tile, Index row) const {
  const auto observed = coordinates(tile, row, false);
  const auto missing = coordinates(tile, row, true);
  const Eigen::MatrixXd whole = covariance(k);
  const Eigen::LLT<Eigen::MatrixXd> llt(whole(observed, observed));
  const Eigen::MatrixXd regression = llt.solve(whole(observed, missing)).transpose();  // missing on observed
  const Index d = tile.dimension();
  Completed completed{tile.points().row(row).transpose(), Eigen::MatrixXd::Zero(d, d)};
  completed.point(missing) = places_.col(k)(missing) + regression * observed_residual(places_.col(k), tile, row, observed);
  completed.covariance(missing, missing) = whole(missing, missing) - regression * whole(observed, missing);
  return completed;
}

}  // namespace emulsion
