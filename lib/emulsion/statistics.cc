#include "emulsion/statistics.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <optional>
#include <span>

#include "emulsion/kernels/kernels.h"
#include "emulsion/scatter.h"

namespace emulsion {
namespace {

// One coordinate of the rows of a tile, with what they count.
struct ColumnOfTile {
  const double* values;
  const double* weights;  // null: all 1
  double weight;          // of all
};

// The same without the rows that lack it: these count nothing, and get a value that another one has. Nothing if there is no other one.
//   values, weights  are filled, and used by what is returned
std::optional<ColumnOfTile> without_missing(const Tile& tile, const double* weights_of_all, Index j, std::span<double, kTilePoints> values,
                                            std::span<double, kTilePoints> weights) {
  const auto size = static_cast<std::size_t>(tile.size());
  std::copy_n(tile.points().col(j).data(), size, values.begin());
  if (weights_of_all == nullptr)
    std::fill_n(weights.begin(), size, 1.0);
  else
    std::copy_n(weights_of_all, size, weights.begin());
  std::fill(values.begin() + tile.size(), values.end(), 0.0);
  std::fill(weights.begin() + tile.size(), weights.end(), 0.0);
  std::size_t observed = 0;
  while (observed < size && tile.is_missing(static_cast<Index>(observed), j)) ++observed;
  if (observed == size) return std::nullopt;
  for (const Index row : tile.incomplete_rows())
    if (tile.is_missing(row, j)) {
      values[static_cast<std::size_t>(row)] = values[observed];
      weights[static_cast<std::size_t>(row)] = 0;
    }
  return ColumnOfTile{values.data(), weights.data(), kernels::weighted_sum(weights.data(), tile.size(), nullptr)};
}

void set_moments(const ColumnOfTile& column, Index rows, Index j, CoordinateMoments& moments) {
  // About the first point, so that a stream far from the origin keeps its digits; about the mean, if that point is an outlier.
  double origin = column.values[0];
  kernels::Moments found = kernels::column_moments(column.values, rows, column.weights, origin);
  if (!keeps_digits(found.first, found.first / column.weight, found.second)) {
    origin = std::clamp(origin + found.first / column.weight, found.lowest, found.highest);
    found = kernels::column_moments(column.values, rows, column.weights, origin);
  }
  moments.weight[j] = column.weight;
  moments.mean[j] = origin + found.first / column.weight;
  moments.squares[j] = std::max(found.second - found.first * (found.first / column.weight), 0.0);
  moments.lowest[j] = found.lowest;
  moments.highest[j] = found.highest;
}

void clear(CoordinateMoments& moments) {
  for (Eigen::VectorXd* numbers : {&moments.weight, &moments.mean, &moments.squares, &moments.lowest, &moments.highest}) numbers->setZero();
}

}  // namespace

CoordinateMoments CoordinateMoments::none(Index dimension) {
  const Eigen::VectorXd zero = Eigen::VectorXd::Zero(dimension);
  return {zero, zero, zero, zero, zero};
}

void merge(CoordinateMoments& into, const CoordinateMoments& from) {
  for (Index j = 0; j < into.weight.size(); ++j) {
    const double added = from.weight[j];
    if (added == 0) continue;
    const double total = into.weight[j] + added;
    const double shift = from.mean[j] - into.mean[j];
    if (into.weight[j] == 0) {
      into.mean[j] = from.mean[j];
      into.squares[j] = from.squares[j];
      into.lowest[j] = from.lowest[j];
      into.highest[j] = from.highest[j];
    } else {
      into.lowest[j] = std::min(into.lowest[j], from.lowest[j]);
      into.highest[j] = std::max(into.highest[j], from.highest[j]);
      into.squares[j] += from.squares[j] + into.weight[j] * (added / total) * shift * shift;
      into.mean[j] += (added / total) * shift;
    }
    into.weight[j] = total;
  }
}

void merge(Statistics& into, const Statistics& from) {
  assert(into.banks.size() == from.banks.size());
  for (std::size_t b = 0; b < into.banks.size(); ++b) {
    into.banks[b].family->merge(into.banks[b], from.banks[b]);
    if (into.banks[b].failure.empty()) into.banks[b].failure = from.banks[b].failure;
  }
  merge(into.coordinates, from.coordinates);
  into.weight += from.weight;
  into.log_likelihood += from.log_likelihood;
}

void scale(Statistics& statistics, double factor) {
  if (factor == 1) return;
  for (BankStatistics& bank : statistics.banks) bank.family->scale(bank, factor);
  statistics.coordinates.weight *= factor;
  statistics.coordinates.squares *= factor;
  statistics.weight *= factor;
  statistics.log_likelihood *= factor;
}

void clear(Statistics& statistics) {
  for (BankStatistics& bank : statistics.banks) {
    bank.weight.setZero();
    bank.moments.setZero();
    bank.failure.clear();
  }
  clear(statistics.coordinates);
  statistics.weight = 0;
  statistics.log_likelihood = 0;
}

void set_coordinate_moments(const Tile& tile, const double* weights, CoordinateMoments& moments) {
  const Index d = tile.dimension();
  clear(moments);
  if (tile.size() == 0) return;
  const double weight = weights == nullptr ? static_cast<double>(tile.size()) : kernels::weighted_sum(weights, tile.size(), nullptr);
  if (!(weight > 0)) return;
  const auto& incomplete = tile.incomplete_rows();
  std::array<double, kTilePoints> values, observed_weights;
  for (Index j = 0; j < d; ++j) {
    const auto lacks = [&](Index row) { return tile.is_missing(row, j); };
    std::optional<ColumnOfTile> column = ColumnOfTile{tile.points().col(j).data(), weights, weight};
    if (std::any_of(incomplete.begin(), incomplete.end(), lacks)) column = without_missing(tile, weights, j, values, observed_weights);
    if (column && column->weight > 0) set_moments(*column, tile.size(), j, moments);
  }
}

CoordinateMoments coordinate_moments(const Tile& tile, const Eigen::Array<double, kTilePoints, 1>& weights) {
  CoordinateMoments moments = CoordinateMoments::none(tile.dimension());
  set_coordinate_moments(tile, weights.data(), moments);
  return moments;
}

Eigen::VectorXd variances(const CoordinateMoments& moments) {
  // A fraction of it must still be a number with all its digits, whatever it is divided by.
  constexpr double kLeastVariance = 1e-250;
  Eigen::VectorXd result(moments.mean.size());
  for (Index j = 0; j < result.size(); ++j) {
    const double rounding = 1e-15 * std::abs(moments.mean[j]);
    const double variance = moments.weight[j] > 0 ? moments.squares[j] / moments.weight[j] : 0.0;
    result[j] = std::max(variance, rounding * rounding);
    result[j] = result[j] > 0 ? std::max(result[j], kLeastVariance) : 1;
  }
  return result;
}

bool all_finite(const Statistics& statistics) {
  const bool banks = std::all_of(statistics.banks.begin(), statistics.banks.end(), [](const BankStatistics& bank) {
    return bank.weight.allFinite() && bank.moments.allFinite();
  });
  return banks && statistics.coordinates.weight.allFinite() && statistics.coordinates.mean.allFinite() &&
         statistics.coordinates.squares.allFinite() && statistics.coordinates.lowest.allFinite() &&
         statistics.coordinates.highest.allFinite() &&
         std::isfinite(statistics.weight) && std::isfinite(statistics.log_likelihood);
}

}  // namespace emulsion
