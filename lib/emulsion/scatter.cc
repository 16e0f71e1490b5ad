#include "emulsion/scatter.h"

#include <algorithm>
#include <cmath>

#include "emulsion/kernels/kernels.h"

namespace emulsion {

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

bool keeps_digits(double weight, double first, double second) {
  constexpr double kLeastKept = 1e-4;
  return second - first * (first / weight) >= kLeastKept * second;
}

namespace {

// Room that threads use again and again.
struct Scratch {
  Eigen::ArrayXd numbers, sums, blocks;
  Eigen::VectorXd first, second, place;
  LaneMatrix complete;
};

Scratch& scratch_for(Index d, Index components) {
  thread_local Scratch scratch;
  const auto grow = [](auto& array, Index size) {
    if (array.size() < size) array.resize(size);
  };
  grow(scratch.numbers, kernels::sums_scratch(d));
  grow(scratch.sums, components * std::max(kernels::product_sums_width(d), 1 + 2 * d));
  grow(scratch.blocks, kTilePoints * d);
  grow(scratch.first, d);
  grow(scratch.second, triangle(d));
  grow(scratch.place, d);
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
Index of_triangle(Index i) { return triangle(i) + i; }
Index of_diagonal(Index i) { return i; }

template <typename Position>
bool all_keep_digits(const Sums& sums, Index d, const Position& position) {
  for (Index i = 0; i < d; ++i)
    if (!keeps_digits(sums.weight, sums.first[i], sums.second[position(i)])) return false;
  return true;
}

// Calls sums_about(place) for a component once, or twice if the first place turns out to be too far away; leaves its mean and
// what `finish` makes of the last sums.
template <typename About, typename Position, typename Finish>
void locate(Sums sums, const double* near, Index d, Column mean, const About& sums_about, const Position& position, const Finish& finish) {
  const auto move = [&](const double* from) {
    for (Index i = 0; i < d; ++i) mean[i] = from[i] + sums.first[i] / sums.weight;
  };
  move(near);
  if (!all_keep_digits(sums, d, position)) {
    const Eigen::VectorXd place = mean;
    sums = sums_about(place.data());
    move(place.data());
  }
  finish(sums);
}

}  // namespace

void scatters_of(const Tile& tile, const ConstLanes& shares, const ConstColumns& near, Column weights,
                 Columns moments) {
  constexpr Index kFewDimensions = 16;  // up to here, all products of coordinates of some rows fit into the first cache
  constexpr Index kFewProducts = 8;     // up to here, they cost little
  constexpr Index kFewShares = 16;      // of a component in a tile
  const Index d = tile.dimension();
  const Index components = near.cols();
  Scratch& scratch = scratch_for(d, components);
  const double* const used = complete_shares(tile, shares, scratch);
  // Where each component has a share of few points, as of many far apart, its own products are fewer than those of all.
  const bool together = d <= kFewDimensions && (d < kFewProducts || kernels::count_shares(used, tile.size(), components) > kFewShares * components);
  const bool in_blocks = together && d <= kernels::kBlockProductDimensions;
  const Index width = in_blocks ? 1 + d + triangle(d) : kernels::product_sums_width(d);
  const auto sums_at = [&](Index slot) {
    const double* const sums = scratch.sums.data() + slot * width;
    return Sums{sums[0], sums + 1, sums + 1 + d};
  };
  if (tile.size() == 0) {
    weights.setZero();
    return;
  }
  if (together) scratch.place.head(d) = near.rowwise().mean();
  if (in_blocks) {
    kernels::block_product_sums(blocks_about(tile, scratch.place.data(), scratch), d, tile.size(), used, components, scratch.sums.data());
  } else if (together) {
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
    locate(sums, place, d, moments.col(k).head(d), sums_about, of_triangle, [&](const Sums& last) {
      double* const scatter = moments.col(k).data() + d;
      for (Index i = 0, at = 0; i < d; ++i) {
        const double shift = last.first[i] / last.weight;
        for (Index j = 0; j < i; ++j, ++at) scatter[at] = last.second[at] - shift * last.first[j];
        scatter[at] = std::max(last.second[at] - shift * last.first[i], 0.0);
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
    locate(sums, place, d, moments.col(k).head(d), sums_about, of_diagonal, [&](const Sums& last) {
      for (Index i = 0; i < d; ++i) moments(d + i, k) = std::max(last.second[i] - last.first[i] * (last.first[i] / last.weight), 0.0);
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
