// Leaving out components that cannot matter.
#include "emulsion/screen.h"

#include <catch2/catch.hpp>
#include <limits>

#include "emulsion/families.h"
#include "emulsion/mixture.h"
#include "lib/sample.h"

using namespace emulsion;
using emulsion::testing::Sampler;

namespace {

// K components of many shapes, `apart` deviations or so from each other.
Eigen::MatrixXd parameters(const std::string& family, Index d, Index components, double apart, std::uint64_t seed) {
  Sampler sampler(seed);
  Eigen::MatrixXd packed(d + d * (d + 1) / 2, components);
  const Eigen::MatrixXd shared = sampler.covariance(d);
  for (Index k = 0; k < components; ++k) {
    packed.col(k).head(d) = (apart * sampler.normals(d)).array() + 1e5;
    const double width = std::pow(10, sampler.uniform() - 0.5);
    const Eigen::MatrixXd covariance = family == "gaussian(tied)" ? shared : Eigen::MatrixXd(width * sampler.covariance(d));
    for (Index i = 0, at = d; i < d; ++i)
      for (Index j = 0; j <= i; ++j) packed(at++, k) = covariance(i, j);
  }
  return packed;
}

struct Case {
  Mixture plain;
  Tile tile;
};

Case make_case(const std::string& family, Index d, Index components, double apart) {
  const Eigen::MatrixXd packed = parameters(family, d, components, apart, 3);
  const Eigen::VectorXd weights = Eigen::VectorXd::LinSpaced(components, 1, 1e-6);
  Case made{Mixture({*(*find_family(family))->unpack(packed, d)}, weights / weights.sum()), Tile(d)};
  Sampler sampler(4);
  for (Index i = 0; i < 240; ++i) {
    Eigen::VectorXd point = packed.col(i % components).head(d) + 1.5 * sampler.normals(d);
    if (i % 9 == 0) point = 0.5 * (packed.col(i % components).head(d) + packed.col((i + 1) % components).head(d));  // between two
    if (i % 50 == 7) point *= 1e4;
    if (i == 100) point.setConstant(1e150);
    if (i % 60 == 11) point[i % d] = std::nan("");
    made.tile.push(point.data(), 1, 1);
  }
  return made;
}

}  // namespace

TEST_CASE("a screened mixture says the same bits") {
  const std::string family = GENERATE("gaussian(full)", "gaussian(tied)");
  for (const Index d : {24, 40})
    for (const double apart : {3.0, 10.0, 1000.0}) {
      INFO(family << ", d " << d << ", apart " << apart);
      const Case c = make_case(family, d, 37, apart);
      if (apart >= 10) REQUIRE(c.plain.banks().front()->screen() != nullptr);
      const Mixture screened = c.plain.screened();
      Expectation expected(37), found(37);
      for (const LaneRange lanes : {covering_lanes(0, c.tile.size()), LaneRange{16, 48}}) {
        c.plain.expect(c.tile, lanes, expected);
        screened.expect(c.tile, lanes, found);
        const Index rows = lanes.end - lanes.begin;
        CHECK((found.responsibilities.middleRows(lanes.begin, rows) == expected.responsibilities.middleRows(lanes.begin, rows)).all());
        CHECK((found.log_density.segment(lanes.begin, rows) == expected.log_density.segment(lanes.begin, rows)).all());
        CHECK(std::equal(found.most_probable.begin() + lanes.begin, found.most_probable.begin() + lanes.end,
                         expected.most_probable.begin() + lanes.begin));
      }
      Statistics sums = c.plain.empty_statistics(), screened_sums = sums;
      c.plain.accumulate(c.tile, expected, Assignment::soft, sums);
      screened.accumulate(c.tile, found, Assignment::soft, screened_sums);
      CHECK(sums.banks.front().moments == screened_sums.banks.front().moments);
    }
}

TEST_CASE("a screened mixture of several banks says the same bits") {
  const Index d = 24;
  const Eigen::MatrixXd packed = parameters("gaussian(full)", d, 20, 8, 5);
  const auto normals = *(*find_family("gaussian(full)"))->unpack(packed, d);
  const auto others = (*find_family("student_t"))->place(packed.topRows(d).leftCols(2), Eigen::VectorXd::Ones(d));
  const Mixture plain({others, normals}, Eigen::VectorXd::Constant(22, 1.0 / 22));
  const Mixture screened = plain.screened();
  Sampler sampler(6);
  Tile tile(d);
  for (Index i = 0; i < kTilePoints; ++i)
    tile.push(Eigen::VectorXd(packed.col(i % 20).head(d) + 2 * sampler.normals(d)).data(), 1, 1);
  Expectation expected(22), found(22);
  plain.expect(tile, {0, kTilePoints}, expected);
  screened.expect(tile, {0, kTilePoints}, found);
  CHECK((found.responsibilities == expected.responsibilities).all());
  CHECK((found.log_density == expected.log_density).all());
}

TEST_CASE("what a screen left of one tile does not show in the next one, whichever mixture looks at it") {
  const Case first = make_case("gaussian(full)", 24, 37, 10), second = make_case("gaussian(full)", 24, 37, 1000);
  const Mixture screened = first.plain.screened(), other = second.plain.screened();
  // The rows of the first tile one place on, so that others matter to each.
  Tile moved(24);
  for (Index i = 1; i < first.tile.size(); ++i) moved.push(first.tile.rows() + i * 24, 1, 1);
  Expectation reused(37);
  const std::pair<const Mixture*, const Tile*> looks[] = {
      {&screened, &first.tile}, {&screened, &second.tile}, {&first.plain, &first.tile}, {&other, &second.tile},
      {&screened, &first.tile}, {&first.plain, &moved},    {&screened, &first.tile},
  };
  for (const auto& [mixture, tile] : looks) {
    Expectation fresh(37);
    mixture->expect(*tile, covering_lanes(0, tile->size()), fresh);
    mixture->expect(*tile, covering_lanes(0, tile->size()), reused);
    CHECK((reused.responsibilities.topRows(tile->size()) == fresh.responsibilities.topRows(tile->size())).all());
    CHECK((reused.log_density.head(tile->size()) == fresh.log_density.head(tile->size())).all());
  }
}

TEST_CASE("a screen says the same bits at every width and distance that it takes") {
  // Far from the middle of all, bounds in single precision are worth least.
  const Index d = 24, components = 37;
  for (const double scale : {1e-6, 1.0, 1e6})
    for (const double apart : {30.0, 1e3, 1e5, 1e7, 1e12}) {
      INFO("scale " << scale << ", apart " << apart);
      Eigen::MatrixXd packed = parameters("gaussian(full)", d, components, apart, 7);
      packed.topRows(d) = scale * (packed.topRows(d).array() - 1e5);
      packed.bottomRows(packed.rows() - d) *= scale * scale;
      const Mixture plain({*(*find_family("gaussian(full)"))->unpack(packed, d)}, Eigen::VectorXd::Constant(components, 1.0 / components));
      Sampler sampler(8);
      Tile tile(d);
      for (Index i = 0; i < kTilePoints; ++i)
        tile.push(Eigen::VectorXd(packed.col(i % components).head(d) + (scale * (1 + i % 5)) * sampler.normals(d)).data(), 1, 1);
      Expectation expected(components), found(components);
      plain.expect(tile, {0, kTilePoints}, expected);
      plain.screened().expect(tile, {0, kTilePoints}, found);
      CHECK((found.responsibilities == expected.responsibilities).all());
      CHECK((found.log_density == expected.log_density).all());
    }
}

TEST_CASE("a screen says the same bits of points however far away") {
  const Index d = 24, components = 37;
  Eigen::MatrixXd packed = parameters("gaussian(full)", d, components, 10, 9);
  packed.col(0).tail(packed.rows() - d) *= 100;  // the first one is the best one far away, and stays so where all bounds are alike
  const auto bank = *(*find_family("gaussian(full)"))->unpack(packed, d);
  const Mixture plain({bank}, Eigen::VectorXd::Constant(components, 1.0 / components));
  REQUIRE(bank->screen() != nullptr);
  Sampler sampler(10);
  // From where single precision has no digits of them left to beyond where their squares have no number in it.
  for (const double nearest : {5.0, 18.0}) {
    const double farthest = nearest == 5 ? 30 : 22;
    Tile tile(d);
    for (Index i = 0; i < kTilePoints; ++i) {
      const double exponent = nearest + (farthest - nearest) * static_cast<double>(i) / kTilePoints;
      tile.push(Eigen::VectorXd(std::pow(10, exponent) * sampler.normals(d)).data(), 1, 1);
    }
    Expectation expected(components), found(components);
    plain.expect(tile, {0, kTilePoints}, expected);
    plain.screened().expect(tile, {0, kTilePoints}, found);
    CHECK((found.responsibilities == expected.responsibilities).all());
    CHECK((found.log_density == expected.log_density).all());
  }
}

TEST_CASE("components that lie on each other have no screen, and few are evaluated at once") {
  const auto close = *(*find_family("gaussian(full)"))->unpack(parameters("gaussian(full)", 24, 37, 0.1, 3), 24);
  CHECK(close->screen() == nullptr);
  const auto few = *(*find_family("gaussian(full)"))->unpack(parameters("gaussian(full)", 24, 3, 100, 3), 24);
  CHECK(few->screen() == nullptr);
}

TEST_CASE("only components near a point are evaluated") {
  const Index d = 24, components = 37;
  const Eigen::MatrixXd packed = parameters("gaussian(tied)", d, components, 100, 3);
  const auto bank = *(*find_family("gaussian(tied)"))->unpack(packed, d);
  const auto screen = bank->screen();
  REQUIRE(screen != nullptr);
  Tile tile(d);
  for (Index i = 0; i < 64; ++i) tile.push(packed.col(i % components).data(), 1, 1);
  LaneMatrix out(kTilePoints, components);
  kernels::ListedComponents listed{std::vector<std::int32_t>(kTilePoints / kLanes * components), {}};
  const Eigen::VectorXd log_weights = Eigen::VectorXd::Zero(components);
  std::size_t evaluated = 0;
  screen->log_densities(tile, {0, 64}, log_weights.data(), -36, out, 0, listed, [&](Index k, RowNumbers rows, double* densities) {
    evaluated += rows.size();
    bank->log_densities_of(tile, k, rows, densities);
  });
  CHECK(evaluated == 64);
  CHECK(listed.counts[0] == 8);

  // A component that is gone matters to nothing.
  Eigen::VectorXd with_one_gone = log_weights;
  with_one_gone[0] = -std::numeric_limits<double>::infinity();
  Tile elsewhere(d);
  for (Index i = 0; i < 64; ++i) elsewhere.push(packed.col(1 + i % (components - 1)).data(), 1, 1);
  evaluated = 0;
  screen->log_densities(elsewhere, {0, 64}, with_one_gone.data(), -36, out, 0, listed, [&](Index k, RowNumbers rows, double* densities) {
    evaluated += rows.size();
    bank->log_densities_of(elsewhere, k, rows, densities);
  });
  CHECK(evaluated == 64);
}
