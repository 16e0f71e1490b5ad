// Sums over the points of a tile, beside the same written down plainly; whether many points belong to a component or one.
#include "emulsion/scatter.h"

#include <catch2/catch.hpp>

#include "emulsion/random.h"

namespace emulsion {
namespace {

struct Shared {
  Tile tile;
  LaneMatrix shares;
  Eigen::MatrixXd near;
};

// Component k has a share of every row that is k modulo `every`, or of all if that is 1; the last component of one row alone.
Shared make_shared(Index d, Index components, Index every, std::uint64_t seed) {
  Random random(seed);
  Shared made{Tile(d), LaneMatrix::Zero(kTilePoints, components), Eigen::MatrixXd(d, components)};
  const auto draw = [&] { return 10 * random.uniform() - 5; };
  for (double& number : made.near.reshaped()) number = draw();
  for (Index row = 0; row < kTilePoints; ++row) {
    Eigen::VectorXd point(d);
    for (double& number : point) number = draw();
    made.tile.push(point.data(), 1, 1);
    for (Index k = 0; k + 1 < components; ++k)
      if (row % every == k % every) made.shares(row, k) = 0.1 + random.uniform();
  }
  made.shares(77, components - 1) = 0.25;
  return made;
}

// Weight, mean, and sum of products about the mean.
struct Plain {
  double weight = 0;
  Eigen::VectorXd mean;
  Eigen::MatrixXd scatter;

  Plain(const Shared& shared, Index k) {
    const Index d = shared.tile.dimension();
    mean.setZero(d);
    scatter.setZero(d, d);
    const auto point = [&](Index row) -> Eigen::VectorXd { return shared.tile.points().row(row).matrix().transpose(); };
    for (Index row = 0; row < kTilePoints; ++row) {
      weight += shared.shares(row, k);
      mean += shared.shares(row, k) * point(row);
    }
    mean /= weight;
    for (Index row = 0; row < kTilePoints; ++row)
      scatter += shared.shares(row, k) * (point(row) - mean) * (point(row) - mean).transpose();
  }
};

constexpr double kTolerance = 1e-10;

}  // namespace

TEST_CASE("sums over a tile are those of each row, whatever number of them has a share") {
  const Index d = GENERATE(1, 3, 8, 9, 12, 16, 17, 24, 33, 64);
  const Index every = GENERATE(1, 2, 5, 40, 256);
  const Index components = 11;
  CAPTURE(d, every);
  const Shared shared = make_shared(d, components, every, 5);
  Eigen::VectorXd weights(components);
  Eigen::MatrixXd scatters(d + triangle(d), components), spreads(2 * d, components);

  scatters_of(shared.tile, shared.shares, shared.near, weights, scatters);
  for (Index k = 0; k < components; ++k) {
    const Plain plain(shared, k);
    CHECK(weights[k] == Approx(plain.weight).epsilon(kTolerance));
    CHECK((scatters.col(k).head(d) - plain.mean).cwiseAbs().maxCoeff() < kTolerance);
    CHECK((unpack_triangle(scatters.col(k).tail(triangle(d)), d) - plain.scatter).cwiseAbs().maxCoeff() < kTolerance * (1 + plain.weight));
  }

  weights.setZero();
  spreads_of(shared.tile, shared.shares, shared.near, weights, spreads);
  for (Index k = 0; k < components; ++k) {
    const Plain plain(shared, k);
    CHECK(weights[k] == Approx(plain.weight).epsilon(kTolerance));
    CHECK((spreads.col(k).head(d) - plain.mean).cwiseAbs().maxCoeff() < kTolerance);
    CHECK((spreads.col(k).tail(d) - plain.scatter.diagonal()).cwiseAbs().maxCoeff() < kTolerance * (1 + plain.weight));
  }
}

}  // namespace emulsion
