// Inverse Cholesky factors: of a covariance C = L L^T, the lower triangular L^-1.
// Source: Golub & Van Loan, Matrix Computations (2013), section 4.2; Higham, Accuracy and Stability of Numerical Algorithms
// (2002), section 10.1 for what rounding does.
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

// Whether a positive definite matrix is so by more than rounding: what each coordinate keeps of its variance, once those before it are
// known, has to be more than rounding can make of it. Otherwise it is a coin's toss whether the matrix has a factor at all, and another
// instruction set may say no.
bool is_regular(const ConstColumn& covariance, const ConstColumn& inverse_factor);

// Whether it has a factor, and is regular.
bool is_regular(const ConstColumn& covariance);

}  // namespace emulsion
