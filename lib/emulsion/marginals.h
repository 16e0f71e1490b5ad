// Points of which some coordinates are missing, as ellipsoids see them: at a distance under the marginal of the coordinates that are
// there, and completed by what is to be expected of the others.
//
// What that takes depends on which coordinates are missing and not on the point, so it is found once for all points of a tile that
// lack the same: a sensor that is silent costs each of its points little.
// Source: Ghahramani & Jordan (1994), Supervised learning from incomplete data via an EM approach, section 3; patterns as in Little &
// Rubin (2002), Statistical analysis with missing data, section 11.2.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <vector>

#include "emulsion/ellipsoids.h"
#include "emulsion/shapes.h"
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

// The marginals of K ellipsoids over the coordinates that a pattern has. For use while both are there.
class Marginals {
 public:
  Marginals(const Ellipsoids& whole, const MissingPattern& pattern);

  // Half the logarithm of the determinant of component k's matrix for the observed coordinates.
  double half_log_determinant(Index k) const { return pattern_.observed.empty() ? 0 : shapes_.half_log_determinant(shape_of(k)); }

  // constant + factor * (squared distance from component k) for each row of the pattern. What it gives for one does not depend on the
  // others. Valid until the same thread asks again.
  const double* distances(const Tile& tile, Index k, double factor, double constant) const;

  // The located scatter of the pattern's points about component k, each with its missing coordinates at their conditional expectation,
  // which have their conditional covariance besides. Returns the points' weight.
  //   weights            one for each row of the pattern, >= 0; not all 0
  //   covariance_weight  how often the conditional covariance counts
  //   scatter            d + d(d+1)/2
  double scatter(const Tile& tile, Index k, const double* weights, double covariance_weight, Column scatter) const;

 private:
  void condition(Index k, struct MarginalRoom& room) const;
  Index missing(Index i) const { return pattern_.missing[static_cast<std::size_t>(i)]; }
  Index observed(Index j) const { return pattern_.observed[static_cast<std::size_t>(j)]; }
  Index shape_of(Index k) const { return shapes_.size() == 1 ? 0 : k; }

  const Ellipsoids& whole_;
  const MissingPattern& pattern_;
  Shapes shapes_;  // of the observed coordinates
};

}  // namespace emulsion
