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

std::vector<GaussianCase> gaussian_cases();

// K components that overlap, with covariances as the family assumes them.
std::vector<Gaussian> example_components(Shape shape, Index d, Index components, double offset = 0,
                                         std::uint64_t seed = 5);

}  // namespace emulsion::testing
