#include "emulsion/screen.h"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

namespace emulsion {
namespace {

using kernels::kMostProjections;
using kernels::kProjections;

// Half a nat more than is needed, and a part of the threshold itself: far more than it can be wrong by rounding.
constexpr double kMargin = 0.5;
constexpr double kRelativeMargin = 1e-6;

// A bound is a sum of q + 2 terms in single precision. Each product and each sum adds half a unit in the last place of what is no
// larger than the sizes of all terms together, and so does the rounding of both factors: fewer than 4 (q + 2) halves.
constexpr double kSingleMargin = 4 * (kMostProjections + 2) * 0x1p-24;

constexpr double kFarthest = -1e290;

// Terms that are larger would not do in single precision, which ends at 3e38.
constexpr double kLargestTerm = 1e30;

// The directions in which the places lie apart most, in units of the mean covariance: `count` rows, of which those are 0 that
// would be more than there are coordinates. Empty if that covariance is not positive definite.
Eigen::MatrixXd discriminants(const Eigen::MatrixXd& from_centre, const Eigen::MatrixXd& within, Index count) {
  const Eigen::LLT<Eigen::MatrixXd> llt(within);
  if (llt.info() != Eigen::Success) return {};
  const Eigen::MatrixXd whitened = llt.matrixL().solve(from_centre);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> between(whitened * whitened.transpose());
  if (between.info() != Eigen::Success) return {};
  const Index d = within.rows();
  const Index kept = std::min(count, d);
  Eigen::MatrixXd map = Eigen::MatrixXd::Zero(count, d);
  map.topRows(kept) = llt.matrixU().solve(between.eigenvectors().rightCols(kept)).transpose().colwise().reverse().eval();
  return map;
}

// The largest eigenvalue of a covariance, or up to q^(1/32) times as much, a twelfth more if q = 16: the trace of the 32nd power is the
// sum of the powers of all eigenvalues. Costs less than to find them.
double largest_eigenvalue_bound(const Eigen::MatrixXd& covariance) {
  using Square = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, 0, kMostProjections, kMostProjections>;
  constexpr int kSquarings = 5;
  const double trace = covariance.trace();
  Square power = covariance / trace, square;
  for (int i = 0; i < kSquarings; ++i) {
    square.noalias() = power * power;
    power.swap(square);
  }
  constexpr double kRounding = 1e-9;
  return trace * std::pow(power.trace(), 1.0 / (1 << kSquarings)) * (1 + kRounding);
}

// What a thread needs for one tile.
struct ScreenScratch {
  Eigen::ArrayXd blocks;
  Eigen::ArrayXd projected;
  Eigen::ArrayXf constants;
  Eigen::ArrayXf bounds;                                  // of all rows and components, as kernels::upper_bounds makes them
  std::array<std::int32_t, kTilePoints> best;             // the component with the highest bound
  Eigen::Array<double, kTilePoints, 1> squares;           // of what is projected
  Eigen::Array<double, kTilePoints, 1> exact, values;     // log densities of the best one, and of some
  Eigen::Array<double, kTilePoints, 1> least;             // weighted log densities that matter are no less
  std::array<float, kTilePoints> thresholds;              // the same
  std::array<std::uint8_t, kTilePoints> order;            // rows, by their best components
  std::vector<std::uint16_t> ends;                        // of each component's rows in that order
  std::vector<std::uint8_t> masks;                        // kTileBlocks x K: which rows each may matter to
  std::array<std::uint8_t, kTilePoints + kLanes> some;    // of these rows, one component's
};

ScreenScratch& screen_scratch(Index d, Index projections, Index components) {
  thread_local ScreenScratch scratch;
  const auto grow = [](auto& array, Index size) {
    if (static_cast<Index>(array.size()) < size) array.resize(static_cast<std::size_t>(size));
  };
  grow(scratch.blocks, kTilePoints * d);
  grow(scratch.projected, kTilePoints * projections);
  grow(scratch.constants, components);
  grow(scratch.bounds, kTilePoints * components);
  grow(scratch.ends, components);
  grow(scratch.masks, kTileBlocks * components);
  return scratch;
}

// The rows in the order of their best components; those of component k end at ends[k].
void sort_by_best(LaneRange lanes, Index components, ScreenScratch& scratch) {
  std::fill_n(scratch.ends.begin(), components, std::uint16_t{0});
  const auto end_of = [&](Index row) -> std::uint16_t& {
    return scratch.ends[static_cast<std::size_t>(scratch.best[static_cast<std::size_t>(row)])];
  };
  for (Index row = lanes.begin; row < lanes.end; ++row) ++end_of(row);
  std::uint16_t before = 0;
  for (Index k = 0; k < components; ++k) before += std::exchange(scratch.ends[static_cast<std::size_t>(k)], before);
  for (Index row = lanes.begin; row < lanes.end; ++row) scratch.order[end_of(row)++] = static_cast<std::uint8_t>(row);
}

RowNumbers rows_of_best(Index k, Index begin, const ScreenScratch& scratch) {
  return RowNumbers(scratch.order).subspan(static_cast<std::size_t>(begin), scratch.ends[static_cast<std::size_t>(k)] - static_cast<std::size_t>(begin));
}

// For every mask of a block, the positions of its bits in ascending order, and their number.
struct BitPositions {
  std::array<std::array<std::uint8_t, kLanes>, 256> positions{};
  std::array<std::uint8_t, 256> counts{};
};
constexpr BitPositions kBitPositions = [] {
  BitPositions all;
  for (unsigned mask = 0; mask < 256; ++mask)
    for (unsigned bits = mask; bits != 0; bits &= bits - 1)
      all.positions[mask][all.counts[mask]++] = static_cast<std::uint8_t>(std::countr_zero(bits));
  return all;
}();

// The rows that a component's masks have, in ascending order. Without a branch that depends on them.
//   rows  room for all, and for one more block
RowNumbers rows_of(const std::uint8_t* masks, LaneRange lanes, std::uint8_t* rows) {
  std::size_t count = 0;
  for (Index block = lanes.begin / kLanes; block < lanes.end / kLanes; ++block) {
    const std::uint8_t mask = masks[block];
    const auto first = static_cast<std::uint8_t>(block * kLanes);
    for (std::size_t i = 0; i < kLanes; ++i) rows[count + i] = static_cast<std::uint8_t>(first + kBitPositions.positions[mask][i]);
    count += kBitPositions.counts[mask];
  }
  return {rows, count};
}

}  // namespace

Screen::Screen(const Eigen::MatrixXd& means, const Eigen::MatrixXd& map, const std::function<Eigen::MatrixXd(Index)>& covariance,
               const Eigen::VectorXd& log_normalisers)
    : centre_(means.rowwise().mean()),
      map_(map),
      places_(map * (means.colwise() - centre_)),
      scales_(means.cols()),
      largest_scale_(0),
      constants_(means.cols()),
      factors_(1 + map.rows(), means.cols()) {
  for (Index k = 0; k < means.cols(); ++k) {
    const Eigen::MatrixXd own = covariance(k);
    const Eigen::MatrixXd mapped = map * own * map.transpose();
    // What rounding may have taken from it is put on top.
    const double rounding = 1e-12 * map.squaredNorm() * own.norm();
    scales_[k] = -0.5 / (largest_eigenvalue_bound(mapped) + rounding);
    largest_scale_ = std::max(largest_scale_, std::abs(scales_[k]));
    // scale |p - place|^2, multiplied out, and raised by more than its sum can be too low: no term of it is larger than the two
    // squares together.
    const double square = places_.col(k).squaredNorm();
    constants_[k] = log_normalisers[k] + scales_[k] * square;
    constants_[k] += kSingleMargin * (std::abs(constants_[k]) + 2 * std::abs(scales_[k]) * square);
    factors_(0, k) = static_cast<float>((1 - 2 * kSingleMargin) * scales_[k]);
    factors_.col(k).tail(map.rows()) = (-2 * scales_[k] * places_.col(k)).cast<float>();
  }
}

// How many pairs of components are such that one would have to be evaluated in the middle of the other one, of a sample.
double Screen::share_of_near_pairs() const {
  constexpr Index kSample = 64;
  constexpr double kFarAway = -50;
  const Index components = scales_.size();
  const Index step = std::max<Index>(1, components / kSample);
  Index near = 0, pairs = 0;
  for (Index k = 0; k < components; k += step)
    for (Index l = 0; l < components; l += step) {
      if (k == l) continue;
      ++pairs;
      const double raised = 2 * kSingleMargin * std::abs(scales_[k]) * (places_.col(k).squaredNorm() + places_.col(l).squaredNorm());
      near += !(scales_[k] * (places_.col(k) - places_.col(l)).squaredNorm() + raised < kFarAway);
    }
  return pairs == 0 ? 1 : static_cast<double>(near) / static_cast<double>(pairs);
}

std::shared_ptr<const Screen> Screen::make(const Eigen::MatrixXd& means, const std::function<Eigen::MatrixXd(Index)>& covariance,
                                           const Eigen::VectorXd& log_normalisers) {
  const Index d = means.rows();
  Eigen::MatrixXd within = Eigen::MatrixXd::Zero(d, d);
  for (Index k = 0; k < means.cols(); ++k) within += covariance(k) / static_cast<double>(means.cols());
  const Eigen::MatrixXd from_centre = means.colwise() - means.rowwise().mean();
  const Eigen::MatrixXd map = discriminants(from_centre, within, kMostProjections);
  if (map.size() == 0 || !map.allFinite()) return nullptr;

  // The first directions alone if they leave little to do; more if that leaves less than half; otherwise it does not pay.
  constexpr double kLittle = 0.05, kMost = 0.5;
  std::shared_ptr<const Screen> screen(new Screen(means, map.topRows(kProjections), covariance, log_normalisers));
  if (screen->share_of_near_pairs() > kLittle && d > kProjections)
    screen.reset(new Screen(means, map, covariance, log_normalisers));
  const bool fits = screen->factors_.allFinite() && screen->constants_.cwiseAbs().maxCoeff() < kLargestTerm &&
                    screen->largest_scale_ * screen->places_.squaredNorm() < kLargestTerm;
  if (!fits || screen->share_of_near_pairs() > kMost) return nullptr;
  return screen;
}

void Screen::log_densities(const Tile& tile, LaneRange lanes, const double* log_weights, double negligible, LaneMatrix& out,
                           Index first_column, kernels::ListedComponents& listed, const Evaluate& evaluate) const {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const Index components = scales_.size();
  const Index projections = map_.rows();
  ScreenScratch& scratch = screen_scratch(tile.dimension(), projections, components);

  // Bounds of all, and for each row the component with the highest one.
  kernels::shift_to_blocks(tile.points().data(), tile.dimension(), centre_.data(), lanes, scratch.blocks.data());
  kernels::project(scratch.blocks.data(), tile.dimension(), map_.data(), projections, lanes, scratch.projected.data());
  for (Index k = 0; k < components; ++k)
    scratch.constants[k] = static_cast<float>(constants_[k] + (1 - kSingleMargin) * log_weights[k]);
  kernels::upper_bounds(scratch.projected.data(), projections, scratch.constants.data(), factors_.data(), components, lanes,
                        scratch.squares.data(), scratch.bounds.data(), scratch.best.data());

  // That one in full, which bounds the highest density from below.
  sort_by_best(lanes, components, scratch);
  for (Index k = 0, begin = 0; k < components; ++k) {
    const RowNumbers rows = rows_of_best(k, begin, scratch);
    begin += static_cast<Index>(rows.size());
    if (rows.empty()) continue;
    evaluate(k, rows, scratch.values.data());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const Index row = rows[i];
      scratch.exact[row] = scratch.values[static_cast<Index>(i)];
      const double joint = scratch.exact[row] + log_weights[k];
      // So far away that no density can be told from another, all are alike.
      const bool near = joint > kFarthest && largest_scale_ * scratch.squares[row] < kLargestTerm;
      scratch.least[row] = near ? joint + negligible - kMargin - kRelativeMargin * std::abs(joint) : -kInfinity;
    }
  }
  // All components matter for rows of which no bound is known.
  for (const Index row : tile.incomplete_rows()) scratch.least[row] = -kInfinity;
  for (Index row = lanes.begin; row < lanes.end; ++row)
    scratch.thresholds[static_cast<std::size_t>(row)] = static_cast<float>(scratch.least[row]);

  // The rows that each component may matter to, but for those that it is the best one of.
  kernels::rows_not_below(scratch.bounds.data(), components, scratch.thresholds.data(), lanes, scratch.masks.data());
  for (Index row = lanes.begin; row < lanes.end; ++row)
    scratch.masks[static_cast<std::size_t>(scratch.best[static_cast<std::size_t>(row)] * kTileBlocks + row / kLanes)] &=
        static_cast<std::uint8_t>(~(1 << row % kLanes));

  // What it is for them; listed where it does matter.
  for (Index k = 0, begin = 0; k < components; ++k) {
    double* const column = out.col(first_column + k).data();
    const auto put = [&](Index row, double value) {
      std::int32_t* const list = listed.lists.data() + row / kLanes * out.cols();
      std::int32_t& count = listed.counts[static_cast<std::size_t>(row / kLanes)];
      if (count == 0 || list[count - 1] != first_column + k) {
        list[count++] = static_cast<std::int32_t>(first_column + k);
        std::fill_n(column + row / kLanes * kLanes, kLanes, -kInfinity);
      }
      column[row] = value;
    };
    const RowNumbers best_rows = rows_of_best(k, begin, scratch);
    begin += static_cast<Index>(best_rows.size());
    for (const Index row : best_rows) put(row, scratch.exact[row]);

    const RowNumbers rows = rows_of(scratch.masks.data() + k * kTileBlocks, lanes, scratch.some.data());
    if (rows.empty()) continue;
    evaluate(k, rows, scratch.values.data());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const double value = scratch.values[static_cast<Index>(i)];
      if (!(value + log_weights[k] < scratch.least[rows[i]])) put(rows[i], value);
    }
  }
}

}  // namespace emulsion
