#include "emulsion/screen.h"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace emulsion {
namespace {

using kernels::kProjections;

// Half a nat more than is needed, and a part of the bound itself: far more than it can be wrong by rounding.
constexpr double kMargin = 0.5;
constexpr double kRelativeMargin = 1e-9;

constexpr double kFarthest = -1e290;

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

// What a thread needs for one tile.
struct Room {
  Eigen::ArrayXd blocks;
  Eigen::ArrayXd projected;
  Eigen::Array<double, kTilePoints, 1> highest, best, threshold, exact, values;
  std::vector<Index> order, rows;
  std::vector<std::size_t> begins;
};

Room& room_for(Index d, Index projections) {
  thread_local Room room;
  if (room.blocks.size() < kTilePoints * d) room.blocks.resize(kTilePoints * d);
  if (room.projected.size() < kTilePoints * projections) room.projected.resize(kTilePoints * projections);
  return room;
}

}  // namespace

Screen::Screen(const Eigen::MatrixXd& means, const Eigen::MatrixXd& map, const std::function<Eigen::MatrixXd(Index)>& covariance,
               const Eigen::VectorXd& log_normalisers)
    : centre_(means.rowwise().mean()),
      map_(map),
      places_(map * (means.colwise() - centre_)),
      scales_(means.cols()),
      log_normalisers_(log_normalisers) {
  for (Index k = 0; k < means.cols(); ++k) {
    const Eigen::MatrixXd own = covariance(k);
    const Eigen::MatrixXd mapped = map * own * map.transpose();
    // What rounding may have taken from it is put on top.
    const double rounding = 1e-12 * map.squaredNorm() * own.norm();
    const double largest = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(mapped, Eigen::EigenvaluesOnly).eigenvalues().maxCoeff();
    scales_[k] = -0.5 / (largest + rounding);
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
      near += !(scales_[k] * (places_.col(k) - places_.col(l)).squaredNorm() < kFarAway);
    }
  return pairs == 0 ? 1 : static_cast<double>(near) / static_cast<double>(pairs);
}

std::shared_ptr<const Screen> Screen::make(const Eigen::MatrixXd& means, const std::function<Eigen::MatrixXd(Index)>& covariance,
                                           const Eigen::VectorXd& log_normalisers) {
  const Index d = means.rows();
  Eigen::MatrixXd within = Eigen::MatrixXd::Zero(d, d);
  for (Index k = 0; k < means.cols(); ++k) within += covariance(k) / static_cast<double>(means.cols());
  const Eigen::MatrixXd from_centre = means.colwise() - means.rowwise().mean();
  constexpr Index kMostProjections = 2 * kProjections;
  const Eigen::MatrixXd map = discriminants(from_centre, within, kMostProjections);
  if (map.size() == 0 || !map.allFinite()) return nullptr;

  // The first directions alone if they leave little to do; more if that leaves less than half; otherwise it does not pay.
  constexpr double kLittle = 0.05, kMost = 0.5;
  std::shared_ptr<const Screen> screen(new Screen(means, map.topRows(kProjections), covariance, log_normalisers));
  if (screen->share_of_near_pairs() > kLittle && d > kProjections)
    screen.reset(new Screen(means, map, covariance, log_normalisers));
  if (!screen->scales_.allFinite() || screen->share_of_near_pairs() > kMost) return nullptr;
  return screen;
}

void Screen::log_densities(const Tile& tile, LaneRange lanes, const double* log_weights, double negligible, LaneMatrix& out,
                           Index first_column, kernels::ListedComponents& listed, const Evaluate& evaluate) const {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const Index components = scales_.size();
  const Index projections = map_.rows();
  Room& room = room_for(tile.dimension(), projections);

  // Bounds of all, and for each row the component with the highest one.
  kernels::shift_to_blocks(tile.points().data(), tile.dimension(), centre_.data(), lanes, room.blocks.data());
  kernels::project(room.blocks.data(), tile.dimension(), map_.data(), projections, lanes, room.projected.data());
  room.highest.setConstant(-kInfinity);
  room.best.setZero();
  for (Index k = 0; k < components; ++k)
    kernels::upper_bounds(room.projected.data(), places_.col(k).data(), projections, scales_[k], log_normalisers_[k] + log_weights[k], lanes, k,
                          out.col(first_column + k).data(), room.highest.data(), room.best.data());

  // That one in full, which bounds the highest density from below.
  room.begins.assign(static_cast<std::size_t>(components + 1), 0);
  for (Index row = lanes.begin; row < lanes.end; ++row) ++room.begins[static_cast<std::size_t>(room.best[row]) + 1];
  for (std::size_t k = 1; k < room.begins.size(); ++k) room.begins[k] += room.begins[k - 1];
  room.order.resize(static_cast<std::size_t>(lanes.end - lanes.begin));
  {
    std::vector<std::size_t>& next = room.begins;
    for (Index row = lanes.begin; row < lanes.end; ++row) room.order[next[static_cast<std::size_t>(room.best[row])]++] = row;
  }
  for (std::size_t begin = 0; begin < room.order.size();) {
    const auto k = static_cast<Index>(room.best[room.order[begin]]);
    const std::size_t end = room.begins[static_cast<std::size_t>(k)];
    evaluate(k, {room.order.data() + begin, end - begin}, room.values.data());
    for (std::size_t i = begin; i < end; ++i) {
      const Index row = room.order[i];
      room.exact[row] = room.values[static_cast<Index>(i - begin)];
      const double joint = room.exact[row] + log_weights[k];
      // So far away that no density can be told from another, all are alike.
      room.threshold[row] = joint > kFarthest ? joint + negligible - kMargin - kRelativeMargin * std::abs(joint) : -kInfinity;
    }
    begin = end;
  }
  // All components matter for rows of which no bound is known.
  for (const Index row : tile.incomplete_rows()) room.threshold[row] = -kInfinity;

  for (Index k = 0; k < components; ++k) {
    double* const column = out.col(first_column + k).data();
    std::array<std::uint64_t, kTilePoints / 64> bits{};
    kernels::not_below(column, room.threshold.data(), lanes, bits.data());
    std::fill(column + lanes.begin, column + lanes.end, 0.0);
    room.rows.clear();
    for (std::size_t word = 0; word < bits.size(); ++word) {
      while (bits[word] != 0) {
        const Index in_word = std::countr_zero(bits[word]) / kLanes;
        const std::uint64_t relevant = bits[word] >> (in_word * kLanes) & 0xff;
        bits[word] ^= relevant << (in_word * kLanes);
        const Index block = static_cast<Index>(word) * (64 / kLanes) + in_word;
        auto& count = listed.counts[static_cast<std::size_t>(block)];
        listed.lists[static_cast<std::size_t>(block * out.cols() + count++)] = static_cast<std::int32_t>(first_column + k);
        for (Index row = block * kLanes; row < (block + 1) * kLanes; ++row) {
          column[row] = -kInfinity;
          if ((relevant >> (row % kLanes) & 1) == 0) continue;
          if (static_cast<Index>(room.best[row]) == k)
            column[row] = room.exact[row];
          else
            room.rows.push_back(row);
        }
      }
    }
    if (room.rows.empty()) continue;
    evaluate(k, room.rows, room.values.data());
    for (std::size_t i = 0; i < room.rows.size(); ++i) column[room.rows[i]] = room.values[static_cast<Index>(i)];
  }
}

}  // namespace emulsion
