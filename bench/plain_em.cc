#include "bench/plain_em.h"

#include <Eigen/Cholesky>
#include <cmath>
#include <numbers>

#include "bench/stopwatch.h"

namespace emulsion::bench {
namespace {

using Eigen::Index;

struct Parameters {
  Eigen::VectorXd weights;
  Eigen::MatrixXd means;
  std::vector<Eigen::MatrixXd> covariances;
};

class PlainEm final : public StepContender {
 public:
  explicit PlainEm(DataSet data)
      : points_(std::move(data.points)),
        start_{std::move(data.weights), std::move(data.means), std::move(data.covariances)},
        diagonal_(data.diagonal) {}

  double log_likelihood() override {
    Parameters after;
    step(start_, after);
    Parameters unused;
    return step(after, unused) / static_cast<double>(points_.cols());
  }

  double seconds(int steps) override {
    Parameters after;
    const Stopwatch watch;
    for (int i = 0; i < steps; ++i) step(start_, after);
    return watch.seconds() / steps;
  }

 private:
  double step(const Parameters& from, Parameters& to) const { return diagonal_ ? diagonal_step(from, to) : full_step(from, to); }

  // Each returns the log likelihood of the points under `from`.
  double full_step(const Parameters& from, Parameters& to) const {
    const Index d = points_.rows(), n = points_.cols(), components = from.weights.size();
    std::vector<Eigen::LLT<Eigen::MatrixXd>> factors;
    Eigen::VectorXd constants(components);
    for (Index k = 0; k < components; ++k) {
      factors.emplace_back(from.covariances[static_cast<std::size_t>(k)]);
      constants[k] = std::log(from.weights[k]) - 0.5 * static_cast<double>(d) * std::log(2 * std::numbers::pi) -
                     factors.back().matrixLLT().diagonal().array().log().sum();
    }
    Eigen::VectorXd joint(components), totals = Eigen::VectorXd::Zero(components), white(d);
    Eigen::MatrixXd sums = Eigen::MatrixXd::Zero(d, components);
    std::vector<Eigen::MatrixXd> squares(static_cast<std::size_t>(components), Eigen::MatrixXd::Zero(d, d));
    double log_likelihood = 0;
    for (Index i = 0; i < n; ++i) {
      const auto x = points_.col(i);
      for (Index k = 0; k < components; ++k) {
        white = x - from.means.col(k);
        factors[static_cast<std::size_t>(k)].matrixL().solveInPlace(white);
        joint[k] = constants[k] - 0.5 * white.squaredNorm();
      }
      log_likelihood += normalise(joint);
      for (Index k = 0; k < components; ++k) {
        totals[k] += joint[k];
        sums.col(k) += joint[k] * x;
        squares[static_cast<std::size_t>(k)].selfadjointView<Eigen::Lower>().rankUpdate(x, joint[k]);
      }
    }
    to.weights = totals / static_cast<double>(n);
    to.means = sums * totals.cwiseInverse().asDiagonal();
    to.covariances.resize(squares.size());
    for (std::size_t k = 0; k < squares.size(); ++k) {
      const auto mean = to.means.col(static_cast<Index>(k));
      const Eigen::MatrixXd whole = squares[k].selfadjointView<Eigen::Lower>();
      to.covariances[k] = whole / totals[static_cast<Index>(k)] - mean * mean.transpose();
    }
    return log_likelihood;
  }

  double diagonal_step(const Parameters& from, Parameters& to) const {
    const Index d = points_.rows(), n = points_.cols(), components = from.weights.size();
    Eigen::MatrixXd precisions(d, components);
    Eigen::VectorXd constants(components);
    for (Index k = 0; k < components; ++k) {
      const auto variances = from.covariances[static_cast<std::size_t>(k)].diagonal();
      precisions.col(k) = variances.cwiseInverse();
      constants[k] = std::log(from.weights[k]) - 0.5 * (variances.array() * (2 * std::numbers::pi)).log().sum();
    }
    Eigen::VectorXd joint(components), totals = Eigen::VectorXd::Zero(components);
    Eigen::MatrixXd sums = Eigen::MatrixXd::Zero(d, components), squares = sums;
    double log_likelihood = 0;
    for (Index i = 0; i < n; ++i) {
      const auto x = points_.col(i);
      for (Index k = 0; k < components; ++k)
        joint[k] = constants[k] - 0.5 * (x - from.means.col(k)).array().square().matrix().dot(precisions.col(k));
      log_likelihood += normalise(joint);
      for (Index k = 0; k < components; ++k) {
        totals[k] += joint[k];
        sums.col(k) += joint[k] * x;
        squares.col(k) += joint[k] * x.cwiseAbs2();
      }
    }
    to.weights = totals / static_cast<double>(n);
    to.means = sums * totals.cwiseInverse().asDiagonal();
    to.covariances.resize(static_cast<std::size_t>(components));
    for (Index k = 0; k < components; ++k) {
      const Eigen::VectorXd variances = squares.col(k) / totals[k] - to.means.col(k).cwiseAbs2();
      to.covariances[static_cast<std::size_t>(k)] = variances.asDiagonal();
    }
    return log_likelihood;
  }

  // Log joint densities become responsibilities; returns the log of their sum.
  static double normalise(Eigen::VectorXd& joint) {
    const double highest = joint.maxCoeff();
    joint = (joint.array() - highest).exp();
    const double sum = joint.sum();
    joint /= sum;
    return highest + std::log(sum);
  }

  Eigen::MatrixXd points_;
  Parameters start_;
  bool diagonal_;
};

}  // namespace

std::unique_ptr<Contender> plain_em(DataSet data) { return std::make_unique<PlainEm>(std::move(data)); }

}  // namespace emulsion::bench
