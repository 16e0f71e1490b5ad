#include "lib/sample.h"

#include <Eigen/Cholesky>

namespace emulsion::testing {

Eigen::VectorXd Sampler::normals(Index d) {
  Eigen::VectorXd z(d);
  for (Index j = 0; j < d; ++j) z[j] = normal();
  return z;
}

Eigen::MatrixXd Sampler::normals(Index d, Index n) {
  Eigen::MatrixXd z(d, n);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < d; ++j) z(j, i) = normal();
  return z;
}

Eigen::MatrixXd Sampler::covariance(Index d) {
  const Eigen::MatrixXd a = normals(d, d);
  return a * a.transpose() / static_cast<double>(d) + 0.5 * Eigen::MatrixXd::Identity(d, d);
}

PointBatch draw(const Truth& truth, Index n, std::uint64_t seed, std::vector<Index>* origins) {
  Sampler sampler(seed);
  std::vector<Eigen::MatrixXd> factors;
  for (const auto& covariance : truth.covariances) factors.push_back(covariance.llt().matrixL());
  const Index d = truth.means.front().size();
  PointBatch batch;
  batch.points.resize(d, n);
  for (Index i = 0; i < n; ++i) {
    double left = sampler.uniform();
    std::size_t k = 0;
    while (k + 1 < truth.weights.size() && (left -= truth.weights[k]) >= 0) ++k;
    batch.points.col(i) = truth.means[k] + factors[k] * sampler.normals(d);
    if (origins) origins->push_back(static_cast<Index>(k));
  }
  return batch;
}

Truth three_clusters() {
  Truth truth;
  truth.weights = {0.5, 0.3, 0.2};
  truth.means = {Eigen::Vector2d(0, 0), Eigen::Vector2d(10, 0), Eigen::Vector2d(0, 12)};
  truth.covariances = {(Eigen::Matrix2d() << 1.0, 0.3, 0.3, 2.0).finished(),
                       (Eigen::Matrix2d() << 2.0, -0.8, -0.8, 1.0).finished(),
                       (Eigen::Matrix2d() << 1.5, 0.0, 0.0, 0.7).finished()};
  return truth;
}

void lose_coordinates(PointBatch& batch, double fraction, std::uint64_t seed) {
  Sampler sampler(seed);
  for (Index i = 0; i < batch.size(); ++i) {
    Index left = batch.dimension();
    for (Index j = 0; j < batch.dimension(); ++j)
      if (sampler.uniform() < fraction && left > 1) {
        batch.points(j, i) = std::nan("");
        --left;
      }
  }
}

PointBatch slice(const PointBatch& batch, Index first, Index count) {
  PointBatch part;
  part.points = batch.points.middleCols(first, count);
  if (batch.weights.size() > 0) part.weights = batch.weights.segment(first, count);
  if (batch.has_times())
    part.unix_nanoseconds.assign(batch.unix_nanoseconds.begin() + first,
                                 batch.unix_nanoseconds.begin() + first + count);
  return part;
}

bool same_bits(const Eigen::Ref<const Eigen::MatrixXd>& a, const Eigen::Ref<const Eigen::MatrixXd>& b) {
  if (a.rows() != b.rows() || a.cols() != b.cols()) return false;
  for (Index j = 0; j < a.cols(); ++j)
    for (Index i = 0; i < a.rows(); ++i) {
      const double x = a(i, j);
      const double y = b(i, j);
      if (std::memcmp(&x, &y, sizeof x) != 0) return false;
    }
  return true;
}

double difference(const Eigen::Ref<const Eigen::MatrixXd>& a, const Eigen::Ref<const Eigen::MatrixXd>& b) {
  if (a.rows() != b.rows() || a.cols() != b.cols()) return HUGE_VAL;
  if (!a.allFinite() || !b.allFinite()) return HUGE_VAL;
  const double largest = std::max(a.cwiseAbs().maxCoeff(), b.cwiseAbs().maxCoeff());
  const double apart = (a - b).cwiseAbs().maxCoeff();
  return apart == 0 ? 0 : apart / largest;
}

}  // namespace emulsion::testing
