#include "clients/density_curve.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>

#include "clients/component_shape.h"
#include "clients/plot_input.h"

namespace emulsion::client {
namespace {

PlottedModel model(const std::string& json) {
  auto read = model_of_text(json, "test");
  REQUIRE(read);
  return *read;
}

std::vector<ComponentShape> shapes(const PlottedModel& model) { return shapes_of(model.snapshot, *model.mixture); }

double normal(double x, double mean, double deviation) {
  return std::exp(-0.5 * std::pow((x - mean) / deviation, 2)) / (deviation * std::sqrt(2 * std::numbers::pi));
}

// By the trapezoidal rule.
double integral(const Curve& curve) {
  double sum = 0;
  for (std::size_t i = 1; i < curve.x.size(); ++i) sum += (curve.x[i] - curve.x[i - 1]) * (curve.y[i] + curve.y[i - 1]) / 2;
  return sum;
}

}  // namespace

TEST_CASE("an ellipse has the half axes and the turn that its covariance was made of") {
  // 30 degrees, half axes 3 and 1: R diag(9, 1) R'.
  const double c = std::cos(std::numbers::pi / 6);
  const double s = std::sin(std::numbers::pi / 6);
  ComponentShape shape;
  shape.centre = Eigen::Vector2d(5, -7);
  shape.covariance = (Eigen::Matrix2d() << 9 * c * c + s * s, 8 * c * s, 8 * c * s, 9 * s * s + c * c).finished();
  const Ellipse ellipse = ellipse_of(shape, 0, 1);
  CHECK(ellipse.centre_x == 5);
  CHECK(ellipse.centre_y == -7);
  CHECK(ellipse.half_major == Approx(3));
  CHECK(ellipse.half_minor == Approx(1));
  CHECK(ellipse.degrees == Approx(30));
  // Seen the other way round, it is turned by 60 degrees.
  CHECK(ellipse_of(shape, 1, 0).degrees == Approx(60));
}

TEST_CASE("a covariance of two by hand: eigenvalues are half the trace plus and minus the root of the rest") {
  const auto shape =
      shapes(model(R"({"components": [{"weight": 1, "mean": [1, 2], "covariance": [[4, 3], [3, 9]]}]})")).front();
  const Ellipse ellipse = ellipse_of(shape, 0, 1);
  const double root = std::sqrt(2.5 * 2.5 + 3 * 3);
  CHECK(ellipse.half_major == Approx(std::sqrt(6.5 + root)));
  CHECK(ellipse.half_minor == Approx(std::sqrt(6.5 - root)));
  CHECK(ellipse.degrees == Approx(0.5 * std::atan2(6, -5) * 180 / std::numbers::pi));
}

TEST_CASE("diagonal and spherical Gaussians have ellipses along the axes") {
  const auto both = shapes(model(R"json({"components": [
      {"weight": 0.5, "family": "gaussian(diagonal)", "mean": [0, 0], "covariance": [[4, 0], [0, 25]]},
      {"weight": 0.5, "family": "gaussian(spherical)", "mean": [3, 3], "covariance": [[9, 0], [0, 9]]}]})json"));
  const Ellipse upright = ellipse_of(both[0], 0, 1);
  CHECK(upright.half_major == 5);
  CHECK(upright.half_minor == 2);
  CHECK(upright.degrees == 90);
  const Ellipse circle = ellipse_of(both[1], 0, 1);
  CHECK(circle.half_major == 3);
  CHECK(circle.half_minor == 3);
}

TEST_CASE("axes are ordered by how far the components lie apart along them, in units of their spread") {
  // Means 10 apart with deviation 10; 4 apart with deviation 1; not apart at all.
  const auto two = shapes(model(R"({"components": [
      {"weight": 0.5, "mean": [0, 0, 5], "covariance": [[100, 0, 0], [0, 1, 0], [0, 0, 1]]},
      {"weight": 0.5, "mean": [10, 4, 5], "covariance": [[100, 0, 0], [0, 1, 0], [0, 0, 1]]}]})"));
  CHECK(axes_by_separation(two, Eigen::Vector2d(0.5, 0.5)) == std::vector<Index>{1, 0, 2});
}

TEST_CASE("the curves of a mixture are its weighted densities, and enclose its weights") {
  // The second component is narrower than a thousandth of the range.
  const auto mixture = model(R"({"components": [{"weight": 0.3, "mean": [0], "covariance": [[1]]},
                                                {"weight": 0.7, "mean": [5], "covariance": [[1e-6]]}]})");
  const MixtureCurves curves = curves_along(*mixture.mixture, shapes(mixture), 0, {-8, 13});
  REQUIRE(curves.components.size() == 2);
  CHECK(integral(curves.components[0]) == Approx(0.3).epsilon(1e-3));
  CHECK(integral(curves.components[1]) == Approx(0.7).epsilon(1e-2));
  REQUIRE(curves.total);
  CHECK(integral(*curves.total) == Approx(1).epsilon(1e-2));
  for (std::size_t i = 0; i < curves.components[0].x.size(); ++i) {
    const double x = curves.components[0].x[i];
    CHECK(curves.components[0].y[i] == Approx(0.3 * normal(x, 0, 1)).margin(1e-12));
    CHECK(curves.total->y[i] == Approx(0.3 * normal(x, 0, 1) + 0.7 * normal(x, 5, 1e-3)).margin(1e-12));
  }
}

TEST_CASE("along one of several coordinates the curve is the marginal density") {
  const auto mixture = model(R"({"components": [{"weight": 1, "mean": [1, 20], "covariance": [[4, 3], [3, 9]]}]})");
  const Curve curve = curves_along(*mixture.mixture, shapes(mixture), 1, {0, 40}).components.front();
  for (std::size_t i = 0; i < curve.x.size(); ++i) CHECK(curve.y[i] == Approx(normal(curve.x[i], 20, 3)).margin(1e-12));
}

TEST_CASE("a curve has both sides of a jump, however narrow the step between its points") {
  const auto mixture =
      model(R"json({"components": [{"weight": 1, "family": "exponential", "parameters": {"rate": [2]}}]})json");
  const Curve curve = curves_along(*mixture.mixture, shapes(mixture), 0, {-1, 5}).components.front();
  // Where it rises from 0 it rises at once, to 2 exp(-2 x) at x = 0.
  std::size_t first = 0;
  while (curve.y[first] == 0) ++first;
  CHECK(curve.x[first] == Approx(0).margin(1e-9));
  CHECK(curve.x[first - 1] == Approx(0).margin(1e-9));
  CHECK(curve.y[first] == Approx(2));
  CHECK(integral(curve) == Approx(1 - std::exp(-10)).epsilon(1e-3));
}

TEST_CASE("counts have probabilities at whole numbers, and a mixture of counts and measurements has no sum") {
  const auto counts = model(R"json({"components": [{"weight": 0.5, "family": "poisson", "parameters": {"rate": [3]}},
                                                   {"weight": 0.5, "family": "geometric", "parameters": {"p": [0.5]}}]})json");
  const MixtureCurves curves = curves_along(*counts.mixture, shapes(counts), 0, {-0.6, 8.6});
  const Curve& poisson = curves.components[0];
  CHECK(poisson.discrete);
  CHECK(poisson.x == std::vector<double>{0, 1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(poisson.y[2] == Approx(0.5 * std::exp(-3) * 9 / 2));
  REQUIRE(curves.total);
  CHECK(curves.total->y[2] == Approx(0.5 * std::exp(-3) * 9 / 2 + 0.5 * 0.25));

  const auto both = model(R"json({"components": [{"weight": 0.5, "family": "poisson", "parameters": {"rate": [3]}},
                                                 {"weight": 0.5, "family": "exponential", "parameters": {"rate": [1]}}]})json");
  const MixtureCurves mixed = curves_along(*both.mixture, shapes(both), 0, {-0.6, 8.6});
  CHECK(mixed.components[0].discrete);
  CHECK_FALSE(mixed.components[1].discrete);
  CHECK_FALSE(mixed.total);
}

TEST_CASE("a Student-t component has the ellipse of its scale matrix, and noise has no place") {
  const auto both = shapes(model(R"json({"components": [
      {"weight": 0.9, "family": "student_t",
       "parameters": {"location": [1, 2], "scale": [[4, 0], [0, 9]], "degrees_of_freedom": 3}},
      {"weight": 0.1, "family": "uniform", "parameters": {"lowest": [-10, -10], "highest": [10, 10]}}]})json"));
  const Ellipse ellipse = ellipse_of(both[0], 0, 1);
  CHECK(ellipse.centre_x == 1);
  CHECK(ellipse.half_major == Approx(3));
  CHECK(ellipse.half_minor == Approx(2));
  CHECK_FALSE(both[0].noise);
  CHECK(both[1].noise);
}

TEST_CASE("in a product a Gaussian factor keeps its covariance, and other coordinates have their variances") {
  const auto shape = shapes(model(R"json({"components": [{"weight": 1, "family": "gaussian(full)[0,2]*poisson[1]",
      "parameters": {"gaussian(full)[0,2]": {"mean": [1, 2], "covariance": [[4, 3], [3, 9]]}, "poisson[1]": {"rate": [7]}}}]})json"));
  const Eigen::Matrix3d expected = (Eigen::Matrix3d() << 4, 0, 3, 0, 7, 0, 3, 0, 9).finished();
  CHECK(shape.front().covariance.isApprox(expected));
  CHECK(shape.front().centre.isApprox(Eigen::Vector3d(1, 7, 2)));
  CHECK(shape.front().discrete == std::vector<bool>{false, true, false});
  CHECK(shape.front().symmetric == std::vector<bool>{true, false, true});
}

TEST_CASE("directions on the sphere have their mean direction, and its covariance") {
  // In three dimensions the mean cosine is coth(k) - 1/k; across the direction the variance is that over k, along it
  // 1 - 2 A/k - A^2. No coordinate alone has a density.
  const auto sphere = model(R"json({"components": [{"weight": 1, "family": "von_mises_fisher",
      "parameters": {"direction": [0.6, 0, 0.8], "concentration": 5}}]})json");
  const auto shape = shapes(sphere).front();
  const double cosine = 1 / std::tanh(5) - 0.2;
  const Eigen::Vector3d direction(0.6, 0, 0.8);
  REQUIRE(shape.direction);
  CHECK(shape.direction->isApprox(direction, 1e-12));
  CHECK((direction.transpose() * shape.covariance * direction).value() == Approx(1 - 2 * cosine / 5 - cosine * cosine));
  CHECK(shape.covariance(1, 1) == Approx(cosine / 5));
  CHECK((direction.transpose() * shape.covariance)(1) == Approx(0).margin(1e-12));
  const MixtureCurves curves = curves_along(*sphere.mixture, shapes(sphere), 0, {-1, 1});
  CHECK(curves.components.front().x.empty());
  CHECK_FALSE(curves.total);
}

TEST_CASE("bins are as wide as Freedman and Diaconis say") {
  // Quartiles 1.75 and 5.25, so the width is 2 x 3.5 / 2, and two bins cover 0 to 7.
  const std::vector<double> values{7, 0, 1, 2, 3, 4, 5, 6};
  const Bins bins = bins_for(values, false);
  CHECK(bins.edges == std::vector<double>{0, 3.5, 7});
  CHECK(heights(bins, values, 8) == std::vector<double>{4 / (8 * 3.5), 4 / (8 * 3.5)});
  // Not wider than the caller wants them.
  CHECK(bins_for(values, false, 1).size() == 7);
}

TEST_CASE("bars have area 1 for all values and less for some of them") {
  const std::vector<double> values{1, 2, 2.5, 3, 3, 9, NAN};
  const Bins bins = bins_for(values, false);
  const auto area = [&](const std::vector<double>& of) {
    double sum = 0;
    const std::vector<double> bars = heights(bins, of, 6);
    for (std::size_t i = 0; i < bars.size(); ++i) sum += bars[i] * (bins.edges[i + 1] - bins.edges[i]);
    return sum;
  };
  CHECK(area(values) == Approx(1));
  CHECK(area({1, 9}) == Approx(2.0 / 6));
}

TEST_CASE("values that are all equal, or nearly all, still have bins") {
  CHECK(bins_for({3, 3, 3}, false).edges == std::vector<double>{2.85, 3.15});
  CHECK(bins_for({0, 0}, false).edges == std::vector<double>{-0.5, 0.5});
  const Bins bins = bins_for({0, 0, 0, 0, 0, 0, 0, 10}, false);
  CHECK(bins.size() == 2);  // Scott: 3.49 x 3.307 / 2
  CHECK(bins_for({0, 1e9, 1, 2, 3, 4, 1.5}, false).size() == 200);
}

TEST_CASE("whole numbers have a bar each, or a bar for several if they are many") {
  const std::vector<double> values{2, 2, 5};
  const Bins bins = bins_for(values, true);
  CHECK(bins.values == std::vector<double>{2, 3, 4, 5});
  CHECK(heights(bins, values, 3) == std::vector<double>{2.0 / 3, 0, 0, 1.0 / 3});
  const Bins wide = bins_for({0, 2999}, true);
  CHECK(wide.step == 3);
  CHECK(wide.values.size() == 1000);
  CHECK(wide.values.front() == 1);  // 0, 1 and 2
  CHECK(heights(wide, {0, 1, 2, 3}, 4)[0] == 0.75);
}

TEST_CASE("numbers beyond 2^53, to which adding 1 changes nothing, have a bar and an end") {
  const double large = 0x1p60;
  const Bins bins = bins_for({large, large}, true);
  CHECK(bins.values == std::vector<double>{large});
}

}  // namespace emulsion::client
