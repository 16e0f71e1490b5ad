// The sufficient statistics of a whole mixture: everything that a model remembers of its points.
//
// A commutative monoid: statistics of two sets of points merge into those of their union. That is what makes threads,
// forgetting and saved states possible.
#pragma once

#include <Eigen/Core>
#include <vector>

#include "emulsion/family.h"

namespace emulsion {

// Weight, mean, sum of squares about the mean, and range of each coordinate (d each), over the points that have it.
// They give the stream's own scale, to which priors are relative, and which outliers must not decide: as far as a point is
// noise, it has next to no weight here. The range is that of all points, and does not fade.
struct CoordinateMoments {
  Eigen::VectorXd weight;
  Eigen::VectorXd mean;
  Eigen::VectorXd squares;
  Eigen::VectorXd lowest;   // 0 where the weight is 0
  Eigen::VectorXd highest;  // likewise

  // Moments of no points.
  static CoordinateMoments none(Index dimension);
};

struct Statistics {
  std::vector<BankStatistics> banks;
  CoordinateMoments coordinates;
  double weight = 0;          // total weight of the points: the effective sample size
  double log_likelihood = 0;  // sum over the points of weight times log density, each under the model of its moment, nats
};

// Adds the points behind `from` to those behind `into`; both are of the same dimension.
void merge(CoordinateMoments& into, const CoordinateMoments& from);

// The same; both are of the same mixture.
void merge(Statistics& into, const Statistics& from);

// Makes every point count `factor` times as much. factor >= 0.
void scale(Statistics& statistics, double factor);

// Makes them those of no points.
void clear(Statistics& statistics);

// The moments of one tile.
//   weights  256: what its rows count, at the end of the tile; > 0. Null: all 1
void set_coordinate_moments(const Tile& tile, const double* weights, CoordinateMoments& moments);
CoordinateMoments coordinate_moments(const Tile& tile, const Eigen::Array<double, kTilePoints, 1>& weights);

// Variance of the stream along each coordinate (d, each > 0). A coordinate that has not varied gets the square of the
// rounding error of its mean, or 1 if that is 0. No variance is below 1e-250.
Eigen::VectorXd variances(const CoordinateMoments& moments);

// True if every number is finite.
bool all_finite(const Statistics& statistics);

}  // namespace emulsion
