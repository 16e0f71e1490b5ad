// Fits one mixture for each count of components, and chooses.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "clients/fit.h"

namespace emulsion::client {

// The fit of one count.
struct SelectionRow {
  Index components = 0;
  double log_likelihood = 0;  // of all points
  Criteria criteria;
  bool converged = false;
  std::string failure;        // why there is no fit; empty if there is
};

struct Selection {
  std::vector<SelectionRow> rows;  // in the order of the counts
  std::size_t chosen = 0;          // position among them
  Fit fit;                         // that was chosen
};

// The criterion of one row; the less the better.
double value_of(const SelectionRow& row, Criterion criterion);

// Counts are fitted side by side, one on each thread. The result does not depend on how many threads there are.
//   formula_of  the mixture of a count of components
//   finished    called after each, on any thread, one at a time
// Errors: none of the counts could be fitted: the first failure.
Attempt<Selection> select_components(const PointFile& file, const FitOptions& options,
                                     const std::function<MixtureFormula(Index)>& formula_of,
                                     const std::function<void(const SelectionRow&)>& finished);

}  // namespace emulsion::client
