// What the numbers of a component's parameters mean.
#pragma once

#include <Eigen/Core>
#include <string>

#include "emulsion/points.h"

namespace emulsion {

// How the numbers of one part of a component's parameters are arranged.
enum class PartShape {
  scalar,     // one number
  vector,     // one number for each coordinate, or for each category
  symmetric,  // a symmetric matrix of order n: the n(n+1)/2 numbers of its lower triangle, row by row
  diagonal,   // the n numbers on the diagonal of a matrix of order n that is 0 elsewhere
  isotropic,  // one number, n times on the diagonal of a matrix of order n that is 0 elsewhere
};

// One part of a component's parameters, such as "mean". The parts of a family, one after another, are a column of pack().
//   size   how many numbers it has
//   order  of the matrix, where it is one; otherwise 0
struct ParameterPart {
  std::string name;
  PartShape shape = PartShape::scalar;
  Index size = 1;
  Index order = 0;

  bool is_matrix() const { return order > 0; }
};

// The matrix (order x order) that the numbers (size) of a part mean. Requires a part that is a matrix.
inline Eigen::MatrixXd matrix_of(const ParameterPart& part, const double* numbers) {
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(part.order, part.order);
  for (Index i = 0; i < part.order; ++i) {
    if (part.shape == PartShape::symmetric)
      for (Index j = 0; j <= i; ++j) matrix(i, j) = matrix(j, i) = *numbers++;
    else
      matrix(i, i) = part.shape == PartShape::diagonal ? numbers[i] : numbers[0];
  }
  return matrix;
}

}  // namespace emulsion
