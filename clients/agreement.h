// How well two ways to sort the same points into groups agree.
//
// Both measures are the same for every naming of the groups. Weights count as repeated points.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

namespace emulsion::client {

// How many points are in each pair of groups, one of either sorting.
class Contingency {
 public:
  void add(std::uint64_t one, std::uint64_t other, double weight = 1);

  double total() const { return total_; }  // weight of all points

  // 1 for equal sortings, 0 on average for sortings that have nothing to do with each other.
  // Source: Hubert & Arabie (1985), Comparing partitions, eq. 5.
  double adjusted_rand_index() const;

  // Mutual information over the mean of both entropies: 1 for equal sortings, 0 for independent ones.
  // Source: Vinh, Epps & Bailey (2010), Information theoretic measures for clusterings comparison, table 2 (NMI_sum).
  double normalised_mutual_information() const;

 private:
  std::map<std::pair<std::uint64_t, std::uint64_t>, double> cells_;
  std::map<std::uint64_t, double> ones_;
  std::map<std::uint64_t, double> others_;
  double total_ = 0;
};

}  // namespace emulsion::client
