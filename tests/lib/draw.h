// Points of distributions other than the normal one.
#pragma once

#include "lib/sample.h"

namespace emulsion::testing {

// Chi-squared with so many degrees of freedom.
inline double draw_chi_squared(Sampler& sampler, int freedom) {
  double sum = 0;
  for (int i = 0; i < freedom; ++i) sum += std::pow(sampler.normal(), 2);
  return sum;
}

// Multivariate t.
inline Eigen::VectorXd draw_student(Sampler& sampler, const Eigen::VectorXd& location, const Eigen::MatrixXd& scale, int freedom) {
  const Eigen::MatrixXd factor = scale.llt().matrixL();
  const Eigen::VectorXd normal = factor * sampler.normals(location.size());
  return location + normal / std::sqrt(draw_chi_squared(sampler, freedom) / freedom);
}

// Von Mises-Fisher. Wood (1994), Simulation of the von Mises Fisher distribution.
inline Eigen::VectorXd draw_direction(Sampler& sampler, const Eigen::VectorXd& direction, double concentration) {
  const auto d = static_cast<int>(direction.size());
  const double freedom = d - 1;
  const double b = freedom / (2 * concentration + std::sqrt(4 * concentration * concentration + freedom * freedom));
  const double x = (1 - b) / (1 + b);
  const double c = concentration * x + freedom * std::log(1 - x * x);
  double cosine = 0;
  do {
    const double left = draw_chi_squared(sampler, d - 1);
    const double beta = left / (left + draw_chi_squared(sampler, d - 1));
    cosine = (1 - (1 + b) * beta) / (1 - (1 - b) * beta);
  } while (concentration * cosine + freedom * std::log(1 - x * cosine) - c < std::log(sampler.uniform()));
  Eigen::VectorXd across = sampler.normals(d);
  across -= across.dot(direction) * direction;
  return cosine * direction + std::sqrt(1 - cosine * cosine) * across.normalized();
}

inline Eigen::VectorXd draw_evenly(Sampler& sampler, const Eigen::VectorXd& lowest, const Eigen::VectorXd& highest) {
  Eigen::VectorXd point(lowest.size());
  for (Index j = 0; j < point.size(); ++j) point[j] = lowest[j] + (highest[j] - lowest[j]) * sampler.uniform();
  return point;
}

}  // namespace emulsion::testing
