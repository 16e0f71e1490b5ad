// Inverse Cholesky factors: of a covariance C = L L^T, the lower triangular L^-1.
#pragma once

#include "emulsion/kernels/kernels.h"
#include "emulsion/scatter.h"

namespace emulsion {

// So many matrices of order d are worked on side by side, by one thread: more of them at once share nothing.
inline constexpr Index kLargestSideBySide = 64;
constexpr Index matrices_at_once(Index d) { return d <= kLargestSideBySide ? kLanes : 1; }

// Inverts the factors of any number of matrices. What comes out for one does not depend on the others.
//   covariances            d(d+1)/2 x S: lower triangles, row by row
//   inverses               become such triangles too
//   half_log_determinants  S: of the covariances; NaN for one that is not positive definite, whose inverse then means nothing
void invert_cholesky(const ConstColumns& covariances, Columns inverses, Column half_log_determinants);

// Whether a positive definite matrix is so by more than rounding: each coordinate has to keep more of its variance, once those before
// it are known, than what rounding may have left. Otherwise it is a coin's toss whether it has a factor at all.
bool is_regular(const ConstColumn& covariance, const ConstColumn& inverse_factor);

// Whether it has a factor, and is regular.
bool is_regular(const ConstColumn& covariance);

}  // namespace emulsion
