#include "emulsion/screen.h"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace emulsion {
namespace {

using kernels::kProjections;

// Half a nat more than is needed, and a part of the bound itself: far more than it can be wrong by rounding.
constexpr double kMargin = 0.5;
constexpr double kRelativeMargin = 1e-9;

constexpr double kFarthest = -1e290;

// Columns: the directions in which the places lie apart most, in units of the mean covariance; fewer than kProjections
// coordinates are filled with 0. Empty if that covariance is not positive definite.
Eigen::MatrixXd discriminants(const Eigen::MatrixXd& from_centre, const Eigen::MatrixXd& within) {
  const Eigen::LLT<Eigen::MatrixXd> llt(within);
  if (llt.info() != Eigen::Success) return {};
  const Eigen::MatrixXd whitened = llt.matrixL().solve(from_centre);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> between(whitened * whitened.transpose());
  if (between.info() != Eigen::Success) return {};
  const Index d = within.rows();
  const Index kept = std::min<Index>(kProjections, d);
  Eigen::MatrixXd map = Eigen::MatrixXd::Zero(kProjections, d);
  map.topRows(kept) = llt.matrixU().solve(between.eigenvectors().rightCols(kept)).transpose();
  return map;
}

// What a thread needs for one tile.
struct Room {
  Eigen::ArrayXd blocks;
  LaneMatrix projected{kTilePoints, kProjections};
  Eigen::Array<double, kTilePoints, 1> highest, best, threshold, exact, values;
  std::vector<Index> order, rows;
  std::vector<std::size_t> begins;
};

Room& room_for(Index d) {
  thread_local Room room;
  if (room.blocks.size() < kTilePoints * d) room.blocks.resize(kTilePoints * d);
  return room;
}

}  // namespace

std::shared_ptr<const Screen> Screen::make(const Eigen::MatrixXd& means, const std::function<Eigen::MatrixXd(Index)>& covariance,
                                           const Eigen::VectorXd& log_normalisers) {
  const Index d = means.rows();
  const Index components = means.cols();
  auto screen = std::shared_ptr<Screen>(new Screen);
  screen->centre_ = means.rowwise().mean();
  const Eigen::MatrixXd from_centre = means.colwise() - screen->centre_;
  Eigen::MatrixXd within = Eigen::MatrixXd::Zero(d, d);
  for (Index k = 0; k < components; ++k) within += covariance(k) / static_cast<double>(components);
  screen->map_ = discriminants(from_centre, within);
  if (screen->map_.size() == 0 || !screen->map_.allFinite()) return nullptr;
  screen->places_ = screen->map_ * from_centre;
  screen->scales_.resize(components);
  for (Index k = 0; k < components; ++k) {
    const Eigen::MatrixXd own = covariance(k);
    const Eigen::MatrixXd mapped = screen->map_ * own * screen->map_.transpose();
    // What rounding may have taken from it is put on top.
    const double rounding = 1e-12 * screen->map_.squaredNorm() * own.norm();
    const double largest = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(mapped, Eigen::EigenvaluesOnly).eigenvalues().maxCoeff() + rounding;
    screen->scales_[k] = -0.5 / largest;
  }
  if (!screen->scales_.allFinite()) return nullptr;
  screen->log_normalisers_ = log_normalisers;

  // Worth it if, seen from the middle of one component, most others cannot matter. A sample of pairs will tell.
  constexpr Index kSample = 64;
  constexpr double kFarAway = -50;
  const Index step = std::max<Index>(1, components / kSample);
  Index far = 0, pairs = 0;
  for (Index k = 0; k < components; k += step)
    for (Index l = 0; l < components; l += step) {
      if (k == l) continue;
      ++pairs;
      far += screen->scales_[k] * (screen->places_.col(k) - screen->places_.col(l)).squaredNorm() < kFarAway;
    }
  if (2 * far < pairs) return nullptr;
  return screen;
}

void Screen::log_densities(const Tile& tile, LaneRange lanes, const double* log_weights, double negligible, LaneMatrix& out,
                           Index first_column, kernels::ListedComponents& listed, const Evaluate& evaluate) const {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const Index components = scales_.size();
  Room& room = room_for(tile.dimension());

  // Bounds of all, and for each row the component with the highest one.
  kernels::shift_to_blocks(tile.points().data(), tile.dimension(), centre_.data(), lanes, room.blocks.data());
  kernels::project(room.blocks.data(), tile.dimension(), map_.data(), lanes, room.projected.data());
  room.highest.setConstant(-kInfinity);
  room.best.setZero();
  for (Index k = 0; k < components; ++k)
    kernels::upper_bounds(room.projected.data(), places_.col(k).data(), scales_[k], log_normalisers_[k] + log_weights[k], lanes, k,
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
    for (Index block = lanes.begin / kLanes; block < lanes.end / kLanes; ++block) {
      const auto relevant = (bits[static_cast<std::size_t>(block * kLanes / 64)] >> (block * kLanes % 64)) & 0xff;
      const Index row = block * kLanes;
      if (relevant == 0) continue;
      auto& count = listed.counts[static_cast<std::size_t>(block)];
      listed.lists[static_cast<std::size_t>(block * out.cols() + count++)] = static_cast<std::int32_t>(first_column + k);
      for (Index lane = 0; lane < kLanes; ++lane) {
        column[row + lane] = -kInfinity;
        if ((relevant >> lane & 1) == 0) continue;
        if (static_cast<Index>(room.best[row + lane]) == k)
          column[row + lane] = room.exact[row + lane];
        else
          room.rows.push_back(row + lane);
      }
    }
    if (room.rows.empty()) continue;
    evaluate(k, room.rows, room.values.data());
    for (std::size_t i = 0; i < room.rows.size(); ++i) column[room.rows[i]] = room.values[static_cast<Index>(i)];
  }
}

}  // namespace emulsion
