#include "emulsion/scatter.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "emulsion/kernels/kernels.h"

namespace emulsion {

Index order_of_triangle(Index size) { return static_cast<Index>((std::sqrt(1.0 + 8.0 * static_cast<double>(size)) - 1.0) / 2.0 + 0.5); }

Index dimension_of_scatter(Index size) {
  return static_cast<Index>((std::sqrt(9.0 + 8.0 * static_cast<double>(size)) - 3.0) / 2.0 + 0.5);
}

Eigen::VectorXd pack_triangle(const Eigen::MatrixXd& matrix) {
  Eigen::VectorXd packed(triangle(matrix.rows()));
  for (Index i = 0, at = 0; i < matrix.rows(); ++i)
    for (Index j = 0; j <= i; ++j) packed[at++] = matrix(i, j);
  return packed;
}

Eigen::MatrixXd unpack_triangle(const ConstColumn& packed, Index d) {
  Eigen::MatrixXd matrix(d, d);
  unpack_triangle(packed, matrix);
  return matrix;
}

void unpack_triangle(const ConstColumn& packed, Columns matrix) {
  for (Index i = 0, at = 0; i < matrix.rows(); ++i)
    for (Index j = 0; j <= i; ++j) matrix(i, j) = matrix(j, i) = packed[at++];
}

bool keeps_digits(double first, double shift, double second) {
  constexpr double kLeastKept = 1e-4;
  return second - first * shift >= kLeastKept * second;
}

namespace {

// Room that threads use again and again.
struct Scratch {
  Eigen::ArrayXd numbers, sums, blocks;
  Eigen::VectorXd first, second, place, shift;
  LaneMatrix complete;
  std::vector<Index> positions;  // where the products of a lower triangle stand among those of kernels::product_sums

  void set_positions(Index d) {
    if (static_cast<Index>(positions.size()) == triangle(d)) return;
    positions.clear();
    for (Index i = 0; i < d; ++i)
      for (Index j = 0; j <= i; ++j) positions.push_back(kernels::product_position(i, j, d));
  }
};

Scratch& scratch_for(Index d, Index components) {
  thread_local Scratch scratch;
  const auto grow = [](auto& array, Index size) {
    if (array.size() < size) array.resize(size);
  };
  grow(scratch.numbers, kernels::sums_scratch(d));
  grow(scratch.sums, components * std::max(d <= kernels::kProductDimensions ? kernels::product_sums_width(d) : 0, 1 + 2 * d));
  grow(scratch.blocks, kTilePoints * d);
  grow(scratch.first, d);
  grow(scratch.second, triangle(d));
  grow(scratch.place, d);
  grow(scratch.shift, d);
  return scratch;
}

// The shares of the complete rows.
const double* complete_shares(const Tile& tile, const ConstLanes& shares, Scratch& scratch) {
  if (tile.incomplete_rows().empty()) return shares.data();
  scratch.complete = shares;
  for (const Index row : tile.incomplete_rows()) scratch.complete.row(row).setZero();
  return scratch.complete.data();
}

// The rows of a tile about a place, as kernels::shift_to_blocks makes them.
const double* blocks_about(const Tile& tile, const double* place, Scratch& scratch) {
  kernels::shift_to_blocks(tile.points().data(), tile.dimension(), place, covering_lanes(0, tile.size()), scratch.blocks.data());
  return scratch.blocks.data();
}

// Weighted sums about a place, as they come.
struct Sums {
  double weight;
  const double* first;   // d
  const double* second;  // the lower triangle, or the diagonal alone
};

// Where coordinate i's square stands.
constexpr auto kOfTriangle = [](Index i) { return triangle(i) + i; };
constexpr auto kOfDiagonal = [](Index i) { return i; };

// Calls sums_about(place) for a component once, or twice if the first place turns out to be too far away; leaves its mean, and calls
// finish(last sums, how far the mean is from their place).
template <typename About, typename Position, typename Finish>
void locate(Sums sums, const double* near, Index d, Scratch& scratch, Column mean, const About& sums_about, const Position& position,
            const Finish& finish) {
  double* const shift = scratch.shift.data();
  const auto move = [&](const double* from) {
    for (Index i = 0; i < d; ++i) shift[i] = sums.first[i] / sums.weight;
    for (Index i = 0; i < d; ++i) mean[i] = from[i] + shift[i];
  };
  const auto all_keep_digits = [&] {
    bool all = true;
    for (Index i = 0; i < d; ++i) all &= keeps_digits(sums.first[i], shift[i], sums.second[position(i)]);
    return all;
  };
  move(near);
  if (!all_keep_digits()) {
    const Eigen::VectorXd place = mean;
    sums = sums_about(place.data());
    move(place.data());
  }
  finish(sums, shift);
}

}  // namespace

void scatters_of(const Tile& tile, const ConstLanes& shares, const ConstColumns& near, Column weights,
                 Columns moments) {
  constexpr Index kFewProducts = 8;     // up to here, they cost little
  constexpr Index kFewShares = 16;      // of a component in a tile
  const Index d = tile.dimension();
  const Index components = near.cols();
  Scratch& scratch = scratch_for(d, components);
  const double* const used = complete_shares(tile, shares, scratch);
  // Where each component has a share of few points, as of many far apart, its own products are fewer than those of all.
  const bool together = d <= kernels::kProductDimensions && (d < kFewProducts || kernels::count_shares(used, tile.size(), components) > kFewShares * components);
  const bool in_blocks = together && d <= kernels::kBlockProductDimensions;
  const Index width = in_blocks ? 1 + d + triangle(d) : kernels::product_sums_width(d);
  const auto sums_at = [&](Index slot) {
    const double* const sums = scratch.sums.data() + slot * width;
    if (in_blocks) return Sums{sums[0], sums + 1, sums + 1 + d};
    for (std::size_t at = 0; at < scratch.positions.size(); ++at) scratch.second[static_cast<Index>(at)] = sums[scratch.positions[at]];
    return Sums{sums[triangle(d) + d], sums + triangle(d), scratch.second.data()};
  };
  if (tile.size() == 0) {
    weights.setZero();
    return;
  }
  if (together) scratch.place.head(d) = near.rowwise().mean();
  if (in_blocks) {
    kernels::block_product_sums(blocks_about(tile, scratch.place.data(), scratch), d, tile.size(), used, components, scratch.sums.data());
  } else if (together) {
    scratch.set_positions(d);
    kernels::product_sums(tile.rows(), d, tile.size(), scratch.place.data(), used, components, scratch.numbers.data(), scratch.sums.data());
  }
  for (Index k = 0; k < components; ++k) {
    const double* const share = used + k * kTilePoints;
    const auto sums_about = [&](const double* place) {
      const double weight = kernels::scatter_sums(tile.rows(), d, tile.size(), share, place, scratch.numbers.data(), scratch.first.data(),
                                                  scratch.second.data());
      return Sums{weight, scratch.first.data(), scratch.second.data()};
    };
    const double* const place = together ? scratch.place.data() : near.col(k).data();
    const Sums sums = together ? sums_at(k) : sums_about(place);
    weights[k] = sums.weight > 0 ? sums.weight : 0;
    if (weights[k] == 0) continue;
    locate(sums, place, d, scratch, moments.col(k).head(d), sums_about, kOfTriangle, [&](const Sums& last, const double* shift) {
      double* const scatter = moments.col(k).data() + d;
      for (Index i = 0, at = 0; i < d; ++i) {
        for (Index j = 0; j < i; ++j, ++at) scatter[at] = last.second[at] - shift[i] * last.first[j];
        scatter[at] = std::max(last.second[at] - shift[i] * last.first[i], 0.0);
        ++at;
      }
    });
  }
}

void spreads_of(const Tile& tile, const ConstLanes& shares, const ConstColumns& near, Column weights,
                Columns moments) {
  const Index d = tile.dimension();
  const Index components = near.cols();
  const Index width = 1 + 2 * d;
  if (tile.size() == 0) {
    weights.setZero();
    return;
  }
  Scratch& scratch = scratch_for(d, components);
  const double* const used = complete_shares(tile, shares, scratch);
  // Where most points have no share in a component, it is looked at alone, and they are left out.
  constexpr Index kFewCoordinates = 8;
  const bool together = d <= kFewCoordinates || 4 * kernels::count_shares(used, tile.size(), components) > tile.size() * components;
  if (together) {
    scratch.place.head(d) = near.rowwise().mean();
    kernels::square_sums(tile.points().data(), d, scratch.place.data(), tile.size(), used, components, scratch.sums.data());
  }
  for (Index k = 0; k < components; ++k) {
    const auto sums_about = [&](const double* place) {
      const double weight = kernels::spread_sums(tile.rows(), d, tile.size(), used + k * kTilePoints, place, scratch.numbers.data(),
                                                 scratch.first.data(), scratch.second.data());
      return Sums{weight, scratch.first.data(), scratch.second.data()};
    };
    const double* const place = together ? scratch.place.data() : near.col(k).data();
    const double* const shared = scratch.sums.data() + k * width;
    const Sums sums = together ? Sums{shared[0], shared + 1, shared + 1 + d} : sums_about(place);
    weights[k] = sums.weight > 0 ? sums.weight : 0;
    if (weights[k] == 0) continue;
    locate(sums, place, d, scratch, moments.col(k).head(d), sums_about, kOfDiagonal, [&](const Sums& last, const double* shift) {
      double* const squares = moments.col(k).data() + d;
      for (Index i = 0; i < d; ++i) squares[i] = std::max(last.second[i] - last.first[i] * shift[i], 0.0);
    });
  }
}

double merge_scatter(Column into, double weight, const ConstColumn& from, double added) {
  if (added == 0) return weight;
  if (weight == 0) {
    into = from;
    return added;
  }
  const Index d = dimension_of_scatter(into.size());
  const double total = weight + added;
  const double cross = weight * (added / total);
  thread_local Eigen::VectorXd shifts;
  shifts = from.head(d) - into.head(d);
  into.head(d) += (added / total) * shifts;
  const double* const shift = shifts.data();
  const double* scatter = from.data() + d;
  double* sum = into.data() + d;
  for (Index i = 0; i < d; ++i, scatter += i, sum += i)
    for (Index j = 0; j <= i; ++j) sum[j] += scatter[j] + (cross * shift[i]) * shift[j];
  return total;
}

}  // namespace emulsion
