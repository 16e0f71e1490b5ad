// Every family of the registry with what the contract suite must know of it.
//
// To put a family under test: one line in family_cases.
#pragma once

#include <Eigen/Core>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "lib/bank_at_work.h"

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

std::vector<FamilyCase> family_cases();

}  // namespace emulsion::testing
