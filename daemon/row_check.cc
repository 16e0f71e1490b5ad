#include "daemon/row_check.h"

#include <cmath>

namespace emulsion::service {
namespace {

// The reason to refuse a row, or null.
const char* problem_of(const PointBatch& batch, Index row, MissingPolicy policy, Index& coordinate) {
  Index missing = 0;
  for (Index j = 0; j < batch.dimension(); ++j) {
    const double value = batch.points(j, row);
    coordinate = j;
    if (std::isinf(value)) return "not_finite";
    if (std::abs(value) > kLargestCoordinate) return "out_of_range";
    if (!std::isnan(value)) continue;
    if (policy == MissingPolicy::refuse) return "missing_value";
    ++missing;
  }
  return missing == batch.dimension() ? "no_coordinate" : nullptr;
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

CheckedRows check_rows(PointBatch batch, MissingPolicy missing) {
  CheckedRows checked;
  // The common case in one vectorised pass: NaN and infinities fail the comparison.
  if ((batch.points.array().abs() <= kLargestCoordinate).all()) {
    checked.accepted = std::move(batch);
    return checked;
  }
  std::vector<Index> good;
  for (Index row = 0; row < batch.size(); ++row) {
    Index coordinate = 0;
    const char* problem = problem_of(batch, row, missing, coordinate);
    if (problem == nullptr) {
      good.push_back(row);
      continue;
    }
    if (checked.refused.empty())
      checked.first_problem = "row " + std::to_string(row) + ", coordinate " + std::to_string(coordinate) + ": " + problem;
    checked.refused.push_back(static_cast<std::uint32_t>(row));
    ++checked.reasons[problem];
  }
  checked.accepted = checked.refused.empty() ? std::move(batch) : keep_rows(batch, good);
  return checked;
}

}  // namespace emulsion::service
