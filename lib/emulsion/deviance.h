// Differences of logarithms that keep their digits: what densities of counts and of gamma variables are made of.
//
// A log density is small where its terms are large: at a count of a million, x log(rate) and log(x!) are some ten
// millions each and leave nothing of their last ten digits. These functions are the small remainders themselves.
// Source: Loader (2000), Fast and accurate computation of binomial probabilities.
#pragma once

#include <Eigen/Core>

#include "emulsion/tile.h"

namespace emulsion {

using Lane = Eigen::Array<double, kLanes, 1>;

// log Gamma(x + 1) - [ x log x - x + log(2 pi x) / 2 ]: the error of Stirling's formula. x > 0.
double stirling_error(double x);

// x log(x / mean) + mean - x, element by element: half the deviance of a count from its mean. x >= 0, mean > 0.
Lane deviance(const Lane& x, const Lane& mean);

// x / mean - 1 - log(x / mean): half the deviance of a gamma variable from its mean. Both > 0.
double gamma_deviance(double x, double mean);

// log(shape) - digamma(shape): what gamma_deviance is on average, for points of that shape. shape > 0.
double mean_gamma_deviance(double shape);

// The shape whose mean_gamma_deviance this is. deviance > 0.
// Source: Minka (2002), Estimating a Gamma distribution, for the iteration and its start.
double shape_of(double deviance);

}  // namespace emulsion
