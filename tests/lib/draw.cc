#include "lib/draw.h"

#include <Eigen/Cholesky>
#include <cmath>

namespace emulsion::testing {

double draw_normal(Sampler& sampler, double mean, double variance) {
  return mean + std::sqrt(variance) * sampler.normal();
}
double draw_log_normal(Sampler& sampler, double mean, double variance) {
  return std::exp(draw_normal(sampler, mean, variance));
}
double draw_exponential(Sampler& sampler, double rate, double) { return -std::log(sampler.uniform()) / rate; }
double draw_geometric(Sampler& sampler, double p, double) {
  return 1 + std::floor(std::log(sampler.uniform()) / std::log1p(-p));
}
double draw_bernoulli(Sampler& sampler, double probability, double) {
  return sampler.uniform() < probability ? 1 : 0;
}

double draw_poisson(Sampler& sampler, double rate, double) {
  double count = 0;
  for (double time = draw_exponential(sampler, rate, 0); time < 1; time += draw_exponential(sampler, rate, 0)) ++count;
  return count;
}

double draw_gamma(Sampler& sampler, double shape, double rate) {
  if (shape < 1) return draw_gamma(sampler, shape + 1, rate) * std::pow(sampler.uniform(), 1 / shape);
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  while (true) {
    const double z = sampler.normal(), v = std::pow(1 + c * z, 3);
    if (v > 0 && std::log(sampler.uniform()) < 0.5 * z * z + d - d * v + d * std::log(v)) return d * v / rate;
  }
}

double draw_chi_squared(Sampler& sampler, int freedom) {
  double sum = 0;
  for (int i = 0; i < freedom; ++i) sum += std::pow(sampler.normal(), 2);
  return sum;
}

Eigen::VectorXd draw_student(Sampler& sampler, const Eigen::VectorXd& location, const Eigen::MatrixXd& scale, int freedom) {
  const Eigen::MatrixXd factor = scale.llt().matrixL();
  const Eigen::VectorXd normal = factor * sampler.normals(location.size());
  return location + normal / std::sqrt(draw_chi_squared(sampler, freedom) / freedom);
}

Eigen::VectorXd draw_direction(Sampler& sampler, const Eigen::VectorXd& direction, double concentration) {
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

Eigen::VectorXd draw_evenly(Sampler& sampler, const Eigen::VectorXd& lowest, const Eigen::VectorXd& highest) {
  Eigen::VectorXd point(lowest.size());
  for (Index j = 0; j < point.size(); ++j) point[j] = lowest[j] + (highest[j] - lowest[j]) * sampler.uniform();
  return point;
}

}  // namespace emulsion::testing
