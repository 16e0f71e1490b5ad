// The ugliest points that a stream may be sent: the table of "numbers that cannot break it".
#pragma once

#include <Eigen/Core>
#include <functional>
#include <string>
#include <vector>

#include "lib/families_under_test.h"

namespace emulsion::testing {

// Points (d x n) of a family, made ugly. What is outside the family's support is moved into it where that is possible.
struct UglyPoints {
  std::string name;
  std::function<Eigen::MatrixXd(const FamilyCase&, Sampler&)> make;
};

// One line for each.
std::vector<UglyPoints> ugly_points();

// `count` points of the family's own components, which take turns at random.
Eigen::MatrixXd good_points(const FamilyCase& family, Index count, Sampler& sampler);

// The nearest thing to a point that the family can have: whole numbers for counts, a direction for a direction, and so on.
Eigen::VectorXd into_support(const FamilyCase& family, Eigen::VectorXd point);

}  // namespace emulsion::testing
