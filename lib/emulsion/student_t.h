// Multivariate t components: like Gaussians with heavier tails, so that points far from all others hardly move them.
//
// A t variable is a normal one whose covariance is divided by a hidden factor u of its own, u ~ Gamma(nu/2, nu/2). With u as
// complete data the family is exponential, so its sufficient statistics serve batch and stepwise EM alike; the degrees of
// freedom nu are learned with the rest.
//
// Statistics of a component: weight; as moments of 2 + d + d(d+1)/2 rows the weight in units of u, mean and scatter so
// weighted, and the sum of E[log u]. Parameters are packed as the location, the lower triangle of the scale matrix row by row,
// and the degrees of freedom.
// Source: Peel & McLachlan (2000), Robust mixture modelling using the t distribution; Liu, Rubin & Wu (1998), Parameter
// expansion to accelerate EM: the PX-EM algorithm, for the M-step; Cappé & Moulines (2009) for complete data in stepwise EM.
#pragma once

#include "emulsion/family.h"

namespace emulsion {

const Family& student_t();

}  // namespace emulsion
