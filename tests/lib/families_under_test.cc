#include "lib/families_under_test.h"

#include <Eigen/Cholesky>

#include "lib/draw.h"
#include "lib/gaussian_cases.h"

namespace emulsion::testing {
namespace {

FamilyCase gaussian_case(const std::string& name, Shape shape, Exemptions exempt = {}) {
  const DrawPoint draw = [shape](Sampler& sampler, const Eigen::VectorXd& parameters) -> Eigen::VectorXd {
    const Gaussian g = unpack(shape, parameters, 3);
    const Eigen::MatrixXd factor = g.covariance.cast<double>().llt().matrixL();
    return g.mean.cast<double>() + factor * sampler.normals(3);
  };
  return {name, 3, pack(shape, example_components(shape, 3, 3)), draw, {}, std::move(exempt)};
}

// A family whose coordinates are independent, in three of them: all draws are of one coordinate.
//   parameters  of each component, part by part
//   refused     a number that is outside the support
FamilyCase coordinates_case(const std::string& name, const Eigen::MatrixXd& parameters,
                                   double (*draw)(Sampler&, double first, double second), double refused,
                                   const std::string& expected, Exemptions exempt = {}) {
  const DrawPoint draw_all = [draw](Sampler& sampler, const Eigen::VectorXd& p) -> Eigen::VectorXd {
    Eigen::VectorXd point(3);
    for (Index i = 0; i < 3; ++i) point[i] = draw(sampler, p[i], p[p.size() - 3 + i]);
    return point;
  };
  return {name,
          3,
          parameters,
          draw_all,
          {{Eigen::Vector3d(1, refused, 1), "coordinate 1: " + expected}},
          std::move(exempt)};
}

Eigen::MatrixXd columns(std::initializer_list<std::vector<double>> of_components) {
  Eigen::MatrixXd result(static_cast<Index>(of_components.begin()->size()), static_cast<Index>(of_components.size()));
  Index k = 0;
  for (const auto& column : of_components)
    result.col(k++) = Eigen::Map<const Eigen::VectorXd>(column.data(), result.rows());
  return result;
}

double draw_category(Sampler& sampler, const Eigen::VectorXd& probabilities) {
  double left = sampler.uniform();
  Index category = 0;
  while (category + 1 < probabilities.size() && (left -= probabilities[category]) >= 0) ++category;
  return static_cast<double>(category);
}

// One coordinate, then another: four categories each.
FamilyCase categorical_case() {
  const DrawPoint draw = [](Sampler& sampler, const Eigen::VectorXd& p) -> Eigen::VectorXd {
    return Eigen::Vector2d(draw_category(sampler, p.head(4)), draw_category(sampler, p.tail(4)));
  };
  return {"categorical(4)",
          2,
          columns({{0.4, 0.3, 0.2, 0.1, 0.25, 0.25, 0.25, 0.25},
                   {0.125, 0.5, 0.125, 0.25, 0.0625, 0.0625, 0.125, 0.75},
                   {0.1, 0.1, 0.2, 0.6, 0.5, 0.25, 0.125, 0.125}}),
          draw,
          {{Eigen::Vector2d(3, 4), "coordinate 1: 4, expected a whole number from 0 to 3"},
           {Eigen::Vector2d(0.5, 1), "coordinate 0: 0.5, expected a whole number from 0 to 3"},
           {Eigen::Vector2d(-1, 1), "coordinate 0: -1, expected a whole number from 0 to 3"}}};
}

// Two coordinates that correlate around a count.
FamilyCase product_case() {
  const DrawPoint draw = [](Sampler& sampler, const Eigen::VectorXd& p) -> Eigen::VectorXd {
    const Gaussian g = unpack(Shape::full, p.head(5), 2);
    const Eigen::MatrixXd factor = g.covariance.cast<double>().llt().matrixL();
    const Eigen::Vector2d pair = g.mean.cast<double>() + factor * sampler.normals(2);
    return Eigen::Vector3d(pair[0], draw_poisson(sampler, p[5], 0), pair[1]);
  };
  Eigen::MatrixXd parameters(6, 3);
  parameters << pack(Shape::full, example_components(Shape::full, 2, 3)), Eigen::RowVector3d(0.5, 4, 9);
  return {"gaussian(full)[0,2]*poisson[1]",
          3,
          parameters,
          draw,
          {{Eigen::Vector3d(0.5, -2, 0.5), "poisson[1]: coordinate 0: -2, expected a whole number >= 0"}}};
}

FamilyCase student_case() {
  Eigen::MatrixXd parameters(10, 3);
  parameters << 0, 3, -2, 1, -1, 2, 0, 2, 1,  // locations
      2, 1, 0.5, 0.4, -0.2, 0, 1, 1.5, 0.7, -0.3, 0, 0.1, 0.2, 0.5, 0, 1, 0.8, 2,  // scales
      5, 7, 11;
  const DrawPoint draw = [](Sampler& sampler, const Eigen::VectorXd& p) -> Eigen::VectorXd {
    return draw_student(sampler, p.head(3), unpack(Shape::full, p.head(9), 3).covariance.cast<double>(), static_cast<int>(p[9]));
  };
  return {"student_t", 3, parameters, draw};
}

FamilyCase fisher_case() {
  Eigen::MatrixXd parameters(4, 3);
  parameters << 1, 0, -0.48, 0, 0.6, 0.6, 0, 0.8, -0.64, 4, 12, 40;
  const DrawPoint draw = [](Sampler& sampler, const Eigen::VectorXd& p) { return draw_direction(sampler, p.head(3), p[3]); };
  const std::vector<Refused> refused = {{Eigen::Vector3d(2, 0, 0), "length 2, expected a direction of length 1"},
                                        {Eigen::Vector3d(0.6, std::nan(""), 0.8), "coordinate 1: missing, expected all coordinates of a direction"}};
  return {"von_mises_fisher", 3, parameters, draw, refused, {{Law::missing_coordinates, "a direction without one of them is none"}}};
}

FamilyCase uniform_case() {
  const Eigen::VectorXd box = (Eigen::VectorXd(6) << -1, 2, 0, 3, 4, 10).finished();
  const DrawPoint draw = [](Sampler& sampler, const Eigen::VectorXd& p) { return draw_evenly(sampler, p.head(3), p.tail(3)); };
  return {"uniform", 3, box.replicate(1, 3), draw, {},
          {{Law::moved_by_points, "its box is the range of the stream"}, {Law::own_parameters, "one box is that of all"}}};
}

}  // namespace

// One line for each family.
std::vector<FamilyCase> family_cases() {
  return {
      gaussian_case("gaussian(full)", Shape::full),
      gaussian_case("gaussian(diagonal)", Shape::diagonal),
      gaussian_case("gaussian(spherical)", Shape::spherical),
      gaussian_case("gaussian(tied)", Shape::tied, {{Law::own_parameters, "one covariance belongs to all"}}),
      gaussian_case("normal", Shape::diagonal),
      coordinates_case("log_normal",
                       columns({{0, 1, -1, 0.25, 0.5, 1}, {1, 0.5, 0, 0.5, 0.125, 0.25}, {-1, 0, 3, 1, 1, 0.5}}),
                       draw_log_normal, 0, "0, expected a number > 0"),
      coordinates_case("exponential", columns({{1, 2, 0.25}, {0.1, 3, 1}, {8, 0.5, 2}}), draw_exponential, -3,
                       "-3, expected a number >= 0"),
      coordinates_case("gamma", columns({{2, 0.5, 7, 1, 2, 0.5}, {9, 3, 1, 3, 0.5, 1}, {0.75, 30, 2, 4, 6, 3}}),
                       draw_gamma, -1e-9, "-1e-09, expected a number > 0"),
      coordinates_case("poisson", columns({{1, 4, 0.25}, {6, 2, 1}, {3, 20, 4}}), draw_poisson, 1.5,
                       "1.5, expected a whole number >= 0"),
      coordinates_case("geometric", columns({{0.5, 0.125, 0.75}, {0.1, 0.5, 0.25}, {0.9, 0.2, 0.05}}), draw_geometric,
                       0, "0, expected a whole number >= 1"),
      coordinates_case("bernoulli", columns({{0.5, 0.125, 0.875}, {0.1, 0.75, 0.25}, {0.95, 0.5, 0.5}}), draw_bernoulli,
                       2, "2, expected 0 or 1"),
      categorical_case(),
      product_case(),
      student_case(),
      fisher_case(),
      uniform_case(),
  };
}

}  // namespace emulsion::testing
