#include "bench/armadillo_em.h"

#define ARMA_NO_DEBUG  // no checks of bounds
#include <armadillo>
#include <stdexcept>

#include "bench/stopwatch.h"

namespace emulsion::bench {
namespace {

arma::mat matrix(const Eigen::MatrixXd& from) {
  return {from.data(), static_cast<arma::uword>(from.rows()), static_cast<arma::uword>(from.cols())};
}

arma::cube covariances(const DataSet& data) {
  const auto d = static_cast<arma::uword>(data.dimension());
  arma::cube all(d, d, data.covariances.size());
  for (std::size_t k = 0; k < data.covariances.size(); ++k) all.slice(k) = matrix(data.covariances[k]);
  return all;
}

arma::mat variances(const DataSet& data) {
  arma::mat all(static_cast<arma::uword>(data.dimension()), data.covariances.size());
  for (std::size_t k = 0; k < data.covariances.size(); ++k) all.col(k) = matrix(data.covariances[k].diagonal());
  return all;
}

void set(arma::gmm_full& model, const DataSet& data, const arma::mat& means, const arma::rowvec& weights) {
  model.set_params(means, covariances(data), weights);
}

void set(arma::gmm_diag& model, const DataSet& data, const arma::mat& means, const arma::rowvec& weights) {
  model.set_params(means, variances(data), weights);
}

template <typename Model>
class ArmadilloEm final : public StepContender {
 public:
  explicit ArmadilloEm(const DataSet& data)
      : points_(matrix(data.points)) {
    set(start_, data, matrix(data.means), matrix(data.weights).t());
  }

  double log_likelihood() override {
    Model model = start_;
    fit(model, 1);
    return model.avg_log_p(points_);
  }

  double seconds(int steps) override {
    const double none = fit_seconds(0);
    return (fit_seconds(steps) - none) / steps;
  }

 private:
  void fit(Model& model, int iterations) const {
    const double variance_floor = 1e-10;
    if (!model.learn(points_, start_.n_gaus(), arma::eucl_dist, arma::keep_existing, 0, static_cast<arma::uword>(iterations),
                     variance_floor, false))
      throw std::runtime_error("Armadillo's learn failed");
  }

  double fit_seconds(int iterations) const {
    Model model = start_;
    const Stopwatch watch;
    fit(model, iterations);
    return watch.seconds();
  }

  arma::mat points_;
  Model start_;
};

}  // namespace

std::unique_ptr<Contender> armadillo_em(const DataSet& data) {
  if (data.diagonal) return std::make_unique<ArmadilloEm<arma::gmm_diag>>(data);
  return std::make_unique<ArmadilloEm<arma::gmm_full>>(data);
}

}  // namespace emulsion::bench
