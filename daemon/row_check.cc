#include "daemon/row_check.h"

#include <cmath>

namespace emulsion::service {
namespace {

// Why a row is refused: the word that is counted, and the words that are told.
struct Problem {
  const char* reason;
  std::string text;
};

std::optional<Problem> problem_of(const PointBatch& batch, Index row, MissingPolicy policy, const Refusal& refusal) {
  const auto at = [](Index coordinate, const char* reason) {
    return Problem{reason, "coordinate " + std::to_string(coordinate) + ": " + reason};
  };
  Index missing = 0;
  for (Index j = 0; j < batch.dimension(); ++j) {
    const double value = batch.points(j, row);
    if (std::isinf(value)) return at(j, "not_finite");
    if (std::abs(value) > kLargestCoordinate) return at(j, "out_of_range");
    if (!std::isnan(value)) continue;
    if (policy == MissingPolicy::refuse) return at(j, "missing_value");
    ++missing;
  }
  if (missing == batch.dimension()) return at(batch.dimension() - 1, "no_coordinate");
  if (!refusal) return std::nullopt;
  const auto why = refusal({batch.points.col(row).data(), static_cast<std::size_t>(batch.dimension())});
  return why ? std::optional(Problem{"out_of_support", *why}) : std::nullopt;
}

PointBatch keep_rows(const PointBatch& batch, const std::vector<Index>& rows) {
  PointBatch kept;
  kept.points = batch.points(Eigen::all, rows);
  if (batch.weights.size() > 0) kept.weights = batch.weights(rows);
  if (batch.has_times())
    for (const Index row : rows) kept.unix_nanoseconds.push_back(batch.unix_nanoseconds[static_cast<std::size_t>(row)]);
  return kept;
}

}  // namespace

CheckedRows check_rows(PointBatch batch, MissingPolicy missing, const Refusal& refusal) {
  CheckedRows checked;
  // The common case in one vectorised pass: NaN and infinities fail the comparison.
  if (!refusal && (batch.points.array().abs() <= kLargestCoordinate).all()) {
    checked.accepted = std::move(batch);
    return checked;
  }
  std::vector<Index> good;
  for (Index row = 0; row < batch.size(); ++row) {
    const auto problem = problem_of(batch, row, missing, refusal);
    if (!problem) {
      good.push_back(row);
      continue;
    }
    if (checked.refused.empty()) checked.first_problem = "row " + std::to_string(row) + ", " + problem->text;
    checked.refused.push_back(static_cast<std::uint32_t>(row));
    ++checked.reasons[problem->reason];
  }
  checked.accepted = checked.refused.empty() ? std::move(batch) : keep_rows(batch, good);
  return checked;
}

}  // namespace emulsion::service
