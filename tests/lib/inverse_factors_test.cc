#include "emulsion/inverse_factors.h"

#include <Eigen/Cholesky>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "emulsion/kernels/kernels.h"
#include "lib/sample.h"

namespace emulsion {
namespace {

using testing::same_bits;

struct Inverted {
  explicit Inverted(const ConstColumns& covariances) : factors(covariances.rows(), covariances.cols()), half_log_determinants(covariances.cols()) {
    invert_cholesky(covariances, factors, half_log_determinants);
  }

  Eigen::MatrixXd factors;
  Eigen::VectorXd half_log_determinants;
};

// Covariances of as many points as 2 d, so that they are neither singular nor round.
Eigen::MatrixXd some_covariances(Index d, Index count, std::uint64_t seed) {
  testing::Sampler sampler(seed);
  Eigen::MatrixXd covariances(triangle(d), count);
  for (Index s = 0; s < count; ++s) {
    Eigen::MatrixXd points(d, 2 * d);
    for (double& x : points.reshaped()) x = sampler.normal();
    covariances.col(s) = pack_triangle(points * points.transpose());
  }
  return covariances;
}

Eigen::MatrixXd lower(const ConstColumn& packed, Index d) {
  Eigen::MatrixXd matrix = unpack_triangle(packed, d);
  matrix.triangularView<Eigen::StrictlyUpper>().setZero();
  return matrix;
}

TEST_CASE("an inverse factor makes of its covariance the identity, and knows its determinant") {
  const Index d = GENERATE(1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 31, 32, 33, 64, 65);
  const double scale = GENERATE(1.0, 1e-290, 1e290);
  CAPTURE(d, scale);
  const Eigen::MatrixXd covariances = scale * some_covariances(d, 11, 7);
  const Inverted inverted(covariances);
  for (Index s = 0; s < covariances.cols(); ++s) {
    const Eigen::MatrixXd covariance = unpack_triangle(covariances.col(s), d) / scale;
    const Eigen::MatrixXd inverse = lower(inverted.factors.col(s), d) * std::sqrt(scale);
    CHECK((inverse * covariance * inverse.transpose() - Eigen::MatrixXd::Identity(d, d)).cwiseAbs().maxCoeff() < 1e-11);
    const Eigen::MatrixXd factor = Eigen::LLT<Eigen::MatrixXd>(covariance).matrixL();
    const double expected = factor.diagonal().array().log().sum() + 0.5 * static_cast<double>(d) * std::log(scale);
    CHECK(inverted.half_log_determinants[s] == Approx(expected).epsilon(1e-12).margin(1e-12));
  }
}

TEST_CASE("an inverse factor by hand") {
  // 4 2; 2 3 has the factor 2; 1 sqrt 2.
  const Inverted inverted(Eigen::Vector3d(4, 2, 3));
  CHECK(inverted.factors(0, 0) == 0.5);
  CHECK(inverted.factors(1, 0) == Approx(-0.5 / std::sqrt(2.0)).epsilon(1e-15));
  CHECK(inverted.factors(2, 0) == Approx(1 / std::sqrt(2.0)).epsilon(1e-15));
  CHECK(inverted.half_log_determinants[0] == Approx(0.5 * std::log(8.0)).epsilon(1e-15));
}

TEST_CASE("a matrix has the same inverse factor, to the last bit, whatever stands beside it") {
  const Index d = GENERATE(1, 3, 8, 16, 64, 70);
  const Eigen::MatrixXd covariances = some_covariances(d, 19, 11);
  const Inverted all(covariances);
  for (Index s = 0; s < covariances.cols(); ++s) {
    const Inverted alone(covariances.col(s));
    CHECK(same_bits(alone.factors, all.factors.col(s)));
    CHECK(alone.half_log_determinants[0] == all.half_log_determinants[s]);
  }
}

TEST_CASE("a matrix that is not positive definite is told, and costs its neighbours nothing") {
  const Index d = GENERATE(2, 8, 16, 65);
  const double bad = GENERATE(0.0, -1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity());
  const Index at = GENERATE(0, 5, 9);
  CAPTURE(d, bad, at);
  const Eigen::MatrixXd sound = some_covariances(d, 10, 13);
  Eigen::MatrixXd covariances = sound;
  const Index place = GENERATE_COPY(triangle(d) - 1, Index{0});
  covariances(place, at) = bad;
  const Inverted inverted(covariances), without(sound);
  for (Index s = 0; s < covariances.cols(); ++s) {
    CHECK(std::isnan(inverted.half_log_determinants[s]) == (s == at));
    CHECK(is_regular(covariances.col(s)) == (s != at));
    if (s != at) CHECK(same_bits(inverted.factors.col(s), without.factors.col(s)));
  }
}

TEST_CASE("a matrix is not regular where a coordinate is known from others, whatever rounding leaves of it") {
  const Index d = GENERATE(2, 5, 8, 20, 65);
  const double scale = GENERATE(1.0, 1e-280, 1e280);
  const Index again = GENERATE_COPY(Index{1}, d - 1);
  testing::Sampler sampler(17);
  Eigen::MatrixXd points(d, 3 * d);
  for (double& x : points.reshaped()) x = sampler.normal();
  const auto covariance = [&](double apart) {
    Eigen::MatrixXd copy = points;
    copy.row(again) = copy.row(0) + apart * points.row(again);
    return Eigen::VectorXd(scale * pack_triangle(copy * copy.transpose()));
  };
  CHECK(is_regular(covariance(1)));
  CHECK(is_regular(covariance(1e-5)));
  CHECK_FALSE(is_regular(covariance(0)));
}

// Two coordinates that are almost one, of which a third is almost the difference: what rounding does to the second, it does to the third
// ten million times.
TEST_CASE("a matrix that one instruction set calls regular is positive definite for all") {
  testing::Sampler sampler(23);
  constexpr Index d = 3, kMatrices = 4000;
  Eigen::MatrixXd covariances(triangle(d), kMatrices);
  for (Index s = 0; s < kMatrices; ++s) {
    Eigen::MatrixXd points(d, 20);
    for (Index i = 0; i < points.cols(); ++i) {
      const double x = sampler.normal(), z = sampler.normal(), y = sampler.normal();
      points.col(i) << x, x + 1e-7 * z, z + std::pow(10.0, -3.0 * static_cast<double>(s) / kMatrices) * y;
    }
    covariances.col(s) = pack_triangle(points * points.transpose());
  }
  const auto sets = kernels::instruction_sets();
  std::vector<Inverted> inverted;
  for (const std::string& name : sets) {
    REQUIRE(kernels::use_instruction_set(name));
    inverted.emplace_back(covariances);
  }
  kernels::use_instruction_set("");
  std::size_t regular = 0, contradicted = 0;
  for (const Inverted& by_one : inverted)
    for (Index s = 0; s < kMatrices; ++s) {
      if (std::isnan(by_one.half_log_determinants[s]) || !is_regular(covariances.col(s), by_one.factors.col(s))) continue;
      ++regular;
      for (const Inverted& by_another : inverted) contradicted += std::isnan(by_another.half_log_determinants[s]);
    }
  CHECK(regular > 0);
  CHECK(contradicted == 0);
}

}  // namespace
}  // namespace emulsion
