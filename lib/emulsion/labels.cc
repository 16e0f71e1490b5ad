#include "emulsion/labels.h"

#include <algorithm>

namespace emulsion {

void Labels::extend(Index points, Index of_model, std::uint64_t version, bool with_responsibilities) {
  if (points == 0) return;
  const std::size_t size = components.size() + static_cast<std::size_t>(points);
  using boost::container::default_init;
  components.resize(size, default_init);
  log_densities.resize(size, default_init);
  if (with_responsibilities) responsibilities.resize(responsibilities.size() + static_cast<std::size_t>(points * of_model), default_init);
  if (spans.empty() || spans.back().version != version) spans.push_back({version, 0});
  spans.back().points += points;
}

void Labels::put(Index from_end, const Expectation& expectation, Index begin, Index end, bool with_responsibilities) {
  const auto first = static_cast<Index>(components.size()) - from_end;
  std::copy(expectation.most_probable.begin() + begin, expectation.most_probable.begin() + end, components.begin() + first);
  std::copy(expectation.log_density.data() + begin, expectation.log_density.data() + end, log_densities.begin() + first);
  if (!with_responsibilities) return;
  const Index of_model = expectation.responsibilities.cols();
  double* next = responsibilities.data() + static_cast<Index>(responsibilities.size()) - from_end * of_model;
  for (Index i = begin; i < end; ++i)
    for (Index k = 0; k < of_model; ++k) *next++ = expectation.responsibilities(i, k);
}

}  // namespace emulsion
