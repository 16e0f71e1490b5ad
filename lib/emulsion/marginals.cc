#include "emulsion/marginals.h"

#include <algorithm>
#include <cmath>

namespace emulsion {
namespace {

// Where the number of a row and a column stands in a lower triangle.
Index position(Index i, Index j) { return i < j ? triangle(j) + i : triangle(i) + j; }

}  // namespace

// What a thread uses again and again.
struct Marginals::Room {
  Eigen::VectorXd packed, offset;
  Eigen::ArrayXd blocks, distances;
  Eigen::VectorXd covariance, residual;  // of one missing coordinate with the observed ones; of a point
  Eigen::MatrixXd whitened;              // o x m: covariances of the observed coordinates, whitened, with the missing ones
  Eigen::MatrixXd regression;            // o x m: of the missing ones on the observed ones
  Eigen::MatrixXd completed;             // d x rows

  static Room& of_this_thread() {
    thread_local Room room;
    return room;
  }
};

std::vector<MissingPattern> missing_patterns(const Tile& tile, LaneRange lanes) {
  std::vector<MissingPattern> patterns;
  for (const Index row : tile.incomplete_rows()) {
    if (row < lanes.begin || row >= lanes.end) continue;
    MissingPattern found;
    for (Index j = 0; j < tile.dimension(); ++j) (tile.is_missing(row, j) ? found.missing : found.observed).push_back(j);
    const auto known = std::find_if(patterns.begin(), patterns.end(), [&](const auto& pattern) { return pattern.missing == found.missing; });
    MissingPattern& pattern = known != patterns.end() ? *known : patterns.emplace_back(std::move(found));
    pattern.rows.push_back(static_cast<std::uint8_t>(row));
  }
  return patterns;
}

Marginals::Marginals(const Ellipsoids& whole, const MissingPattern& pattern) : whole_(whole), pattern_(pattern) {
  const Index matrices = is_tied() ? 1 : std::min(whole.size(), matrices_at_once(observed_count()));
  covariances_.resize(triangle(observed_count()), matrices);
  inverse_factors_.resize(triangle(observed_count()), matrices);
  half_log_determinants_.setZero(matrices);
  if (is_tied()) factor(std::array{Index{0}});
}

void Marginals::factor(std::span<const Index> components) {
  const Index o = observed_count(), count = static_cast<Index>(components.size());
  if (o == 0) return;
  for (Index s = 0; s < count; ++s) {
    const auto whole = whole_.triangle_of(components[static_cast<std::size_t>(s)]);
    for (Index i = 0, at = 0; i < o; ++i)
      for (Index j = 0; j <= i; ++j) covariances_(at++, s) = whole[position(observed(i), observed(j))];
  }
  invert_cholesky(covariances_.leftCols(count), inverse_factors_.leftCols(count), half_log_determinants_.head(count));
  for (Index s = 0; s < count; ++s)
    if (std::isnan(half_log_determinants_[s])) inverse_factors_.col(s).setZero();
}

const double* Marginals::distances(const Tile& tile, Index k, double factor, double constant) const {
  Room& room = Room::of_this_thread();
  const Index o = observed_count();
  if (room.distances.size() == 0) room.distances.resize(kTilePoints);
  if (o == 0) {
    room.distances.head(pattern_.size()) = constant;
    return room.distances.data();
  }
  // About the component's own place, so that there is no offset.
  room.offset.setZero(o);
  room.packed.resize(kernels::affine_size(o));
  kernels::pack_affine(inverse_factors_.col(shape()).data(), o, room.offset.data(), room.packed.data());
  if (room.blocks.size() < kTilePoints * o) room.blocks.setZero(kTilePoints * o);
  const auto place = whole_.places().col(k);
  for (Index i = 0; i < pattern_.size(); ++i) {
    const Index row = pattern_.rows[static_cast<std::size_t>(i)];
    double* const block = room.blocks.data() + i / kLanes * kLanes * o + i % kLanes;
    for (Index j = 0; j < o; ++j) block[j * kLanes] = tile.points()(row, observed(j)) - place[observed(j)];
  }
  kernels::affine_distances(room.blocks.data(), o, room.packed.data(), factor, constant, {0, pattern_.size()}, room.distances.data());
  return room.distances.data();
}

// Leaves in the room what component k expects of the missing coordinates. With the inverse factor W of the observed ones' matrix,
// W x has the unit matrix as covariance.
void Marginals::condition(Index k, Room& room) const {
  const Index o = observed_count(), m = whole_.dimension() - o;
  const auto whole = whole_.triangle_of(k);
  const auto inverse_factor = inverse_factors_.col(shape());
  room.covariance.resize(o);
  room.whitened.resize(o, m);
  room.regression.setZero(o, m);
  for (Index i = 0; i < m; ++i) {
    for (Index j = 0; j < o; ++j) room.covariance[j] = whole[position(missing(i), observed(j))];
    for (Index j = 0, at = 0; j < o; at += ++j) {
      const auto row = inverse_factor.segment(at, j + 1);
      room.whitened(j, i) = row.dot(room.covariance.head(j + 1));
      room.regression.col(i).head(j + 1) += room.whitened(j, i) * row;
    }
  }
}

double Marginals::scatter(const Tile& tile, Index k, const double* weights, double covariance_weight, Column scatter) const {
  Room& room = Room::of_this_thread();
  condition(k, room);
  const Index d = whole_.dimension(), o = observed_count(), m = d - o;
  const auto place = whole_.places().col(k);
  const auto whole = whole_.triangle_of(k);
  auto mean = scatter.head(d);
  auto products = scatter.tail(triangle(d));
  scatter.setZero();

  room.completed.resize(d, pattern_.size());
  room.residual.resize(o);
  double weight = 0;
  for (Index n = 0; n < pattern_.size(); ++n) {
    if (!(weights[n] > 0)) continue;
    auto point = room.completed.col(n);
    for (Index j = 0; j < o; ++j) {
      point[observed(j)] = tile.points()(pattern_.rows[static_cast<std::size_t>(n)], observed(j));
      room.residual[j] = point[observed(j)] - place[observed(j)];
    }
    for (Index i = 0; i < m; ++i) point[missing(i)] = place[missing(i)] + room.regression.col(i).dot(room.residual);
    weight += weights[n];
    mean += (weights[n] / weight) * (point - mean);
  }
  for (Index n = 0; n < pattern_.size(); ++n) {
    if (!(weights[n] > 0)) continue;
    auto from_mean = room.completed.col(n);
    from_mean -= mean;
    for (Index i = 0, at = 0; i < d; at += ++i) products.segment(at, i + 1) += (weights[n] * from_mean[i]) * from_mean.head(i + 1);
  }
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j <= i; ++j) {
      const Index at = position(missing(i), missing(j));
      const double covariance = whole[at] - room.whitened.col(i).dot(room.whitened.col(j));
      products[at] += covariance_weight * (i == j ? std::max(covariance, 0.0) : covariance);
    }
  return weight;
}

}  // namespace emulsion
