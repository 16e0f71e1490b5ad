// Points of distributions other than the normal one.
#pragma once

#include <Eigen/Core>

#include "lib/sample.h"

namespace emulsion::testing {

// One number each. The last parameter is for families with two alone.
double draw_normal(Sampler& sampler, double mean, double variance);
double draw_log_normal(Sampler& sampler, double mean, double variance);
double draw_exponential(Sampler& sampler, double rate, double);
double draw_geometric(Sampler& sampler, double p, double);
double draw_bernoulli(Sampler& sampler, double probability, double);

// By the times between the events of a Poisson process.
double draw_poisson(Sampler& sampler, double rate, double);

// Marsaglia & Tsang (2000), A simple method for generating gamma variables. Any shape > 0.
double draw_gamma(Sampler& sampler, double shape, double rate);

// Chi-squared with so many degrees of freedom.
double draw_chi_squared(Sampler& sampler, int freedom);

// Multivariate t.
Eigen::VectorXd draw_student(Sampler& sampler, const Eigen::VectorXd& location, const Eigen::MatrixXd& scale, int freedom);

// Von Mises-Fisher. Wood (1994), Simulation of the von Mises Fisher distribution.
Eigen::VectorXd draw_direction(Sampler& sampler, const Eigen::VectorXd& direction, double concentration);

Eigen::VectorXd draw_evenly(Sampler& sampler, const Eigen::VectorXd& lowest, const Eigen::VectorXd& highest);

}  // namespace emulsion::testing
