// Points of which some coordinates are missing, as ellipsoids see them: at a distance under the marginal of the coordinates that are
// there, and completed by what is to be expected of the others.
//
// What that takes depends on which coordinates are missing and not on the point, so it is found once for all points of a tile that
// lack the same.
// Source: Ghahramani & Jordan (1994), Supervised learning from incomplete data via an EM approach, section 3; patterns as in Little &
// Rubin (2002), Statistical analysis with missing data, section 11.2.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "emulsion/ellipsoids.h"
#include "emulsion/inverse_factors.h"
#include "emulsion/tile.h"

namespace emulsion {

// Rows of a tile that lack the same coordinates; all in ascending order.
struct MissingPattern {
  std::vector<Index> missing;   // coordinates; at least one
  std::vector<Index> observed;  // the others; perhaps none
  std::vector<std::uint8_t> rows;

  Index size() const { return static_cast<Index>(rows.size()); }

  // Sets into[i] to the number of the pattern's row i. Returns their sum.
  template <typename Numbers>
  double gather(const Numbers& of_all_rows, Eigen::Array<double, kTilePoints, 1>& into) const {
    double sum = 0;
    for (Index i = 0; i < size(); ++i) sum += into[i] = of_all_rows[rows[static_cast<std::size_t>(i)]];
    return sum;
  }
};

// The incomplete rows among those of `lanes`, in the order of each pattern's first row.
std::vector<MissingPattern> missing_patterns(const Tile& tile, LaneRange lanes);

// The marginals of some ellipsoids over the coordinates that a pattern has. Refers to both.
class Marginals {
 public:
  Marginals(const Ellipsoids& whole, const MissingPattern& pattern);

  // Calls use(k) for the components k that are wanted, in ascending order. What is below may be asked of that k alone.
  //   wanted(k)  false: its matrix need not be factored
  template <typename Wanted, typename Use>
  void for_each(const Wanted& wanted, const Use& use) {
    const Index most = matrices_at_once(observed_count());
    std::array<Index, kLanes> chosen;
    Index count = 0;
    for (Index k = 0; k < whole_.size(); ++k) {
      if (wanted(k)) chosen[static_cast<std::size_t>(count++)] = k;
      if (count == 0 || (count < most && k + 1 < whole_.size())) continue;
      if (!is_tied()) factor(std::span(chosen).first(static_cast<std::size_t>(count)));
      for (current_ = 0; current_ < count; ++current_) use(chosen[static_cast<std::size_t>(current_)]);
      count = 0;
    }
  }

  // Half the logarithm of the determinant of the matrix of the observed coordinates; NaN if rounding has left it none.
  double half_log_determinant() const { return half_log_determinants_[shape()]; }

  // constant + factor * (squared distance) for each row of the pattern. What it gives for one does not depend on the others. Valid
  // until the same thread asks for those of any other component.
  const double* distances(const Tile& tile, Index k, double factor, double constant) const;

  // The located scatter of the pattern's points, each with its missing coordinates at their conditional expectation, which have their
  // conditional covariance besides. Returns the points' weight.
  //   weights            one for each row of the pattern, >= 0; not all 0
  //   covariance_weight  how often the conditional covariance counts
  //   scatter            d + d(d+1)/2
  double scatter(const Tile& tile, Index k, const double* weights, double covariance_weight, Column scatter) const;

 private:
  struct Room;

  void factor(std::span<const Index> components);
  void condition(Index k, Room& room) const;
  Index observed_count() const { return static_cast<Index>(pattern_.observed.size()); }
  Index missing(Index i) const { return pattern_.missing[static_cast<std::size_t>(i)]; }
  Index observed(Index j) const { return pattern_.observed[static_cast<std::size_t>(j)]; }
  bool is_tied() const { return whole_.triangles().cols() == 1; }
  Index shape() const { return is_tied() ? 0 : current_; }

  const Ellipsoids& whole_;
  const MissingPattern& pattern_;
  Index current_ = 0;                // of those that are factored
  Eigen::MatrixXd covariances_;      // of the observed coordinates: lower triangles, row by row
  Eigen::MatrixXd inverse_factors_;  // likewise; 0 where there is none
  Eigen::VectorXd half_log_determinants_;
};

}  // namespace emulsion
