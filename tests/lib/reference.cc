#include "lib/reference.h"

#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <numbers>

namespace emulsion::testing {

double difference(const Eigen::Ref<const WideMatrix>& a, const Eigen::Ref<const WideMatrix>& b) {
  if (a.rows() != b.rows() || a.cols() != b.cols()) return HUGE_VAL;
  if (!a.allFinite() || !b.allFinite()) return HUGE_VAL;
  const auto largest = static_cast<double>(std::max(a.cwiseAbs().maxCoeff(), b.cwiseAbs().maxCoeff()));
  const auto apart = static_cast<double>((a - b).cwiseAbs().maxCoeff());
  return apart == 0 ? 0 : apart / largest;
}

Eigen::MatrixXd pack(Shape shape, const std::vector<Gaussian>& components) {
  std::vector<std::vector<double>> columns;
  for (const Gaussian& g : components) {
    std::vector<double>& column = columns.emplace_back();
    const Index d = g.mean.size();
    for (Index i = 0; i < d; ++i) column.push_back(static_cast<double>(g.mean[i]));
    for (Index i = 0; i < d; ++i) {
      if (shape == Shape::spherical && i > 0) break;
      for (Index j = (shape == Shape::full || shape == Shape::tied) ? 0 : i; j <= i; ++j)
        column.push_back(static_cast<double>(g.covariance(i, j)));
    }
  }
  Eigen::MatrixXd packed(columns.front().size(), columns.size());
  for (std::size_t k = 0; k < columns.size(); ++k)
    for (std::size_t p = 0; p < columns[k].size(); ++p)
      packed(static_cast<Index>(p), static_cast<Index>(k)) = columns[k][p];
  return packed;
}

Gaussian unpack(Shape shape, const Eigen::VectorXd& parameters, Index d) {
  Gaussian g{1, parameters.head(d).cast<Wide>(), WideMatrix::Zero(d, d)};
  Index at = d;
  for (Index i = 0; i < d; ++i) {
    if (shape == Shape::diagonal) g.covariance(i, i) = parameters[at++];
    if (shape == Shape::spherical) g.covariance(i, i) = parameters[d];
    if (shape == Shape::full || shape == Shape::tied)
      for (Index j = 0; j <= i; ++j) g.covariance(i, j) = g.covariance(j, i) = parameters[at++];
  }
  return g;
}

std::vector<Index> coordinates(const Eigen::VectorXd& point, bool missing) {
  std::vector<Index> chosen;
  for (Index j = 0; j < point.size(); ++j)
    if (std::isnan(point[j]) == missing) chosen.push_back(j);
  return chosen;
}

Wide log_density(const Gaussian& g, const Eigen::VectorXd& point) {
  const auto seen = coordinates(point, false);
  const WideMatrix covariance = g.covariance(seen, seen);
  const WideVector apart = point.cast<Wide>()(seen) - g.mean(seen);
  const Wide square = apart.dot(covariance.inverse() * apart);
  const Wide two_pi = 2 * std::numbers::pi_v<Wide>;
  return -0.5L * (static_cast<Wide>(seen.size()) * std::log(two_pi) + std::log(covariance.determinant()) + square);
}

Moments moments(const Gaussian& g, const Eigen::MatrixXd& points, const WideVector& shares) {
  const Index d = points.rows();
  WideMatrix completed = points.cast<Wide>();
  WideMatrix uncertain = WideMatrix::Zero(d, d);
  Moments m{shares.sum(), WideVector::Zero(d), WideMatrix::Zero(d, d)};
  for (Index i = 0; i < points.cols(); ++i) {
    const auto missing = coordinates(points.col(i), true);
    if (!missing.empty()) {
      const auto seen = coordinates(points.col(i), false);
      const WideMatrix regression = g.covariance(missing, seen) * WideMatrix(g.covariance(seen, seen)).inverse();
      const WideVector apart = completed.col(i)(seen) - g.mean(seen);
      const WideVector guess = g.mean(missing) + regression * apart;
      const WideMatrix spread = g.covariance(missing, missing) - regression * g.covariance(seen, missing);
      for (std::size_t a = 0; a < missing.size(); ++a) {
        completed(missing[a], i) = guess[static_cast<Index>(a)];
        for (std::size_t b = 0; b < missing.size(); ++b)
          uncertain(missing[a], missing[b]) += shares[i] * spread(static_cast<Index>(a), static_cast<Index>(b));
      }
    }
    m.mean += shares[i] * completed.col(i);
  }
  if (m.weight > 0) m.mean /= m.weight;
  for (Index i = 0; i < points.cols(); ++i) {
    const WideVector apart = completed.col(i) - m.mean;
    m.scatter += shares[i] * apart * apart.transpose();
  }
  m.scatter += uncertain;
  return m;
}

std::vector<Gaussian> m_step(Shape shape, const std::vector<Moments>& all, Wide strength, const WideVector& prior) {
  const WideMatrix believed = WideMatrix(prior.asDiagonal()) * strength;
  std::vector<Gaussian> result;
  Wide weight = 0;
  WideMatrix pooled = believed;
  for (const Moments& m : all) {
    weight += m.weight;
    pooled += m.scatter;
    WideMatrix covariance = (m.scatter + believed) / (m.weight + strength);
    if (shape == Shape::diagonal) covariance = WideMatrix(covariance.diagonal().asDiagonal());
    if (shape == Shape::spherical)
      covariance = WideMatrix::Identity(covariance.rows(), covariance.cols()) * covariance.trace() /
                   static_cast<Wide>(covariance.rows());
    result.push_back({1, m.mean, covariance});
  }
  if (shape == Shape::tied)
    for (Gaussian& g : result) g.covariance = pooled / (weight + strength);
  return result;
}

WideVector coordinate_variances(const PointBatch& batch) {
  WideVector result(batch.dimension());
  for (Index j = 0; j < batch.dimension(); ++j) {
    Wide weight = 0, sum = 0, squares = 0;
    for (Index i = 0; i < batch.size(); ++i)
      if (!std::isnan(batch.points(j, i)))
        weight += batch.weight(i), sum += batch.weight(i) * static_cast<Wide>(batch.points(j, i));
    for (Index i = 0; i < batch.size(); ++i)
      if (!std::isnan(batch.points(j, i)))
        squares += batch.weight(i) * std::pow(batch.points(j, i) - sum / weight, 2.0L);
    result[j] = squares / weight;
  }
  return result;
}

Posterior posterior(const std::vector<Gaussian>& mixture, const Eigen::MatrixXd& points) {
  Posterior result{WideMatrix(points.cols(), static_cast<Index>(mixture.size())), WideVector(points.cols())};
  for (Index i = 0; i < points.cols(); ++i) {
    for (std::size_t k = 0; k < mixture.size(); ++k)
      result.responsibilities(i, static_cast<Index>(k)) =
          std::log(mixture[k].weight) + log_density(mixture[k], points.col(i));
    const Wide highest = result.responsibilities.row(i).maxCoeff();
    result.responsibilities.row(i) = (result.responsibilities.row(i).array() - highest).exp();
    const Wide sum = result.responsibilities.row(i).sum();
    result.responsibilities.row(i) /= sum;
    result.log_density[i] = highest + std::log(sum);
  }
  return result;
}

std::vector<Gaussian> em_step(Shape shape, const std::vector<Gaussian>& mixture, const PointBatch& batch, bool hard,
                              Wide covariance_points, Wide covariance_fraction, Wide weight_points) {
  WideMatrix responsibilities = posterior(mixture, batch.points).responsibilities;
  std::vector<Moments> all;
  Wide total = 0;
  for (Index i = 0; i < batch.size(); ++i) {
    if (hard) {
      Index best = 0;
      responsibilities.row(i).maxCoeff(&best);
      responsibilities.row(i).setZero();
      responsibilities(i, best) = 1;
    }
    responsibilities.row(i) *= batch.weight(i);
    total += batch.weight(i);
  }
  for (std::size_t k = 0; k < mixture.size(); ++k)
    all.push_back(moments(mixture[k], batch.points, responsibilities.col(static_cast<Index>(k))));
  std::vector<Gaussian> next = m_step(shape, all, covariance_points, covariance_fraction * coordinate_variances(batch));
  for (std::size_t k = 0; k < mixture.size(); ++k)
    next[k].weight = (all[k].weight + weight_points) / (total + weight_points * static_cast<Wide>(mixture.size()));
  return next;
}

}  // namespace emulsion::testing
