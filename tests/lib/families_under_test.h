// Every family of the registry with what the contract suite must know of it.
//
// To put a family under test: one line in family_cases.
#pragma once

#include <Eigen/Cholesky>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "lib/bank_at_work.h"
#include "lib/gaussian_cases.h"

namespace emulsion::testing {

// Laws of family.h that not every family can keep.
enum class Law {
  moved_by_points,      // parameters are estimated from the points of the component
  own_parameters,       // a component shares no parameter with others
  missing_coordinates,  // a point may lack coordinates
  moments,              // the means and variances that a bank tells are those of its points
};

// Why a family is exempt from a law.
using Exemptions = std::map<Law, std::string>;

// A point of the component with these parameters.
using DrawPoint = std::function<Eigen::VectorXd(Sampler&, const Eigen::VectorXd& parameters)>;

// A point that the family refuses, and what it says.
struct Refused {
  Eigen::VectorXd point;
  std::string reason;
};

// One family.
//   parameters  P x K: components that overlap, in the layout of pack(); K is 3
//   tolerance   relative error of its M-step, where that iterates
struct FamilyCase {
  std::string name;
  Index dimension;
  Eigen::MatrixXd parameters;
  DrawPoint draw;
  std::vector<Refused> refused = {};
  Exemptions exempt = {};
  double tolerance = 1e-12;

  bool keeps(Law law) const { return !exempt.contains(law); }
};

inline FamilyCase gaussian_case(const std::string& name, Shape shape, Exemptions exempt = {}) {
  const DrawPoint draw = [shape](Sampler& sampler, const Eigen::VectorXd& parameters) -> Eigen::VectorXd {
    const Gaussian g = unpack(shape, parameters, 3);
    const Eigen::MatrixXd factor = g.covariance.cast<double>().llt().matrixL();
    return g.mean.cast<double>() + factor * sampler.normals(3);
  };
  return {name, 3, pack(shape, example_components(shape, 3, 3)), draw, {}, std::move(exempt)};
}

// One line for each family.
inline std::vector<FamilyCase> family_cases() {
  return {
      gaussian_case("gaussian(full)", Shape::full),
      gaussian_case("gaussian(diagonal)", Shape::diagonal),
      gaussian_case("gaussian(spherical)", Shape::spherical),
      gaussian_case("gaussian(tied)", Shape::tied, {{Law::own_parameters, "one covariance belongs to all"}}),
  };
}

}  // namespace emulsion::testing
