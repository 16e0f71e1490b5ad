// The inner loops, under every instruction set that this processor has.
#include "emulsion/kernels/kernels.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "emulsion/scatter.h"
#include "lib/sample.h"

using namespace emulsion;
using emulsion::testing::Sampler;

namespace {

// Puts the best instruction set back.
struct AllInstructionSets {
  ~AllInstructionSets() { kernels::use_instruction_set(""); }
};

template <typename Check>
void under_every_instruction_set(const Check& check) {
  const AllInstructionSets restored;
  for (const std::string& name : kernels::instruction_sets()) {
    REQUIRE(kernels::use_instruction_set(name));
    REQUIRE(kernels::instruction_set() == name);
    INFO("instruction set " << name);
    check();
  }
}

LaneMatrix some_points(Index d, std::uint64_t seed) {
  Sampler sampler(seed);
  LaneMatrix points(kTilePoints, d);
  for (double& x : points.reshaped()) x = sampler.normal();
  return points;
}

Eigen::ArrayXd rows_of(const LaneMatrix& points) {
  Eigen::ArrayXd rows = Eigen::ArrayXd::Zero(points.size() + kLanes);
  for (Index i = 0; i < kTilePoints; ++i)
    for (Index j = 0; j < points.cols(); ++j) rows[i * points.cols() + j] = points(i, j);
  return rows;
}

LaneMatrix some_shares(Index components, double fraction, std::uint64_t seed) {
  Sampler sampler(seed);
  LaneMatrix shares(kTilePoints, components);
  for (double& share : shares.reshaped()) share = sampler.uniform() < fraction ? sampler.uniform() : 0.0;
  return shares;
}

Eigen::ArrayXd blocks_of(const LaneMatrix& points, const Eigen::VectorXd& centre) {
  Eigen::ArrayXd blocks(points.size());
  kernels::shift_to_blocks(points.data(), points.cols(), centre.data(), {0, kTilePoints}, blocks.data());
  return blocks;
}

// The largest difference, in units of the larger number or of 1.
double largest_difference(const Eigen::ArrayXd& a, const Eigen::ArrayXd& b) {
  return ((a - b).abs() / a.abs().max(b.abs()).max(1.0)).maxCoeff();
}

}  // namespace

TEST_CASE("an instruction set that is none is refused, and the one in use stays") {
  const std::string before = kernels::instruction_set();
  CHECK(!kernels::use_instruction_set("abacus"));
  CHECK(kernels::instruction_set() == before);
  CHECK(before == kernels::instruction_sets().front());
}

TEST_CASE("rows become columns, and what is missing is seen wherever it is") {
  under_every_instruction_set([] {
    for (Index d = 1; d <= 9; ++d)
      for (Index count = 0; count <= 9; ++count) {
        const Eigen::ArrayXd rows = Eigen::ArrayXd::LinSpaced(std::max<Index>(count * d, 1), 1, 1 + static_cast<double>(count * d));
        const Index first = 3;  // columns may begin anywhere
        LaneMatrix columns = LaneMatrix::Zero(kTilePoints, d);
        CHECK_FALSE(kernels::rows_to_columns(rows.data(), d, count, columns.data() + first));
        LaneMatrix expected = LaneMatrix::Zero(kTilePoints, d);
        for (Index i = 0; i < count; ++i)
          for (Index j = 0; j < d; ++j) expected(first + i, j) = rows[i * d + j];
        CHECK((columns == expected).all());
        for (Index at = 0; at < count * d; ++at) {
          Eigen::ArrayXd incomplete = rows;
          incomplete[at] = std::nan("");
          CHECK(kernels::rows_to_columns(incomplete.data(), d, count, columns.data() + first));
        }
      }
  });
}

TEST_CASE("distances by a triangular factor are those of the plain formula") {
  under_every_instruction_set([] {
    for (const Index d : {1, 2, 3, 4, 5, 7, 8, 13, 16, 33, 64}) {
      INFO("d " << d);
      Sampler sampler(7);
      const LaneMatrix points = some_points(d, 3);
      Eigen::MatrixXd factor = Eigen::MatrixXd::Zero(d, d);
      Eigen::VectorXd offset(d), centre(d);
      for (Index i = 0; i < d; ++i) {
        for (Index j = 0; j <= i; ++j) factor(i, j) = sampler.normal();
        offset[i] = sampler.normal();
        centre[i] = sampler.normal();
      }
      std::vector<double> packed(static_cast<std::size_t>(kernels::affine_size(d)));
      kernels::pack_affine(pack_triangle(factor).data(), d, offset.data(), packed.data());
      Eigen::ArrayXd found = Eigen::ArrayXd::Constant(kTilePoints, -1), expected(kTilePoints);
      kernels::affine_distances(blocks_of(points, centre).data(), d, packed.data(), -0.5, 3, {8, 200}, found.data());
      for (Index i = 0; i < kTilePoints; ++i)
        expected[i] = i < 8 || i >= 200
                          ? -1.0
                          : 3 - 0.5 * (factor * (points.row(i).matrix().transpose() - centre) + offset).squaredNorm();
      CHECK(largest_difference(found, expected) < 1e-12);
    }
  });
}

TEST_CASE("the inverses of factors make of their matrices the identity") {
  under_every_instruction_set([] {
    for (const Index d : {1, 2, 3, 4, 5, 6, 7, 8, 11, 32}) {
      INFO("d " << d);
      Sampler sampler(19);
      std::vector<double> triangles(static_cast<std::size_t>(triangle(d) * kLanes)), pivots(static_cast<std::size_t>(d * kLanes));
      Eigen::Map<Eigen::Matrix<double, kLanes, Eigen::Dynamic>> matrices(triangles.data(), kLanes, triangle(d));
      for (Index lane = 0; lane < kLanes; ++lane) {
        Eigen::MatrixXd points(d, 2 * d);
        for (double& x : points.reshaped()) x = sampler.normal();
        matrices.row(lane) = pack_triangle(points * points.transpose());
      }
      const Eigen::MatrixXd before = matrices;
      kernels::invert_cholesky(triangles.data(), d, kLanes, pivots.data());
      for (Index lane = 0; lane < kLanes; ++lane) {
        Eigen::MatrixXd inverse = unpack_triangle(matrices.row(lane).transpose(), d);
        inverse.triangularView<Eigen::StrictlyUpper>().setZero();
        const Eigen::MatrixXd covariance = unpack_triangle(before.row(lane).transpose(), d);
        CHECK((inverse * covariance * inverse.transpose() - Eigen::MatrixXd::Identity(d, d)).cwiseAbs().maxCoeff() < 1e-11);
        for (Index i = 0; i < d; ++i) CHECK(pivots[static_cast<std::size_t>(i * kLanes + lane)] * inverse(i, i) == Approx(1).epsilon(1e-15));
      }
    }
  });
}

TEST_CASE("distances by a diagonal factor are those of the plain formula") {
  under_every_instruction_set([] {
    for (const Index d : {1, 2, 5, 8, 17}) {
      const LaneMatrix points = some_points(d, 4);
      const Eigen::VectorXd centre = Eigen::VectorXd::LinSpaced(d, -1, 2);
      Eigen::ArrayXd packed(4 * d), found(2 * kTilePoints), expected(kTilePoints);
      for (Index j = 0; j < 4 * d; ++j) packed[j] = 0.3 + 0.1 * static_cast<double>(j);
      const double constants[] = {-1, 3};
      kernels::diagonal_distances(blocks_of(points, centre).data(), d, packed.data(), 2, 2, constants, {0, kTilePoints}, found.data());
      for (Index k = 0; k < 2; ++k) {
        for (Index i = 0; i < kTilePoints; ++i) {
          expected[i] = constants[k];
          for (Index j = 0; j < d; ++j)
            expected[i] += 2 * std::pow(packed[2 * (k * d + j)] * (points(i, j) - centre[j]) + packed[2 * (k * d + j) + 1], 2);
        }
        CHECK(largest_difference(found.segment(k * kTilePoints, kTilePoints), expected) < 1e-13);
      }
    }
  });
}

// The sums of kernels::product_sums in the order of kernels::block_product_sums.
Eigen::ArrayXd in_order(const Eigen::ArrayXd& sums, Index d) {
  const Index products = d * (d + 1) / 2;
  Eigen::ArrayXd ordered(1 + d + products);
  ordered[0] = sums[products + d];
  ordered.segment(1, d) = sums.segment(products, d);
  for (Index i = 0, at = 1 + d; i < d; ++i)
    for (Index j = 0; j <= i; ++j) ordered[at++] = sums[kernels::product_position(i, j, d)];
  return ordered;
}

TEST_CASE("a row's distance has the same bits wherever the row lies") {
  under_every_instruction_set([] {
    const Index d = 11;
    LaneMatrix points = some_points(d, 5);
    for (Index i = 1; i < kTilePoints; ++i) points.row(i) = points.row(0);
    Eigen::MatrixXd factor = Eigen::MatrixXd::Identity(d, d);
    factor(5, 2) = 0.7;
    const Eigen::VectorXd offset = Eigen::VectorXd::Constant(d, 0.1);
    std::vector<double> packed(static_cast<std::size_t>(kernels::affine_size(d)));
    kernels::pack_affine(pack_triangle(factor).data(), d, offset.data(), packed.data());
    Eigen::ArrayXd found(kTilePoints);
    kernels::affine_distances(blocks_of(points, offset).data(), d, packed.data(), 1, 0, {0, kTilePoints}, found.data());
    CHECK((found == found[0]).all());
    kernels::affine_distances(blocks_of(points, offset).data(), d, packed.data(), 1, 0, {48, 56}, found.data());
    CHECK(found[50] == found[0]);
  });
}

TEST_CASE("posterior probabilities are those of the plain formula, and sum to one") {
  under_every_instruction_set([] {
    for (const Index components : {1, 2, 7, 64}) {
      LaneMatrix joint = 20 * some_points(components, 6);
      joint(3, 0) = std::nan("");
      joint(4, 0) = -std::numeric_limits<double>::infinity();
      joint.row(5).setConstant(-std::numeric_limits<double>::infinity());
      const LaneMatrix densities = joint;
      const Eigen::ArrayXd log_weights = Eigen::ArrayXd::LinSpaced(components, -3, -1);
      Eigen::ArrayXd log_density(kTilePoints);
      std::array<std::int32_t, kTilePoints> best;
      kernels::posteriors(joint.data(), components, log_weights.data(), -1e300, -40, {0, kTilePoints}, nullptr, log_density.data(), best.data());
      for (Index i = 0; i < kTilePoints; ++i) {
        Eigen::ArrayXd row(components);
        for (Index k = 0; k < components; ++k) row[k] = densities(i, k) > -1e300 ? densities(i, k) + log_weights[k] : -1e300;
        Index highest = 0;
        const double top = row.maxCoeff(&highest);
        const Eigen::ArrayXd shares = ((row - top) > -40).select((row - top).exp(), 0.0);
        CHECK(best[static_cast<std::size_t>(i)] == highest);
        CHECK(std::abs(log_density[i] - (top + std::log(shares.sum()))) <= 1e-14 * std::max(1.0, std::abs(top)));
        CHECK((joint.row(i).transpose() - shares / shares.sum()).abs().maxCoeff() < 1e-15);
        CHECK(std::abs(joint.row(i).sum() - 1) < 1e-14);
      }
    }
  });
}

TEST_CASE("the exponential keeps its digits over the whole range that matters") {
  under_every_instruction_set([] {
    LaneMatrix joint(kTilePoints, 2);
    joint.col(0).setZero();
    for (Index i = 0; i < kTilePoints; ++i) joint(i, 1) = -40.0 * static_cast<double>(i) / kTilePoints;
    const Eigen::ArrayXd below = joint.col(1);
    const double log_weights[] = {0, 0};
    Eigen::ArrayXd log_density(kTilePoints);
    std::array<std::int32_t, kTilePoints> best;
    kernels::posteriors(joint.data(), 2, log_weights, -1e300, -40, {0, kTilePoints}, nullptr, log_density.data(), best.data());
    for (Index i = 0; i < kTilePoints; ++i) {
      const long double share = std::exp(static_cast<long double>(below[i]));
      CHECK(std::abs(static_cast<double>(joint(i, 1) / (share / (1 + share)) - 1)) < 1e-15);
    }
  });
}

TEST_CASE("sums of products are those of the plain formula, for many shares and for few") {
  under_every_instruction_set([] {
    for (const Index d : {1, 2, 3, 4, 5, 8, 9, 11, 14, 16, 20})
      for (const double fraction : {1.0, 0.6, 0.1, 0.0}) {
        INFO("d " << d << ", fraction " << fraction);
        const Index components = 3, rows = 250;
        const LaneMatrix points = some_points(d, 8);
        LaneMatrix shares = some_shares(components, fraction, 9);
        shares.bottomRows(kTilePoints - rows).setZero();
        const Eigen::VectorXd centre = Eigen::VectorXd::LinSpaced(d, -1, 1);
        const Eigen::ArrayXd point_rows = rows_of(points);
        const Index width = kernels::product_sums_width(d);
        const Eigen::ArrayXd blocks = blocks_of(points, centre);
        Eigen::ArrayXd scratch(kernels::sums_scratch(d)), sums(components * width), first(d), second(d * (d + 1) / 2),
            in_blocks(components * (1 + d + second.size())), squares(components * (1 + 2 * d));
        if (d <= kernels::kBlockProductDimensions)
          kernels::block_product_sums(blocks.data(), d, rows, shares.data(), components, in_blocks.data());
        kernels::square_sums(points.data(), d, centre.data(), rows, shares.data(), components, squares.data());
        if (d <= kernels::kProductDimensions)
          kernels::product_sums(point_rows.data(), d, rows, centre.data(), shares.data(), components, scratch.data(), sums.data());
        for (Index k = 0; k < components; ++k) {
          Eigen::ArrayXd expected = Eigen::ArrayXd::Zero(1 + d + d * (d + 1) / 2);
          for (Index i = 0; i < kTilePoints; ++i) {
            const Eigen::VectorXd z = points.row(i).matrix().transpose() - centre;
            expected[0] += shares(i, k);
            expected.segment(1, d) += shares(i, k) * z.array();
            for (Index a = 0, at = 1 + d; a < d; ++a)
              for (Index b = 0; b <= a; ++b) expected[at++] += shares(i, k) * z[a] * z[b];
          }
          if (d <= kernels::kProductDimensions) CHECK(largest_difference(in_order(sums.segment(k * width, width), d), expected) < 1e-13);
          const double weight = kernels::scatter_sums(point_rows.data(), d, kTilePoints, shares.col(k).data(), centre.data(), scratch.data(), first.data(), second.data());
          CHECK(std::abs(weight - expected[0]) < 1e-12);
          CHECK(largest_difference(first, expected.segment(1, d)) < 1e-13);
          CHECK(largest_difference(second, expected.tail(second.size())) < 1e-13);
          if (d <= kernels::kBlockProductDimensions)
            CHECK(largest_difference(in_blocks.segment(k * expected.size(), expected.size()), expected) < 1e-13);
          Eigen::ArrayXd expected_squares = expected.head(1 + 2 * d);
          for (Index a = 0; a < d; ++a) expected_squares[1 + d + a] = expected[1 + d + a * (a + 1) / 2 + a];
          CHECK(largest_difference(squares.segment(k * (1 + 2 * d), 1 + 2 * d), expected_squares) < 1e-13);
        }
      }
  });
}

TEST_CASE("the moments of a column are those of the plain formula, of any number of rows") {
  under_every_instruction_set([] {
    for (const Index rows : {1, 2, 7, 8, 100, 256}) {
      LaneMatrix columns = some_points(2, 12);
      columns.bottomRows(kTilePoints - rows).setConstant(std::numeric_limits<double>::quiet_NaN());  // are not looked at
      const double* const x = columns.col(0).data();
      const Eigen::ArrayXd weights = columns.col(1).abs();
      double weighted[2] = {0, 0}, plain[2] = {0, 0};
      for (Index i = 0; i < rows; ++i)
        for (const int power : {1, 2}) {
          weighted[power - 1] += weights[i] * std::pow(x[i] - x[0], power);
          plain[power - 1] += std::pow(x[i] - x[0], power);
        }
      const auto check = [&](const kernels::Moments& found, const double* sums) {
        CHECK(found.first == Approx(sums[0]).epsilon(1e-12).margin(1e-12));
        CHECK(found.second == Approx(sums[1]).epsilon(1e-12).margin(1e-12));
        CHECK(found.lowest == *std::min_element(x, x + rows));
        CHECK(found.highest == *std::max_element(x, x + rows));
      };
      check(kernels::column_moments(x, rows, weights.data(), x[0]), weighted);
      check(kernels::column_moments(x, rows, nullptr, x[0]), plain);
    }
  });
}

TEST_CASE("a weighted sum is that of the plain formula, of any number of values") {
  under_every_instruction_set([] {
    const LaneMatrix columns = some_points(2, 13);
    for (const Index count : {0, 1, 3, 8, 31, 32, 77, 256}) {
      const auto values = columns.col(0).head(count), weights = columns.col(1).head(count);
      CHECK(kernels::weighted_sum(values.data(), count, weights.data()) == Approx((values * weights).sum()).epsilon(1e-13).margin(1e-13));
      CHECK(kernels::weighted_sum(values.data(), count, nullptr) == Approx(values.sum()).epsilon(1e-13).margin(1e-13));
    }
  });
}

TEST_CASE("columns become the rows that they were made from") {
  under_every_instruction_set([] {
    for (const Index d : {1, 3, 4, 7, 8, 17})
      for (const Index count : {1, 5, 8, 255, 256}) {
        const Eigen::ArrayXd rows = rows_of(some_points(d, 14));
        LaneMatrix columns = LaneMatrix::Zero(kTilePoints, d);
        CHECK_FALSE(kernels::rows_to_columns(rows.data(), d, count, columns.data()));
        Eigen::ArrayXd again = Eigen::ArrayXd::Constant(count * d + 1, 7);
        kernels::columns_to_rows(columns.data(), d, count, again.data());
        CHECK((again.head(count * d) == rows.head(count * d)).all());
        CHECK(again[count * d] == 7);
      }
  });
}

TEST_CASE("the same loops over the same numbers give the same bits") {
  const Index d = 9, components = 2;
  const LaneMatrix points = some_points(d, 10);
  const LaneMatrix shares = some_shares(components, 0.4, 11);
  const Eigen::ArrayXd point_rows = rows_of(points);
  const Eigen::VectorXd centre = Eigen::VectorXd::Zero(d);
  const Index width = kernels::product_sums_width(d);
  Eigen::ArrayXd scratch(kernels::sums_scratch(d)), once(components * width), again(components * width);
  kernels::product_sums(point_rows.data(), d, kTilePoints, centre.data(), shares.data(), components, scratch.data(), once.data());
  scratch.setConstant(7);
  kernels::product_sums(point_rows.data(), d, kTilePoints, centre.data(), shares.data(), components, scratch.data(), again.data());
  for (Index k = 0; k < components; ++k)
    CHECK((once.segment(k * width, 1 + d + 45) == again.segment(k * width, 1 + d + 45)).all());
}
