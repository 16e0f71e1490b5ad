// The families of Gaussians, which differ in what they assume of covariances.
#pragma once

#include <string>
#include <vector>

#include "emulsion/families.h"
#include "lib/reference.h"
#include "lib/sample.h"

namespace emulsion::testing {

struct GaussianCase {
  std::string name;
  Shape shape;
};

inline std::vector<GaussianCase> gaussian_cases() {
  return {
      {"gaussian(full)", Shape::full},
      {"gaussian(diagonal)", Shape::diagonal},
      {"gaussian(spherical)", Shape::spherical},
      {"gaussian(tied)", Shape::tied},
  };
}

// K components that overlap, with covariances as the family assumes them.
inline std::vector<Gaussian> example_components(Shape shape, Index d, Index components, double offset = 0,
                                                std::uint64_t seed = 5) {
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
