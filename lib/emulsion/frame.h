// The place about which a bank's points are looked at.
//
// A product of a point with a component's coefficients loses what the point and the component have in common: their distance
// from the origin. About the middle of the components little is lost. A component that is much narrower than its distance
// from there, however, would lose digits still, and is looked at about its own place.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "emulsion/kernels/kernels.h"
#include "emulsion/prefetch.h"
#include "emulsion/tile.h"

namespace emulsion {

class Frame {
 public:
  //   places  d x K, of the components
  explicit Frame(const Eigen::MatrixXd& places) : centre_(places.rowwise().mean()) {}

  const Eigen::VectorXd& centre() const { return centre_; }

  void prefetch() const {
    prefetch_numbers(centre_);
    prefetch_numbers(own_);
  }

  // Takes the next component in. Returns true if it may be looked at about the centre, false if about its own place.
  //   distance  from the centre, in units of the component's width; what is lost is this times the rounding error of a number
  bool admit(double distance) {
    constexpr double kFarthest = 1e4;
    own_.push_back(!(distance <= kFarthest));
    return own_.back() == 0;
  }

  // Some rows of a tile about the place that suits component k, one behind the other, in whole blocks as
  // kernels::shift_to_blocks makes them. Valid until the next call by the same thread.
  const double* gather(const Tile& tile, RowNumbers rows, const Eigen::MatrixXd& places, Index k) const {
    thread_local Eigen::ArrayXd blocks;
    const Index d = tile.dimension();
    if (blocks.size() < kTilePoints * d) blocks.setZero(kTilePoints * d);
    const double* const place = own_[static_cast<std::size_t>(k)] != 0 ? places.col(k).data() : centre_.data();
    kernels::gather_to_blocks(tile.rows(), d, rows.data(), static_cast<Index>(rows.size()), place, blocks.data());
    return blocks.data();
  }

  // Calls use(blocks, first, count) for runs of components, with the points about the place that suits all of a run
  // (kernels::shift_to_blocks).
  template <typename Use>
  void for_each_run(const Tile& tile, LaneRange lanes, const Eigen::MatrixXd& places, const Use& use) const {
    thread_local Eigen::ArrayXd blocks;
    const Index room = kTilePoints * tile.dimension();
    if (blocks.size() < room) blocks.resize(room);
    const auto shift = [&](const double* place) {
      kernels::shift_to_blocks(tile.points().data(), tile.dimension(), place, lanes, blocks.data());
    };
    shift(centre_.data());
    for (auto first = own_.begin(); first != own_.end();) {
      const auto end = std::find(first, own_.end(), *first == 0);
      if (*first == 0) use(blocks.data(), first - own_.begin(), end - first);
      first = end;
    }
    for (std::size_t k = 0; k < own_.size(); ++k) {
      if (own_[k] == 0) continue;
      shift(places.col(static_cast<Index>(k)).data());
      use(blocks.data(), static_cast<Index>(k), Index{1});
    }
  }

 private:
  Eigen::VectorXd centre_;  // d
  std::vector<std::uint8_t> own_;  // K: 1 for those about their own place
};

}  // namespace emulsion
