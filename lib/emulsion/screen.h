// Which components can matter for a point, found without evaluating all of them.
//
// A linear map A into few coordinates bounds every normal density from above, whatever A is:
//     (x - m)^T C^-1 (x - m) >= |A (x - m)|^2 / l,   l the largest eigenvalue of A C A^T.
// The map here keeps the directions in which the components lie apart most, in units of their own widths; there most of them
// are seen to be too far away to count. What remains is evaluated in full, so that the posterior probabilities are the same
// to the last bit. Bounds are found in single precision, and raised by more than that can take from them.
// Source of the directions: Rao (1948), The utilization of multiple measurements in problems of biological classification.
#pragma once

#include <Eigen/Core>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "emulsion/frame.h"
#include "emulsion/kernels/kernels.h"
#include "emulsion/tile.h"

namespace emulsion {

// Immutable; may be shared between threads.
class Screen {
 public:
  // Nothing if it would not save work, as for components that lie too close together.
  //   means            d x K
  //   covariances      K, each d x d
  //   log_normalisers  K: log densities at the means
  static std::shared_ptr<const Screen> make(const Eigen::MatrixXd& means, const std::function<Eigen::MatrixXd(Index)>& covariance,
                                            const Eigen::VectorXd& log_normalisers);

  // Adds components to the lists of the blocks of kLanes rows: every one whose weighted density is within `negligible` of the highest
  // one of a row. Sets out(row, first_column + k) for the rows of a block where k is listed: to the log density, or to minus infinity
  // for a row to which k does not matter. Leaves all else in `out` as it is.
  //   log_weights  K
  //   negligible   < 0
  //   evaluate(k, rows, out)  writes the log densities of component k for those rows of the tile
  using Evaluate = std::function<void(Index, RowNumbers, double*)>;
  void log_densities(const Tile& tile, LaneRange lanes, const double* log_weights, double negligible, LaneMatrix& out, Index first_column,
                     kernels::ListedComponents& listed, const Evaluate& evaluate) const;

 private:
  Screen(const Eigen::MatrixXd& means, const Eigen::MatrixXd& map, const std::function<Eigen::MatrixXd(Index)>& covariance,
         const Eigen::VectorXd& log_normalisers);
  double share_of_near_pairs() const;

  Eigen::VectorXd centre_;           // d
  Eigen::MatrixXd map_;              // q x d, q a multiple of kProjections
  Eigen::MatrixXd places_;           // q x K: the means, mapped
  Eigen::VectorXd scales_;           // K: -1 / (2 l)
  double largest_scale_;             // of their sizes
  Eigen::VectorXd constants_;        // K: the bound where the map is 0, without the weight, raised
  Eigen::MatrixXf factors_;          // (1 + q) x K: what |p|^2 and p_1 ... p_q count in it, raised
};

}  // namespace emulsion
