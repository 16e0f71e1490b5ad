// What is believed of a component before its points are seen.
//
// The prior is weak, and relative to the stream's own scale: a floor such as 1e-6 would be wrong in other units. It enters
// the M-step alone, never the stored statistics, where it would compound.
// Source: Fraley & Raftery (2007), Bayesian regularization for normal mixture estimation and model-based clustering.
#pragma once

#include <Eigen/Core>

namespace emulsion {

struct PriorOptions {
  // Weight of the prior covariance in points. 0 is maximum likelihood, where a component on equal points collapses.
  // Range >= 0.
  double covariance_points = 1;

  // The prior covariance as a fraction of the stream's own variances. It holds the standard deviation of a component of n
  // points above about sqrt(fraction / n) of the stream's. Range > 0.
  double covariance_fraction = 1e-3;

  // Points that every component is thought to have seen already, in its weight only (Dirichlet). Range >= 0.
  double weight_points = 0.1;
};

// The prior of one stream at one moment: the options, and the stream's own scale along each coordinate (d each).
struct Prior {
  PriorOptions options;
  Eigen::VectorXd variances;    // > 0
  Eigen::VectorXd means = {};
  Eigen::VectorXd lowest = {};  // of all points so far, those that have faded included
  Eigen::VectorXd highest = {};
};

}  // namespace emulsion
