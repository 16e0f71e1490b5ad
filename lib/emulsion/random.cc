#include "emulsion/random.h"

#include <algorithm>

namespace emulsion {

Index Random::pick(const Eigen::VectorXd& weights) {
  const Index n = weights.size();
  const double total = weights.sum();
  if (!(total > 0)) return std::min(n - 1, static_cast<Index>(uniform() * static_cast<double>(n)));
  double left = uniform() * total;
  Index last = 0;
  for (Index i = 0; i < n; ++i) {
    if (!(weights[i] > 0)) continue;
    last = i;
    left -= weights[i];
    if (left < 0) break;
  }
  return last;
}

}  // namespace emulsion
