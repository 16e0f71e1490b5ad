#include "clients/component_shape.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string_view>

#include "emulsion/families.h"
#include "emulsion/formula.h"

namespace emulsion::client {
namespace {

// "gaussian" of "gaussian(full)".
std::string_view stem(std::string_view family) { return family.substr(0, family.find('(')); }

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_symmetric(std::string_view family) {
  return is_one_of(stem(family), {"gaussian", "normal", "student_t", "von_mises_fisher"});
}
bool has_ellipses(std::string_view family) { return is_one_of(stem(family), {"gaussian", "normal", "student_t"}); }
bool is_discrete(std::string_view family) {
  return is_one_of(stem(family), {"geometric", "poisson", "bernoulli", "categorical"});
}

// Direction and covariance of a von Mises-Fisher factor. Its mean is as long as the mean cosine of its points' angles to the
// direction; the variance across is that cosine over the concentration, and the rest of the sum of variances is along it.
// Source: Mardia & Jupp (2000), Directional statistics, section 9.3.
void set_direction(ComponentShape& shape, const std::vector<Index>& columns, double concentration) {
  const Eigen::VectorXd mean = shape.centre(columns);
  const Eigen::VectorXd direction = mean.normalized();
  const auto d = direction.size();
  shape.direction = Eigen::VectorXd::Zero(shape.centre.size());
  (*shape.direction)(columns) = direction;
  const double all = shape.covariance.diagonal()(columns).sum();
  const double across = mean.norm() / concentration;
  const double along = std::max(0.0, all - static_cast<double>(d - 1) * across);
  const Eigen::MatrixXd line = direction * direction.transpose();
  shape.covariance(columns, columns) = across * (Eigen::MatrixXd::Identity(d, d) - line) + along * line;
}

// Puts what one factor knows better than its variances into the shape.
//   numbers  the factor's parameters; returns how many they are
Index add_factor(ComponentShape& shape, const FamilyFactor& factor, const double* numbers) {
  const auto family = find_family(factor.family);
  if (!family) return 0;
  std::vector<Index> columns = factor.columns;
  if (columns.empty()) {
    columns.resize(static_cast<std::size_t>(shape.centre.size()));
    std::iota(columns.begin(), columns.end(), Index{0});
  }
  const auto dimension = static_cast<Index>(columns.size());
  for (const Index column : columns) {
    shape.discrete[static_cast<std::size_t>(column)] = is_discrete(factor.family);
    shape.symmetric[static_cast<std::size_t>(column)] = is_symmetric(factor.family);
  }
  const bool directional = stem(factor.family) == "von_mises_fisher" && shape.centre(columns).norm() > 0;
  Index used = 0;
  for (const ParameterPart& part : (*family)->layout(dimension)) {
    if (has_ellipses(factor.family) && part.order == dimension) {
      shape.covariance(columns, columns) = matrix_of(part, numbers + used);
    }
    if (directional && part.name == "concentration") set_direction(shape, columns, numbers[used]);
    used += part.size;
  }
  return used;
}

}  // namespace

std::vector<ComponentShape> shapes_of(const Snapshot& model, const Mixture& mixture) {
  std::vector<ComponentShape> shapes;
  for (const auto& bank : mixture.banks()) {
    const Eigen::MatrixXd means = bank->means();
    const Eigen::MatrixXd variances = bank->variances();
    for (Index k = 0; k < bank->size(); ++k) {
      const ComponentSnapshot& component = model.components[shapes.size()];
      ComponentShape shape;
      shape.centre = means.col(k);
      shape.covariance = variances.col(k).asDiagonal();
      shape.discrete.assign(static_cast<std::size_t>(mixture.dimension()), false);
      shape.symmetric = shape.discrete;
      shape.noise = bank->family().is_noise();
      Index used = 0;
      if (const auto factors = parse_component(component.family)) {
        for (const FamilyFactor& factor : *factors) used += add_factor(shape, factor, component.parameters.data() + used);
      }
      shapes.push_back(std::move(shape));
    }
  }
  return shapes;
}

Ellipse ellipse_of(const ComponentShape& shape, Index i, Index j) {
  const std::array<Index, 2> axes{i, j};
  const Eigen::Matrix2d covariance = shape.covariance(axes, axes);
  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix2d> solver(covariance);
  const Eigen::Vector2d half = solver.eigenvalues().cwiseMax(0).cwiseSqrt();  // ascending
  const Eigen::Vector2d major = solver.eigenvectors().col(1);
  double degrees = std::atan2(major[1], major[0]) * 180 / std::numbers::pi;
  if (degrees > 90) degrees -= 180;
  if (degrees <= -90) degrees += 180;
  return {shape.centre[i], shape.centre[j], half[1], half[0], degrees};
}

std::vector<Index> axes_by_separation(const std::vector<ComponentShape>& shapes, const Eigen::VectorXd& weights) {
  const Index dimension = shapes.front().centre.size();
  Eigen::VectorXd mean = Eigen::VectorXd::Zero(dimension);
  Eigen::VectorXd within = Eigen::VectorXd::Zero(dimension);
  Eigen::VectorXd between = Eigen::VectorXd::Zero(dimension);
  double total = 0;
  for (std::size_t k = 0; k < shapes.size(); ++k) {
    if (shapes[k].noise) continue;
    const double weight = weights[static_cast<Index>(k)];
    total += weight;
    mean += weight * shapes[k].centre;
    within += weight * shapes[k].covariance.diagonal();
  }
  if (total > 0) mean /= total;
  for (std::size_t k = 0; k < shapes.size(); ++k) {
    if (!shapes[k].noise) between += weights[static_cast<Index>(k)] * (shapes[k].centre - mean).cwiseAbs2();
  }
  const Eigen::VectorXd score = (between.array() > 0).select(between.array() / (between + within).array(), 0.0);
  std::vector<Index> axes(static_cast<std::size_t>(dimension));
  std::iota(axes.begin(), axes.end(), Index{0});
  std::stable_sort(axes.begin(), axes.end(), [&](Index a, Index b) { return score[a] > score[b]; });
  return axes;
}

}  // namespace emulsion::client
