#include "daemon/row_check.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace emulsion::service {
namespace {

// True if no number has a larger magnitude than the given one; one that is not finite has. Positive floating-point numbers
// are in the order of their bits, which the processor compares several at a time where a test for NaN takes one.
template <typename Number, typename Bits>
bool all_within(const void* values, Index count, Number largest) {
  static_assert(sizeof(Number) == sizeof(Bits));
  constexpr Bits kMagnitude = ~Bits{0} >> 1;
  Bits limit;
  std::memcpy(&limit, &largest, sizeof limit);
  const char* at = static_cast<const char*>(values);
  Bits beyond = 0;  // the highest bit is set once a difference has been negative
  for (Index i = 0; i < count; ++i, at += sizeof(Bits)) {
    Bits bits;
    std::memcpy(&bits, at, sizeof bits);
    beyond |= limit - (bits & kMagnitude);
  }
  return (beyond & ~kMagnitude) == 0;
}

bool all_good(const PointView& points) {
  const Index count = points.size() * points.dimension();
  if (points.element() == Element::f64) return all_within<double, std::uint64_t>(points.values(), count, kLargestCoordinate);
  return all_within<float, std::uint32_t>(points.values(), count, std::numeric_limits<float>::max());
}

// Why a row is refused: the word that is counted, and the words that are told.
struct Problem {
  const char* reason;
  std::string text;
};

std::optional<Problem> problem_of(const PointView& points, Index row, MissingPolicy policy) {
  const auto at = [](Index coordinate, const char* reason) {
    return Problem{reason, "coordinate " + std::to_string(coordinate) + ": " + reason};
  };
  Index missing = 0;
  for (Index j = 0; j < points.dimension(); ++j) {
    const double value = points.coordinate(row, j);
    if (std::isinf(value)) return at(j, "not_finite");
    if (std::abs(value) > kLargestCoordinate) return at(j, "out_of_range");
    if (!std::isnan(value)) continue;
    if (policy == MissingPolicy::refuse) return at(j, "missing_value");
    ++missing;
  }
  if (missing == points.dimension()) return at(missing - 1, "no_coordinate");
  return std::nullopt;
}

std::optional<Problem> no_support(const PointView& points, Index row, const Refusal& refusal) {
  std::vector<double> point(static_cast<std::size_t>(points.dimension()));
  points.copy(row, point.data());
  const auto why = refusal(point);
  return why ? std::optional(Problem{"out_of_support", *why}) : std::nullopt;
}

}  // namespace

RefusedRows check_rows(const PointView& points, MissingPolicy missing, const Refusal& refusal) {
  RefusedRows refused;
  if (!refusal && all_good(points)) return refused;  // the common case
  for (Index row = 0; row < points.size(); ++row) {
    auto problem = problem_of(points, row, missing);
    if (!problem && refusal) problem = no_support(points, row, refusal);
    if (!problem) continue;
    if (refused.rows.empty()) refused.first_problem = "row " + std::to_string(row) + ", " + problem->text;
    refused.rows.push_back(static_cast<std::uint32_t>(row));
    ++refused.reasons[problem->reason];
  }
  return refused;
}

PointBatch without_rows(const PointView& points, std::span<const std::uint32_t> refused) {
  PointBatch kept;
  const Index count = points.size() - static_cast<Index>(refused.size());
  kept.points.resize(points.dimension(), count);
  if (points.has_weights()) kept.weights.resize(count);
  Index next = 0;
  for (Index row = 0; row < points.size(); ++row) {
    if (!refused.empty() && row == static_cast<Index>(refused.front())) {
      refused = refused.subspan(1);
      continue;
    }
    points.copy(row, kept.points.col(next).data());
    if (points.has_weights()) kept.weights[next] = points.weight(row);
    if (points.has_times()) kept.unix_nanoseconds.push_back(points.unix_nanoseconds(row));
    ++next;
  }
  return kept;
}

}  // namespace emulsion::service
