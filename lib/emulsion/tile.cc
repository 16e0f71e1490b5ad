#include "emulsion/tile.h"

#include <atomic>
#include <cassert>
#include <cmath>
#include <cstring>

#include "emulsion/kernels/kernels.h"

namespace emulsion {
namespace {

// Numbers of the rows of a tile, and of what may be read behind them.
Index rows_size(Index dimension) { return kTilePoints * dimension + kLanes; }

}  // namespace

Tile::Tile(Index dimension)
    : points_(LaneMatrix::Zero(kTilePoints, dimension)),
      rows_(Eigen::ArrayXd::Zero(rows_size(dimension))),
      missing_(kTilePoints, dimension),
      weights_(Eigen::Array<double, kTilePoints, 1>::Zero()),
      retentions_(Eigen::Array<double, kTilePoints, 1>::Ones()) {
  missing_.setConstant(false);
}

void Tile::push(const double* point, double weight, double retention) {
  append(PointView(point, Element::f64, dimension(), 1, &weight), 0, 1, &retention);
}

void Tile::append(const PointView& points, Index first, Index count, const double* retentions) {
  assert(size_ + count <= kTilePoints && points.dimension() == dimension() && columns_alone_ == 0);
  const PointView part = points.slice(first, count);
  if (part.element() == Element::f64)
    append_values(static_cast<const double*>(part.values()), count);
  else
    append_values(static_cast<const float*>(part.values()), count);
  for (Index i = 0; i < count; ++i) {
    weights_[size_ + i] = part.weight(i);
    if (retentions != nullptr) retentions_[size_ + i] = retentions[i];
  }
  if (retentions != nullptr || part.has_weights())
    plain_ = plain_ && (retentions_.segment(size_, count) == 1).all() && (weights_.segment(size_, count) == 1).all();
  size_ += count;
}

template <typename Number>
void Tile::append_values(const Number* values, Index count) {
  const Index d = dimension();
  double* const rows = rows_.data() + size_ * d;
  for (Index i = 0; i < count * d; ++i) {
    Number number;  // a message's numbers may lie at any address
    std::memcpy(&number, reinterpret_cast<const char*>(values) + i * static_cast<Index>(sizeof number), sizeof number);
    rows[i] = static_cast<double>(number);
  }
  if (kernels::rows_to_columns(rows, d, count, points_.data() + size_))
    for (Index i = 0; i < count; ++i) mark_missing(size_ + i);
}

// Notes what is missing of a row, and puts 0 in its place.
void Tile::mark_missing(Index row) {
  bool incomplete = false;
  for (Index j = 0; j < dimension(); ++j) {
    double& value = rows_[row * dimension() + j];
    if (!std::isnan(value)) continue;
    missing_(row, j) = true;
    points_(row, j) = value = 0;
    incomplete = true;
  }
  if (incomplete) incomplete_rows_.push_back(row);
}

void Tile::clear() {
  points_.topRows(size_).setZero();
  weights_.head(size_).setZero();
  retentions_.head(size_).setOnes();
  for (const Index row : incomplete_rows_) missing_.row(row).setConstant(false);
  incomplete_rows_.clear();
  size_ = 0;
  plain_ = true;
  if (columns_alone_ != 0) rows_.setZero(rows_size(dimension()));
  columns_alone_ = 0;
}

void Tile::keep_columns_alone() {
  static std::atomic<std::uint64_t> latest = 0;
  columns_alone_ = ++latest;
  rows_.resize(0);
}

const double* Tile::rows_of_this_thread() const {
  thread_local Eigen::ArrayXd rows;
  thread_local std::uint64_t of = 0;
  if (of != columns_alone_) {
    if (rows.size() < rows_size(dimension())) rows.setZero(rows_size(dimension()));
    kernels::columns_to_rows(points_.data(), dimension(), size_, rows.data());
    of = columns_alone_;
  }
  return rows.data();
}

// After the columns have changed.
void Tile::renew_rows() {
  if (columns_alone_ != 0)
    keep_columns_alone();
  else
    kernels::columns_to_rows(points_.data(), dimension(), size_, rows_.data());
}

Tile Tile::with_columns(std::span<const Index> columns) const {
  Tile chosen(static_cast<Index>(columns.size()));
  chosen.weights_ = weights_;
  chosen.retentions_ = retentions_;
  chosen.size_ = size_;
  chosen.plain_ = plain_;
  for (std::size_t j = 0; j < columns.size(); ++j) {
    chosen.points_.col(static_cast<Index>(j)) = points_.col(columns[j]);
    chosen.missing_.col(static_cast<Index>(j)) = missing_.col(columns[j]);
  }
  chosen.renew_rows();
  for (const Index row : incomplete_rows_)
    if (chosen.missing_.row(row).any()) chosen.incomplete_rows_.push_back(row);
  return chosen;
}

Eigen::Array<double, kTilePoints, 1> Tile::decayed_weights() const {
  Eigen::Array<double, kTilePoints, 1> decayed;
  if (plain_ && full()) return decayed.setOnes();
  decayed = weights_;
  if (plain_) return decayed;
  double later = 1;
  for (Index i = size_ - 1; i >= 0; --i) {
    decayed[i] *= later;
    later *= retentions_[i];
  }
  return decayed;
}

double Tile::decay() const {
  double product = 1;
  if (plain_) return product;
  for (Index i = size_ - 1; i >= 0; --i) product *= retentions_[i];
  return product;
}

}  // namespace emulsion
