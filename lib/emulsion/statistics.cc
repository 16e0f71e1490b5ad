#include "emulsion/statistics.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "emulsion/kernels/kernels.h"
#include "emulsion/scatter.h"

namespace emulsion {
namespace {

// Of one coordinate, over the rows that have it.
void set_incomplete_moments(const Tile& tile, const double* weights, Index j, CoordinateMoments& moments) {
  Eigen::Array<double, kTilePoints, 1> shares = Eigen::Array<double, kTilePoints, 1>::Zero();
  for (Index row = 0; row < tile.size(); ++row) shares[row] = weights == nullptr ? 1 : weights[row];
  for (const Index row : tile.incomplete_rows())
    if (tile.is_missing(row, j)) shares[row] = 0;
  const double weight = shares.sum();
  if (!(weight > 0)) return;
  // About the first point, so that a stream far from the origin keeps its digits.
  const double origin = tile.points()(0, j);
  Eigen::Array<double, kTilePoints, 1> centred = tile.points().col(j) - origin;
  const double shift = (shares * centred).sum() / weight;
  centred -= shift;
  moments.weight[j] = weight;
  moments.mean[j] = origin + shift;
  moments.squares[j] = (shares * centred.square()).sum();
  double lowest = std::numeric_limits<double>::infinity();
  double highest = -lowest;
  for (Index row = 0; row < tile.size(); ++row) {
    if (tile.is_missing(row, j)) continue;
    lowest = std::min(lowest, tile.points()(row, j));
    highest = std::max(highest, tile.points()(row, j));
  }
  moments.lowest[j] = lowest;
  moments.highest[j] = highest;
}

// Of one coordinate that all rows have.
void set_complete_moments(const Tile& tile, const double* weights, double weight, Index j, CoordinateMoments& moments) {
  // About the first point, so that a stream far from the origin keeps its digits; about the mean, if that point is an outlier.
  const double* const column = tile.points().col(j).data();
  double origin = column[0];
  kernels::Moments found = kernels::column_moments(column, tile.size(), weights, origin);
  if (!keeps_digits(found.first, found.first / weight, found.second)) {
    origin = std::clamp(origin + found.first / weight, found.lowest, found.highest);
    found = kernels::column_moments(column, tile.size(), weights, origin);
  }
  moments.weight[j] = weight;
  moments.mean[j] = origin + found.first / weight;
  moments.squares[j] = std::max(found.second - found.first * (found.first / weight), 0.0);
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
  for (Index j = 0; j < d; ++j) {
    const auto lacks = [&](Index row) { return tile.is_missing(row, j); };
    if (std::any_of(incomplete.begin(), incomplete.end(), lacks))
      set_incomplete_moments(tile, weights, j, moments);
    else
      set_complete_moments(tile, weights, weight, j, moments);
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
