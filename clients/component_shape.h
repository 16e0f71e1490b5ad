// Where the components of a model lie and how wide they are, as a picture shows them.
#pragma once

#include <Eigen/Core>
#include <optional>
#include <vector>

#include "emulsion/mixture.h"
#include "emulsion/snapshot.h"

namespace emulsion::client {

// One component, whatever its family.
//   centre      d: its mean; where there is none, its place
//   covariance  d x d. Of a Gaussian or von Mises-Fisher component its own, of a Student-t component its scale matrix; of
//               every other family, and between the factors of a product, the variances on the diagonal
//   direction   d, of length 1 over the coordinates of a von Mises-Fisher component or factor and 0 elsewhere
//   discrete    d: whether it has points at whole numbers only
//   symmetric   d: whether it reaches as far below its centre as above it
//   noise       whether it has no place of its own
struct ComponentShape {
  Eigen::VectorXd centre;
  Eigen::MatrixXd covariance;
  std::optional<Eigen::VectorXd> direction;
  std::vector<bool> discrete;
  std::vector<bool> symmetric;
  bool noise = false;
};

// The shapes of all K components, in the order of the model, of which `mixture` is the mixture.
std::vector<ComponentShape> shapes_of(const Snapshot& model, const Mixture& mixture);

// The points at distance 1 sigma from the centre: half axes, the longer one first, and how far that is turned from the
// first coordinate towards the second, in (-90, 90] degrees.
struct Ellipse {
  double centre_x = 0;
  double centre_y = 0;
  double half_major = 0;
  double half_minor = 0;
  double degrees = 0;
};

// The ellipse over the coordinates i (across) and j (up), i != j.
Ellipse ellipse_of(const ComponentShape& shape, Index i, Index j);

// The coordinates by how far the components lie apart along them, the farthest first: variance between the means of the
// components as a share of all variance. Noise does not count.
std::vector<Index> axes_by_separation(const std::vector<ComponentShape>& shapes, const Eigen::VectorXd& weights);

}  // namespace emulsion::client
