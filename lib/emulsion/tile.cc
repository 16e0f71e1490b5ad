#include "emulsion/tile.h"

#include <cassert>
#include <cmath>

namespace emulsion {

Tile::Tile(Index dimension)
    : points_(LaneMatrix::Zero(kTilePoints, dimension)),
      missing_(kTilePoints, dimension),
      weights_(Eigen::Array<double, kTilePoints, 1>::Zero()),
      retentions_(Eigen::Array<double, kTilePoints, 1>::Ones()) {
  missing_.setConstant(false);
}

void Tile::push(const double* point, double weight, double retention) {
  push(PointView(point, Element::f64, dimension(), 1), 0, weight, retention);
}

void Tile::push(const PointView& points, Index i, double weight, double retention) {
  assert(!full());
  bool incomplete = false;
  for (Index j = 0; j < dimension(); ++j) {
    const double value = points.coordinate(i, j);
    const bool missing = std::isnan(value);
    missing_(size_, j) = missing;
    points_(size_, j) = missing ? 0.0 : value;
    incomplete |= missing;
  }
  if (incomplete) incomplete_rows_.push_back(size_);
  weights_[size_] = weight;
  retentions_[size_] = retention;
  ++size_;
}

void Tile::clear() {
  points_.topRows(size_).setZero();
  weights_.head(size_).setZero();
  retentions_.head(size_).setOnes();
  incomplete_rows_.clear();
  size_ = 0;
}

Tile Tile::with_columns(std::span<const Index> columns) const {
  Tile chosen(static_cast<Index>(columns.size()));
  chosen.weights_ = weights_;
  chosen.retentions_ = retentions_;
  chosen.size_ = size_;
  for (std::size_t j = 0; j < columns.size(); ++j) {
    chosen.points_.col(static_cast<Index>(j)) = points_.col(columns[j]);
    chosen.missing_.col(static_cast<Index>(j)) = missing_.col(columns[j]);
  }
  for (const Index row : incomplete_rows_)
    if (chosen.missing_.row(row).any()) chosen.incomplete_rows_.push_back(row);
  return chosen;
}

Eigen::Array<double, kTilePoints, 1> Tile::decayed_weights() const {
  Eigen::Array<double, kTilePoints, 1> decayed = weights_;
  double later = 1;
  for (Index i = size_ - 1; i >= 0; --i) {
    decayed[i] *= later;
    later *= retentions_[i];
  }
  return decayed;
}

double Tile::decay() const {
  double product = 1;
  for (Index i = size_ - 1; i >= 0; --i) product *= retentions_[i];
  return product;
}

}  // namespace emulsion
