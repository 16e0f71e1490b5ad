#include "emulsion/repair.h"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <catch2/catch.hpp>
#include <limits>

#include "lib/sample.h"

namespace emulsion {
namespace {

Eigen::Matrix2d matrix(double a, double b, double c) { return (Eigen::Matrix2d() << a, b, b, c).finished(); }

struct Repaired {
  Repaired(const Eigen::MatrixXd& broken, const Eigen::VectorXd& variances) {
    Eigen::VectorXd packed = pack_triangle(broken);
    repair = repair_covariance(packed, variances);
    covariance = unpack_triangle(packed, variances.size());
  }

  Eigen::MatrixXd covariance;
  Repair repair;
};

bool is_positive_definite(const Eigen::MatrixXd& matrix) { return Eigen::LLT<Eigen::MatrixXd>(matrix).info() == Eigen::Success; }

TEST_CASE("a covariance that is positive definite is left as it is") {
  const Eigen::Matrix2d good = matrix(4, 2, 3);
  const Repaired repaired(good, Eigen::Vector2d(1, 1));
  CHECK(repaired.repair == Repair::none);
  CHECK(testing::same_bits(repaired.covariance, good));
}

TEST_CASE("a singular covariance gets the smallest jitter that works, in units of the stream") {
  const double unit = GENERATE(1.0, 1e-6, 1e6);
  const Repaired repaired(matrix(unit * unit, unit, 1), Eigen::Vector2d(unit * unit, 1));
  CHECK(repaired.repair == Repair::jitter);
  CHECK(repaired.covariance(0, 0) == Approx(unit * unit * (1 + 1e-12)).epsilon(1e-14));
  CHECK(repaired.covariance(1, 1) == Approx(1 + 1e-12).epsilon(1e-14));
  CHECK(repaired.covariance(0, 1) == unit);
  CHECK(is_positive_definite(repaired.covariance));
}

TEST_CASE("the jitter grows tenfold until the covariance is positive definite") {
  // Eigenvalues 2 + 2e-6 and -2e-6: 1e-6 is too little, 1e-5 is enough.
  const Repaired repaired(matrix(1, 1 + 2e-6, 1), Eigen::Vector2d(1, 1));
  CHECK(repaired.repair == Repair::jitter);
  CHECK(repaired.covariance(0, 0) == Approx(1 + 1e-5).epsilon(1e-12));
  CHECK(is_positive_definite(repaired.covariance));
}

TEST_CASE("a covariance that is far from positive definite keeps its good directions, and gets a floor in the others") {
  // Eigenvalues 3 along (1, 1) and -1 along (1, -1).
  const double unit = GENERATE(1.0, 1e-6, 1e6);
  const Repaired repaired(matrix(unit * unit, 2 * unit, 1), Eigen::Vector2d(unit * unit, 1));
  CHECK(repaired.repair == Repair::eigenvalue_floor);
  CHECK(is_positive_definite(repaired.covariance));
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
