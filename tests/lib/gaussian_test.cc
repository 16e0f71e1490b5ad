// What the families of Gaussians compute, beside the textbook in long double.
#include <catch2/catch.hpp>

#include "lib/gaussian_example.h"

namespace emulsion {
namespace {

using namespace testing;

TEST_CASE("merging equals having seen both batches, and both are the sums by the textbook", "[gaussian]") {
  const auto c = any_gaussian();
  const auto [offset, tolerance] = GENERATE(table<double, double>({{0, 1e-13}, {1e8, 1e-7}}));
  const GaussianExample e(c, offset);
  const BankStatistics both = merged(e.statistics(0, 80), e.statistics(80, 120));
  CHECK(difference(both, e.statistics(0, 200)) < tolerance);
  // And both equal the sums by the textbook.
  std::vector<Moments> all;
  for (Index k = 0; k < kComponents; ++k)
    all.push_back(moments(e.components[static_cast<std::size_t>(k)], e.points, e.shares.col(k).cast<Wide>()));
  const auto found = maximise(both, *e.bank, no_prior(kDimension));
  check_equal(components_of(c, *found.bank), m_step(c.shape, all, 0, WideVector::Ones(kDimension)), tolerance);
}

TEST_CASE("a log density is that of the formula", "[gaussian]") {
  const auto c = any_gaussian();
  const double offset = GENERATE(0.0, 1e8, -1e8);
  const GaussianExample e(c, offset);
  // What the bank holds is what the doubles of its packing say.
  const auto components = components_of(c, *e.bank);
  const auto found = log_densities(*e.bank, tile_of(e.points));
  double worst = 0;
  for (Index i = 0; i < e.points.cols(); ++i)
    for (Index k = 0; k < kComponents; ++k) {
      const Wide expected = log_density(components[static_cast<std::size_t>(k)], e.points.col(i));
      worst = std::max(worst, static_cast<double>(std::abs((found(i, k) - expected) / expected)));
    }
  CHECK(worst < 1e-13);
}

TEST_CASE("a standard normal has log density -0.9189 at its mean and half a nat less one deviation off", "[gaussian]") {
  const auto c = any_gaussian();
  const auto bank = family_of(c).place(Eigen::MatrixXd::Zero(1, 1), Eigen::VectorXd::Ones(1));
  const auto found = log_densities(*bank, tile_of((Eigen::MatrixXd(1, 2) << 0, -1).finished()));
  CHECK(found(0, 0) == Approx(-0.9189385332046727).epsilon(1e-15));
  CHECK(found(1, 0) == Approx(-1.4189385332046727).epsilon(1e-15));
}

TEST_CASE("the density of an incomplete point is the marginal of the coordinates that it has", "[gaussian]") {
  const auto c = any_gaussian();
  const GaussianExample e(c);
  for (int lost = 1; lost < 7; ++lost) {  // each way to lose some coordinates, but not all
    Eigen::VectorXd point = e.points.col(lost);
    for (Index j = 0; j < kDimension; ++j)
      if (lost >> j & 1) point[j] = std::nan("");
    const auto found = log_densities(*e.bank, tile_of(point));
    for (Index k = 0; k < kComponents; ++k)
      CHECK(found(0, k) ==
            Approx(static_cast<double>(log_density(e.components[static_cast<std::size_t>(k)], point))).epsilon(1e-13));
  }
}

TEST_CASE("the marginal of one coordinate, by hand", "[gaussian]") {
  const auto c = any_gaussian();
  // Mean (1, 2), variances 4 and 4: N(x = 3; 1, 4) = -log(2 sqrt(2 pi)) - 1/2.
  const auto bank = family_of(c).place(Eigen::Vector2d(1, 2), Eigen::Vector2d(4, 4));
  const auto found = log_densities(*bank, tile_of(Eigen::Vector2d(3, std::nan(""))));
  CHECK(found(0, 0) == Approx(-0.6931471805599453 - 0.9189385332046727 - 0.5).epsilon(1e-15));
}

TEST_CASE("an M-step with missing values is that of Ghahramani and Jordan", "[gaussian]") {
  const auto c = any_gaussian();
  const auto [offset, tolerance] = GENERATE(table<double, double>({{0, 1e-12}, {1e8, 1e-7}}));
  GaussianExample e(c, offset);
  PointBatch batch{e.points, {}, {}};
  lose_coordinates(batch, 0.3, 11);
  e.points = batch.points;
  std::vector<Moments> all;
  for (Index k = 0; k < kComponents; ++k)
    all.push_back(moments(e.components[static_cast<std::size_t>(k)], e.points, e.shares.col(k).cast<Wide>()));
  const auto found = maximise(e.statistics(0, 200), *e.bank, no_prior(kDimension));
  check_equal(components_of(c, *found.bank), m_step(c.shape, all, 0, WideVector::Ones(kDimension)), tolerance);
}

TEST_CASE("the prior counts as its points, at its fraction of the stream's variances", "[gaussian]") {
  const auto c = any_gaussian();
  const GaussianExample e(c);
  const Prior prior{{5, 0.25, 0}, Eigen::Vector3d(1, 40, 300)};
  std::vector<Moments> all;
  for (Index k = 0; k < kComponents; ++k)
    all.push_back(moments(e.components[static_cast<std::size_t>(k)], e.points, e.shares.col(k).cast<Wide>()));
  const auto found = maximise(e.statistics(0, 200), *e.bank, prior);
  check_equal(components_of(c, *found.bank), m_step(c.shape, all, 5, WideVector(0.25L * prior.variances.cast<Wide>())),
              1e-12);
  CHECK(found.repairs == std::vector<Repair>(kComponents, Repair::none));
}

TEST_CASE("parameters are packed in the layout that the header promises", "[gaussian]") {
  const auto c = any_gaussian();
  const auto components = example_components(c.shape, kDimension, kComponents);
  CHECK(same_bits(bank_of(c, components)->pack(), pack(c.shape, components)));
}

TEST_CASE("a bank tells the mean and the variance of each component along each coordinate", "[gaussian]") {
  const auto c = any_gaussian();
  const auto components = example_components(c.shape, kDimension, kComponents);
  const auto bank = bank_of(c, components);
  for (std::size_t k = 0; k < components.size(); ++k) {
    const auto column = static_cast<Index>(k);
    CHECK(same_bits(bank->means().col(column), components[k].mean.cast<double>().eval()));
    CHECK(same_bits(bank->variances().col(column), components[k].covariance.diagonal().cast<double>().eval()));
  }
}

TEST_CASE("components are placed where and as wide as they are told", "[gaussian]") {
  const auto c = any_gaussian();
  const Eigen::MatrixXd centres = (Eigen::MatrixXd(2, 3) << 1, 2, 3, -4, -5, -6).finished();
  const auto placed = components_of(c, *family_of(c).place(centres, Eigen::Vector2d(2, 4)));
  for (Index k = 0; k < 3; ++k) {
    const Gaussian& g = placed[static_cast<std::size_t>(k)];
    CHECK(same_bits(Eigen::VectorXd(g.mean.cast<double>()), centres.col(k)));
    // One variance for all coordinates is the mean of them.
    const Eigen::Vector2d wide = c.shape == Shape::spherical ? Eigen::Vector2d(3, 3) : Eigen::Vector2d(2, 4);
    CHECK(same_bits(Eigen::MatrixXd(g.covariance.cast<double>()), Eigen::MatrixXd(wide.asDiagonal())));
  }
}

TEST_CASE("the expected statistics of Gaussians give them back, however far from the origin", "[gaussian]") {
  const auto c = any_gaussian();
  const double offset = GENERATE(0.0, 1e8);
  const GaussianExample e(c, offset);
  const auto expected = family_of(c).expected(*e.bank, Eigen::Vector3d(10, 0.5, 1e6));
  CHECK(expected.weight == Eigen::Vector3d(10, 0.5, 1e6));
  const auto back = maximise(expected, *e.bank, no_prior(kDimension));
  check_equal(components_of(c, *back.bank), components_of(c, *e.bank), 1e-14);
}

std::string refusal(const GaussianCase& c, const Eigen::MatrixXd& parameters, Index d) {
  const auto bank = family_of(c).unpack(parameters, d);
  return bank ? "accepted" : bank.error().message;
}

TEST_CASE("Gaussian parameters of the wrong size are refused with the size that was expected", "[gaussian]") {
  const auto c = any_gaussian();
  const auto good = pack(c.shape, example_components(c.shape, 2, 2));
  CHECK(refusal(c, good, 2) == "accepted");
  const std::string rows = std::to_string(good.rows());
  CHECK(refusal(c, good.topRows(good.rows() - 1), 2) ==
        c.name + ": " + std::to_string(good.rows() - 1) + " parameters, expected " + rows + " in 2 dimensions");
  CHECK(refusal(c, Eigen::MatrixXd::Ones(0, 2), 2) == c.name + ": 0 parameters, expected " + rows + " in 2 dimensions");
}

TEST_CASE("Gaussian parameters that are no distribution are refused by the number of their component", "[gaussian]") {
  const auto c = any_gaussian();
  const auto good = pack(c.shape, example_components(c.shape, 2, 3));
  const auto with = [&](Index row, double value) {
    Eigen::MatrixXd bad = good;
    bad(row, 1) = value;
    return refusal(c, bad, 2);
  };
  for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    CHECK(with(0, bad).starts_with("component 2: "));
    CHECK(with(good.rows() - 1, bad).starts_with("component 2: "));
  }
  CHECK(with(good.rows() - 1, 0).starts_with("component 2: "));
  CHECK(with(good.rows() - 1, -1).starts_with("component 2: "));
  if (c.shape == Shape::full) CHECK(with(3, 1e3).starts_with("component 2: covariance is not positive definite"));
  if (c.shape == Shape::tied) {
    Eigen::MatrixXd bad = good;
    bad.row(3).setConstant(1e3);
    CHECK(refusal(c, bad, 2) == "component 1: covariance is not positive definite");
    CHECK(with(2, good(2, 1) * 1.5) ==
          "component 2: covariance differs from that of component 1, expected one for all");
  }
}

}  // namespace
}  // namespace emulsion
