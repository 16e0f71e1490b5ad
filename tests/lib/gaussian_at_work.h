// Short ways to ask a bank of Gaussians about some points.
#pragma once

#include "lib/bank_at_work.h"
#include "lib/gaussian_cases.h"

namespace emulsion::testing {

inline const Family& family_of(const GaussianCase& c) { return **find_family(c.name); }

std::shared_ptr<const Bank> bank_of(const GaussianCase& c, const std::vector<Gaussian>& components);

std::vector<Gaussian> components_of(const GaussianCase& c, const Bank& bank);

inline Prior no_prior(Index d) { return {{0, 1e-3, 0}, Eigen::VectorXd::Ones(d)}; }

// The largest difference of means, relative to `unit`, and of covariances, relative to the largest.
void check_equal(const std::vector<Gaussian>& found, const std::vector<Gaussian>& expected, double tolerance);

}  // namespace emulsion::testing
