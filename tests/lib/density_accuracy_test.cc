// How many digits a log density keeps, whatever the widths of the components and wherever the data lie.
#include <Eigen/QR>
#include <catch2/catch.hpp>

#include "emulsion/families.h"
#include "emulsion/kernels/kernels.h"
#include "lib/bank_at_work.h"
#include "lib/reference.h"
#include "lib/sample.h"

using namespace emulsion;
using namespace emulsion::testing;

namespace {

// A covariance with axes of any direction, from `width` down to a thousandth of it.
WideMatrix covariance(Sampler& sampler, Index d, double width, Shape shape) {
  if (shape == Shape::spherical) return WideMatrix::Identity(d, d) * (width * width);
  Eigen::VectorXd axes(d);
  for (Index i = 0; i < d; ++i) axes[i] = width * std::pow(10, -3 * sampler.uniform());
  if (shape == Shape::diagonal) return axes.cwiseAbs2().asDiagonal().toDenseMatrix().cast<Wide>();
  const Eigen::MatrixXd turned = Eigen::HouseholderQR<Eigen::MatrixXd>(sampler.normals(d, d)).householderQ();
  return (turned * axes.cwiseAbs2().asDiagonal() * turned.transpose()).cast<Wide>();
}

// The worst relative error of a log density, or absolute where the density is near 1, over points near each of two components
// and between them.
double worst_error(const char* family, Shape shape, const std::vector<Gaussian>& components, Sampler& sampler) {
  const Index d = components[0].mean.size();
  const Eigen::MatrixXd packed = pack(shape, components);
  const auto bank = *(*find_family(family))->unpack(packed, d);
  Eigen::MatrixXd points(d, 6);
  for (Index i = 0; i < points.cols(); ++i) {
    const Gaussian at = unpack(shape, packed.col(i % 2), d);
    const Eigen::VectorXd widths = at.covariance.diagonal().cwiseSqrt().cast<double>();
    points.col(i) = at.mean.cast<double>() + (i < 4 ? 1.0 : 1e3) * widths.cwiseProduct(sampler.normals(d));
  }
  const Eigen::MatrixXd found = log_densities(*bank, tile_of(points));
  double worst = 0;
  for (Index k = 0; k < 2; ++k) {
    const Gaussian component = unpack(shape, packed.col(k), d);
    for (Index i = 0; i < points.cols(); ++i) {
      const Wide expected = log_density(component, points.col(i));
      worst = std::max(worst, static_cast<double>(std::abs(found(i, k) - expected) / std::max<Wide>(1, std::abs(expected))));
    }
  }
  return worst;
}

// Of one component that is as wide as the distance between two places, and one by `width` narrower.
double worst_error(const char* family, Shape shape, Index d, double width, double offset) {
  Sampler sampler(static_cast<std::uint64_t>(d) * 31);
  std::vector<Gaussian> components(2);
  for (Gaussian& component : components) component.mean = (sampler.normals(d).array() + offset).matrix().cast<Wide>();
  components[0].covariance = covariance(sampler, d, 1, shape);
  components[1].covariance = shape == Shape::tied ? components[0].covariance : covariance(sampler, d, width, shape);
  if (shape == Shape::tied)
    for (Gaussian& component : components) component.covariance = covariance(*std::make_unique<Sampler>(5), d, width, shape);
  return worst_error(family, shape, components, sampler);
}

}  // namespace

TEST_CASE("log densities keep nine digits at every width, offset and dimension") {
  struct Kind {
    const char* family;
    Shape shape;
  };
  const auto kind = GENERATE(Kind{"gaussian(full)", Shape::full}, Kind{"gaussian(tied)", Shape::tied},
                             Kind{"gaussian(diagonal)", Shape::diagonal}, Kind{"gaussian(spherical)", Shape::spherical});
  for (const std::string& name : kernels::instruction_sets()) {
    REQUIRE(kernels::use_instruction_set(name));
    for (const Index d : {1, 2, 3, 8, 16, 128}) {
      // The reference inverts a matrix for each point; in many dimensions the ends of the range must do.
      const std::vector<double> widths = d > 16 ? std::vector<double>{1, 1e-5, 1e-8} : std::vector<double>{1, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8};
      for (const double width : widths)
        for (const double offset : {0.0, 1e3, 1e6, 1e9}) {
          if (d > 16 && offset != 0 && offset != 1e9) continue;
          INFO(kind.family << ", " << name << ", d " << d << ", width " << width << ", offset " << offset);
          CHECK(worst_error(kind.family, kind.shape, d, width, offset) < 1e-9);
        }
    }
  }
  kernels::use_instruction_set("");
}

TEST_CASE("log densities keep nine digits of a component that is narrow in any one coordinate alone") {
  constexpr Index kDimension = 5;
  for (Index narrow = 0; narrow < kDimension; ++narrow) {
    Sampler sampler(7);
    std::vector<Gaussian> components(2);
    for (Gaussian& component : components) {
      component.mean = sampler.normals(kDimension).cast<Wide>();
      component.covariance = WideMatrix::Identity(kDimension, kDimension);
    }
    components[1].covariance(narrow, narrow) = 1e-16;
    INFO("coordinate " << narrow);
    CHECK(worst_error("gaussian(full)", Shape::full, components, sampler) < 1e-9);
  }
}
