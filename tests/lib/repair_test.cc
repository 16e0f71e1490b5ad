#include "emulsion/repair.h"

#include <Eigen/Eigenvalues>
#include <catch2/catch.hpp>
#include <limits>

#include "lib/sample.h"

namespace emulsion {
namespace {

using testing::difference;

Eigen::Matrix2d matrix(double a, double b, double c) { return (Eigen::Matrix2d() << a, b, b, c).finished(); }

struct Repaired {
  Repaired(const Eigen::MatrixXd& broken, const Eigen::VectorXd& variances)
      : covariance(broken), repair(repair_covariance(covariance, variances, factor)) {}

  Eigen::MatrixXd covariance, factor;
  Repair repair;
};

void check_factor(const Repaired& repaired) {
  CHECK(difference(Eigen::MatrixXd(repaired.factor * repaired.factor.transpose()), repaired.covariance) < 1e-14);
  CHECK((repaired.factor.diagonal().array() > 0).all());
  CHECK(repaired.factor(0, 1) == 0);
}

TEST_CASE("a covariance that is positive definite is left as it is") {
  const Eigen::Matrix2d good = matrix(4, 2, 3);
  const Repaired repaired(good, Eigen::Vector2d(1, 1));
  CHECK(repaired.repair == Repair::none);
  CHECK(testing::same_bits(repaired.covariance, good));
  // Cholesky by hand: 2; 1, sqrt(2).
  CHECK(repaired.factor(0, 0) == 2);
  CHECK(repaired.factor(1, 0) == 1);
  CHECK(repaired.factor(1, 1) == Approx(1.4142135623730951).epsilon(1e-15));
}

TEST_CASE("a singular covariance gets the smallest jitter that works, in units of the stream") {
  const double unit = GENERATE(1.0, 1e-6, 1e6);
  const Repaired repaired(matrix(unit * unit, unit, 1), Eigen::Vector2d(unit * unit, 1));
  CHECK(repaired.repair == Repair::jitter);
  CHECK(repaired.covariance(0, 0) == Approx(unit * unit * (1 + 1e-12)).epsilon(1e-14));
  CHECK(repaired.covariance(1, 1) == Approx(1 + 1e-12).epsilon(1e-14));
  CHECK(repaired.covariance(0, 1) == unit);
  check_factor(repaired);
}

TEST_CASE("the jitter grows tenfold until the covariance is positive definite") {
  // Eigenvalues 2 + 2e-6 and -2e-6: 1e-6 is too little, 1e-5 is enough.
  const Repaired repaired(matrix(1, 1 + 2e-6, 1), Eigen::Vector2d(1, 1));
  CHECK(repaired.repair == Repair::jitter);
  CHECK(repaired.covariance(0, 0) == Approx(1 + 1e-5).epsilon(1e-12));
  check_factor(repaired);
}

TEST_CASE("a covariance that is far from positive definite keeps its good directions, and gets a floor in the others") {
  // Eigenvalues 3 along (1, 1) and -1 along (1, -1).
  const double unit = GENERATE(1.0, 1e-6, 1e6);
  const Repaired repaired(matrix(unit * unit, 2 * unit, 1), Eigen::Vector2d(unit * unit, 1));
  CHECK(repaired.repair == Repair::eigenvalue_floor);
  check_factor(repaired);
  const Eigen::Matrix2d scale = Eigen::Vector2d(1 / unit, 1).asDiagonal();
  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix2d> solver(scale * repaired.covariance * scale);
  CHECK(solver.eigenvalues()[1] == Approx(3).epsilon(1e-12));
  CHECK(solver.eigenvalues()[0] == Approx(1e-9).epsilon(1e-5));
}

TEST_CASE("a covariance that is no number is beyond repair") {
  const double bad = GENERATE(std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity());
  const Repaired repaired(matrix(1, 0, bad), Eigen::Vector2d(1, 1));
  CHECK(repaired.repair == Repair::kept_previous);
}

}  // namespace
}  // namespace emulsion
