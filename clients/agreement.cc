#include "clients/agreement.h"

#include <cmath>

namespace emulsion::client {
namespace {

double pairs(double n) { return n * (n - 1) / 2; }

double pairs_within(const std::map<std::uint64_t, double>& groups) {
  double sum = 0;
  for (const auto& [group, n] : groups) sum += pairs(n);
  return sum;
}

double entropy(const std::map<std::uint64_t, double>& groups, double total) {
  double sum = 0;
  for (const auto& [group, n] : groups) sum -= n / total * std::log(n / total);
  return sum;
}

}  // namespace

void Contingency::add(std::uint64_t one, std::uint64_t other, double weight) {
  cells_[{one, other}] += weight;
  ones_[one] += weight;
  others_[other] += weight;
  total_ += weight;
}

double Contingency::adjusted_rand_index() const {
  double together = 0;
  for (const auto& [cell, n] : cells_) together += pairs(n);
  const double within_ones = pairs_within(ones_);
  const double within_others = pairs_within(others_);
  if (!(pairs(total_) > 0)) return 1;
  const double expected = within_ones * within_others / pairs(total_);
  const double highest = (within_ones + within_others) / 2;
  // Both sortings are one group, or both only groups of one point.
  if (highest == expected) return 1;
  return (together - expected) / (highest - expected);
}

double Contingency::normalised_mutual_information() const {
  const double mean_entropy = total_ > 0 ? (entropy(ones_, total_) + entropy(others_, total_)) / 2 : 0;
  if (!(mean_entropy > 0)) return 1;  // one group each: nothing to be told
  double information = 0;
  for (const auto& [cell, n] : cells_)
    information += n / total_ * std::log(n * total_ / (ones_.at(cell.first) * others_.at(cell.second)));
  return information / mean_entropy;
}

}  // namespace emulsion::client
