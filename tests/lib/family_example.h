// What the tests of the contract of family.h share.
#pragma once

#include "emulsion/em_pass.h"
#include "emulsion/mixture.h"
#include "lib/families_under_test.h"

namespace emulsion::testing {

FamilyCase any_family();

const Family& family_of(const FamilyCase& c);

std::shared_ptr<const Bank> bank_of(const FamilyCase& c, const Eigen::MatrixXd& parameters);

// d x n: points of the components in turn, or of one of them.
Eigen::MatrixXd draw_points(const FamilyCase& c, Index n, std::uint64_t seed, Index only = -1);

Eigen::MatrixXd with_losses(const Eigen::MatrixXd& points, double fraction, std::uint64_t seed);

inline PriorOptions no_prior_options() { return {0, 1e-3, 0}; }

// Up to 256 points of the example components, and how much of each belongs to which of them: nothing where it cannot be
// of the component.
struct Example {
  explicit Example(const FamilyCase& c, Index n = 200);

  BankStatistics statistics(Index first, Index count) const;

  const Family* family;
  std::shared_ptr<const Bank> bank;
  Eigen::MatrixXd points;
  Eigen::MatrixXd shares;
  Prior prior;  // none: maximum likelihood, but the stream's own scale
};

// The points' log densities under their components, weighted with their shares.
double expected_log_density(const Bank& bank, const Eigen::MatrixXd& points, const Eigen::MatrixXd& shares);

// What maximise or place made is a distribution.
void check_usable(const Bank& bank);

}  // namespace emulsion::testing
