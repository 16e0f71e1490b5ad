#include "numbers/ugly_points.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace emulsion::testing {
namespace {

using Points = Eigen::MatrixXd;

Points all_into_support(const FamilyCase& family, Points points) {
  for (Index i = 0; i < points.cols(); ++i) points.col(i) = into_support(family, points.col(i));
  return points;
}

// Good points with a change to all of them.
UglyPoints changed(std::string name, std::function<void(Points&, Sampler&)> change) {
  return {std::move(name), [change](const FamilyCase& family, Sampler& sampler) {
            Points points = good_points(family, 120, sampler);
            change(points, sampler);
            return all_into_support(family, std::move(points));
          }};
}

UglyPoints scaled(std::string name, double scale) {
  return changed(std::move(name), [scale](Points& points, Sampler&) { points *= scale; });
}

UglyPoints moved(std::string name, double offset) {
  return changed(std::move(name), [offset](Points& points, Sampler&) { points.array() += offset; });
}

UglyPoints with_outlier(std::string name, double outlier) {
  return changed(std::move(name), [outlier](Points& points, Sampler&) { points.col(70).setConstant(outlier); });
}

UglyPoints few(std::string name, Index count) {
  return {std::move(name), [count](const FamilyCase& family, Sampler& sampler) { return good_points(family, count, sampler); }};
}

double absolute(double x, double least) { return std::max(std::abs(x), least); }

}  // namespace

Eigen::MatrixXd good_points(const FamilyCase& family, Index count, Sampler& sampler) {
  Points points(family.dimension, count);
  for (Index i = 0; i < count; ++i) {
    const auto component = static_cast<Index>(sampler.uniform() * static_cast<double>(family.parameters.cols()));
    points.col(i) = family.draw(sampler, family.parameters.col(component));
  }
  return points;
}

Eigen::VectorXd into_support(const FamilyCase& family, Eigen::VectorXd point) {
  const std::string& name = family.name;
  const auto each = [&](const std::function<double(double)>& map) { return Eigen::VectorXd(point.unaryExpr(map)); };
  if (name == "log_normal" || name == "gamma") return each([](double x) { return absolute(x, std::numeric_limits<double>::denorm_min()); });
  if (name == "exponential") return each([](double x) { return std::abs(x); });
  if (name == "poisson") return each([](double x) { return std::floor(std::abs(x)); });
  if (name == "geometric") return each([](double x) { return absolute(std::floor(x), 1); });
  if (name == "bernoulli") return each([](double x) { return x > 0.5 ? 1.0 : 0.0; });
  if (name == "categorical(4)") return each([](double x) { return std::floor(std::fmod(std::abs(x), 4)); });
  if (name == "gaussian(full)[0,2]*poisson[1]") point[1] = std::floor(std::abs(point[1]));
  if (name == "von_mises_fisher") {
    const double largest = point.cwiseAbs().maxCoeff();
    if (!(largest > 0)) return Eigen::VectorXd::Unit(point.size(), 0);
    point /= largest;
    point.normalize();
  }
  return point;
}

std::vector<UglyPoints> ugly_points() {
  return {
      few("no point", 0),
      few("one point", 1),
      {"fewer points than dimensions", [](const FamilyCase& family, Sampler& sampler) { return good_points(family, family.dimension - 1, sampler); }},
      few("fewer points than components", 2),
      changed("all points equal", [](Points& points, Sampler&) { points = points.col(0).replicate(1, points.cols()).eval(); }),
      changed("a constant column", [](Points& points, Sampler&) { points.row(0).setConstant(points(0, 0)); }),
      changed("all columns but one constant", [](Points& points, Sampler&) { points.topRows(points.rows() - 1).colwise() = points.col(0).head(points.rows() - 1).eval(); }),
      changed("exactly collinear columns", [](Points& points, Sampler&) { points.bottomRows(points.rows() - 1) = points.row(0).replicate(points.rows() - 1, 1).eval(); }),
      changed("collinear but for rounding",
              [](Points& points, Sampler& sampler) {
                for (Index j = 1; j < points.rows(); ++j)
                  points.row(j) = points.row(0) * 0.1 + 1e-16 * sampler.normals(1, points.cols());
              }),
      changed("two points again and again",
              [](Points& points, Sampler&) {
                for (Index i = 2; i < points.cols(); ++i) points.col(i) = points.col(i % 2);
              }),
      scaled("scale 1e-160", 1e-160),
      scaled("scale 1e-100", 1e-100),
      scaled("scale 1e100", 1e100),
      scaled("scale 1e145", 1e145),
      changed("as large as numbers may be", [](Points& points, Sampler&) { points *= kLargestCoordinate / points.cwiseAbs().maxCoeff(); }),
      changed("scales 1e-160 and 1e145 side by side",
              [](Points& points, Sampler&) {
                points.row(0) *= 1e-160;
                points.bottomRows(1) *= 1e145;
              }),
      changed("scales 1e-160 and 1e149 in one column, one after the other",
              [](Points& points, Sampler&) {
                points.leftCols(80) *= 1e-160;
                points.rightCols(40) *= 1e149 / points.rightCols(40).cwiseAbs().maxCoeff();
              }),
      moved("offset 1e6", 1e6),
      moved("offset 1.7e9", 1.7e9),
      moved("offset 1.7e12", 1.7e12),
      changed("a time in nanoseconds",
              [](Points& points, Sampler&) {
                for (Index i = 0; i < points.cols(); ++i) points(0, i) = 1.7e18 + 1e6 * static_cast<double>(i);
              }),
      with_outlier("an outlier of 1e20", 1e20),
      with_outlier("an outlier of 1e100", 1e100),
      with_outlier("an outlier of -1e149", -1e149),
      with_outlier("an outlier at the largest coordinate", kLargestCoordinate),
      changed("outliers at the start",
              [](Points& points, Sampler&) { points.leftCols(2) << Eigen::VectorXd::Constant(points.rows(), 1e140), Eigen::VectorXd::Constant(points.rows(), -1e140); }),
      changed("subnormal numbers",
              [](Points& points, Sampler& sampler) {
                for (double& x : points.reshaped()) x = std::floor(100 * sampler.uniform()) * std::numeric_limits<double>::denorm_min();
              }),
      changed("zeros of both signs",
              [](Points& points, Sampler& sampler) {
                for (double& x : points.reshaped()) x = sampler.uniform() < 0.5 ? 0.0 : -0.0;
              }),
      {"sorted points",
       [](const FamilyCase& family, Sampler& sampler) {
         const Points points = good_points(family, 200, sampler);
         std::vector<Index> order;
         for (Index i = 0; i < points.cols(); ++i) order.push_back(i);
         std::sort(order.begin(), order.end(), [&](Index a, Index b) { return points(0, a) < points(0, b); });
         return Points(points(Eigen::all, order));
       }},
      changed("clusters that are gone for good",
              [](Points& points, Sampler&) { points.rightCols(60) = points.col(0).replicate(1, 60).eval(); }),
      changed("a point so far that every density underflows", [](Points& points, Sampler&) { points.col(100).array() += 1e8; }),
      changed("missing values",
              [](Points& points, Sampler& sampler) {
                for (Index i = 0; i < points.cols(); ++i)
                  if (sampler.uniform() < 0.5) points(i % points.rows(), i) = std::numeric_limits<double>::quiet_NaN();
              }),
      changed("a column that is never there", [](Points& points, Sampler&) { points.row(0).setConstant(std::numeric_limits<double>::quiet_NaN()); }),
  };
}

}  // namespace emulsion::testing
