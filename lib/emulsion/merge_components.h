// Merging the statistics of two banks, component by component.
#pragma once

#include <cassert>

#include "emulsion/family.h"

namespace emulsion {

// Adds the weights of `from` to those of `into`. A component without weight takes the moments of the other one, and one to
// which nothing is added stays as it is, both to the last bit.
//   blend(k, share, cross)  merges the moments of component k, of which both banks have points: `share` is the added part of
//                           the weight, in (0, 1), and `cross` what the product of two differences of means counts
// Source: Chan, Golub & LeVeque (1979), Updating formulae and a pairwise algorithm for computing sample variances.
template <typename Blend>
void merge_components(BankStatistics& into, const BankStatistics& from, Blend blend) {
  assert(into.moments.rows() == from.moments.rows() && into.moments.cols() == from.moments.cols());
  for (Index k = 0; k < into.weight.size(); ++k) {
    const double added = from.weight[k];
    if (added == 0) continue;
    const double total = into.weight[k] + added;
    if (into.weight[k] == 0)
      into.moments.col(k) = from.moments.col(k);
    else
      blend(k, added / total, into.weight[k] * (added / total));
    into.weight[k] = total;
  }
}

// The same where the moments are means, which need no more than their shares.
inline void merge_means(BankStatistics& into, const BankStatistics& from) {
  merge_components(into, from, [&](Index k, double share, double) {
    into.moments.col(k) += share * (from.moments.col(k) - into.moments.col(k));
  });
}

}  // namespace emulsion
