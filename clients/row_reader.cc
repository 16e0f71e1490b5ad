#include "clients/row_reader.h"

#include <algorithm>
#include <cmath>

#include "emulsion/families.h"

namespace emulsion::client {
namespace {

constexpr std::size_t kMostRefusals = 10;

wire::PointTable keep_rows(const wire::PointTable& table, const std::vector<Index>& rows) {
  wire::PointTable kept;
  kept.batch.points = table.batch.points(Eigen::all, rows);
  if (table.batch.weights.size() > 0) kept.batch.weights = table.batch.weights(rows);
  for (const Index row : rows) {
    const auto i = static_cast<std::size_t>(row);
    if (table.batch.has_times()) kept.batch.unix_nanoseconds.push_back(table.batch.unix_nanoseconds[i]);
    if (!table.labels.empty()) kept.labels.push_back(table.labels[i]);
    kept.lines.push_back(table.lines[i]);
  }
  kept.first_line = kept.lines.empty() ? 0 : kept.lines.front();
  return kept;
}

}  // namespace

RowCheck check_for(const MixtureFormula& formula) {
  std::vector<const Family*> families;
  for (const MixtureTerm& term : formula.terms)
    if (const auto family = find_family(term.family)) families.push_back(*family);
  return [families](std::span<const double> point) -> std::optional<std::string> {
    if (std::all_of(point.begin(), point.end(), [](double x) { return std::isnan(x); })) return "every coordinate is missing";
    for (std::size_t i = 0; i < point.size(); ++i) {
      if (std::abs(point[i]) > kLargestCoordinate)
        return "coordinate " + std::to_string(i) + " is beyond 1e150, where squares cannot be added up any more";
    }
    return refusal_by_all(families, point);
  };
}

Result<RowReader> RowReader::open(const std::string& path, const wire::PointReaderOptions& options) {
  auto reader = wire::PointReader::open(path, options);
  if (!reader) return fail(reader.error().message);
  return RowReader(std::move(*reader), options.bad_rows == wire::BadRowPolicy::stop);
}

Result<std::optional<wire::PointTable>> RowReader::read(Index max_rows) {
  if (pending_error_) return fail(std::exchange(pending_error_, std::nullopt)->message);
  for (;;) {
    auto table = reader_.read(max_rows);
    if (!table || !*table || !check_) return table;
    const auto sorted = sort_out(**table);
    if ((*table)->batch.size() > 0) {
      if (!sorted) pending_error_ = sorted.error();
      return table;
    }
    if (!sorted) return fail(sorted.error().message);
  }
}

// Leaves the good rows: all of them, or with `stop` those before the first bad one.
Result<void> RowReader::sort_out(wire::PointTable& table) {
  std::vector<Index> good;
  Result<void> outcome;
  for (Index row = 0; row < table.batch.size(); ++row) {
    const auto reason = check_({table.batch.points.col(row).data(), static_cast<std::size_t>(table.batch.dimension())});
    if (!reason) {
      good.push_back(row);
      continue;
    }
    std::string message = reader_.place(table.lines[static_cast<std::size_t>(row)]) + ": " + *reason;
    if (stop_) {
      outcome = fail(std::move(message));
      break;
    }
    ++refused_;
    if (refusals_.size() < kMostRefusals) refusals_.push_back(std::move(message));
  }
  if (static_cast<Index>(good.size()) < table.batch.size()) table = keep_rows(table, good);
  return outcome;
}

std::vector<std::string> RowReader::refusals() const {
  std::vector<std::string> all = reader_.refusals();
  all.insert(all.end(), refusals_.begin(), refusals_.end());
  return all;
}

}  // namespace emulsion::client
