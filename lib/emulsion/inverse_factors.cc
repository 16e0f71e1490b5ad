#include "emulsion/inverse_factors.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <limits>

namespace emulsion {
namespace {

constexpr double kNotPositive = std::numeric_limits<double>::quiet_NaN();

// Whether this can be on the diagonal of a Cholesky factor. A number of a matrix that is not finite leaves none on that of its row.
bool is_pivot(double number) { return number > 0 && std::isfinite(number); }

// Room that a thread uses again and again.
struct Room {
  Eigen::Matrix<double, kLanes, Eigen::Dynamic> triangles, pivots;
  Eigen::MatrixXd factor, inverse;

  static Room& of_this_thread() {
    thread_local Room room;
    return room;
  }
};

// Up to kLanes matrices.
void invert_side_by_side(const ConstColumns& covariances, Index d, Columns inverses, Column half_log_determinants) {
  Room& room = Room::of_this_thread();
  auto& triangles = room.triangles;
  auto& pivots = room.pivots;
  triangles.resize(kLanes, covariances.rows());
  pivots.resize(kLanes, d);
  const Index count = covariances.cols();
  triangles.topRows(count) = covariances.transpose();
  for (Index s = count; s < kLanes; ++s) triangles.row(s) = triangles.row(0);  // numbers that take no longer than others do
  kernels::invert_cholesky(triangles.data(), d, count, pivots.data());
  inverses = triangles.topRows(count).transpose();
  for (Index s = 0; s < count; ++s) {
    double sum = 0;
    for (Index i = 0; i < d; ++i) {
      const double pivot = pivots(s, i);
      sum = is_pivot(pivot) ? sum + std::log(pivot) : kNotPositive;
      if (std::isnan(sum)) break;
    }
    half_log_determinants[s] = sum;
  }
}

// One matrix. The inverse by forward substitution of all unit vectors at once: each step ends one row, and takes its part from what
// is below.
double invert_alone(const ConstColumn& covariance, Index d, Column inverse) {
  Room& room = Room::of_this_thread();
  room.factor.resize(d, d);
  unpack_triangle(covariance, room.factor);
  const Eigen::LLT<Eigen::Ref<Eigen::MatrixXd>> llt(room.factor);  // in its place
  if (llt.info() != Eigen::Success) return kNotPositive;
  room.inverse.setIdentity(d, d);
  double half_log_determinant = 0;
  for (Index i = 0; i < d; ++i) {
    const double pivot = room.factor(i, i);
    if (!is_pivot(pivot)) return kNotPositive;
    half_log_determinant += std::log(pivot);
    const Index below = d - i - 1;
    for (Index j = 0; j <= i; ++j) {
      const double ended = room.inverse(i, j) /= pivot;
      room.inverse.col(j).tail(below) -= ended * room.factor.col(i).tail(below);
    }
  }
  for (Index i = 0, at = 0; i < d; ++i)
    for (Index j = 0; j <= i; ++j) inverse[at++] = room.inverse(i, j);
  return half_log_determinant;
}

}  // namespace

void invert_cholesky(const ConstColumns& covariances, Columns inverses, Column half_log_determinants) {
  const Index d = order_of_triangle(covariances.rows());
  const Index at_once = matrices_at_once(d);
  for (Index first = 0; first < covariances.cols(); first += at_once) {
    const Index count = std::min(at_once, covariances.cols() - first);
    if (at_once > 1)
      invert_side_by_side(covariances.middleCols(first, count), d, inverses.middleCols(first, count), half_log_determinants.segment(first, count));
    else
      half_log_determinants[first] = invert_alone(covariances.col(first), d, inverses.col(first));
  }
}

bool is_regular(const ConstColumn& covariance, const ConstColumn& inverse_factor) {
  // Rounding leaves the factor of a matrix that differs from C by less than d epsilon sqrt(C_jj C_kk). Row l of L^-1 has l C l^T = 1, so
  // that changes by less than d epsilon (sum_j |l_j| sqrt(C_jj))^2, which must not take all of it.
  const Index d = order_of_triangle(covariance.size());
  const double most = 1 / (static_cast<double>(d + 1) * std::numeric_limits<double>::epsilon());
  thread_local Eigen::VectorXd deviations;
  deviations.resize(d);
  for (Index i = 0; i < d; ++i) deviations[i] = std::sqrt(covariance[triangle(i) + i]);
  for (Index i = 0; i < d; ++i) {
    const double sum = inverse_factor.segment(triangle(i), i + 1).cwiseAbs().dot(deviations.head(i + 1));
    if (!(sum * sum < most)) return false;
  }
  return true;
}

bool is_regular(const ConstColumn& covariance) {
  Eigen::VectorXd inverse(covariance.size()), half_log_determinant(1);
  invert_cholesky(covariance, inverse, half_log_determinant);
  return !std::isnan(half_log_determinant[0]) && is_regular(covariance, inverse);
}

}  // namespace emulsion
