#include "lib/gaussian_cases.h"

namespace emulsion::testing {

std::vector<GaussianCase> gaussian_cases() {
  return {
      {"gaussian(full)", Shape::full},
      {"gaussian(diagonal)", Shape::diagonal},
      {"gaussian(spherical)", Shape::spherical},
      {"gaussian(tied)", Shape::tied},
  };
}

std::vector<Gaussian> example_components(Shape shape, Index d, Index components, double offset, std::uint64_t seed) {
  Sampler sampler(seed);
  std::vector<Gaussian> result;
  for (Index k = 0; k < components; ++k) {
    Gaussian g;
    g.weight = static_cast<Wide>(k + 1) * 2 / static_cast<Wide>(components * (components + 1));
    const Eigen::VectorXd mean = 2 * sampler.normals(d) + Eigen::VectorXd::Constant(d, offset);
    Eigen::MatrixXd covariance = sampler.covariance(d);
    if (shape == Shape::diagonal) covariance = Eigen::MatrixXd(covariance.diagonal().asDiagonal());
    if (shape == Shape::spherical) covariance = covariance(0, 0) * Eigen::MatrixXd::Identity(d, d);
    g.mean = mean.cast<Wide>();
    g.covariance = shape == Shape::tied && k > 0 ? result.front().covariance : covariance.cast<Wide>();
    result.push_back(g);
  }
  return result;
}

}  // namespace emulsion::testing
