// The C++ peers: Armadillo, the loop that one writes oneself, and the ceiling, a product of two large matrices.
#include <cblas.h>

#include "bench/armadillo_em.h"
#include "bench/contender.h"
#include "bench/plain_em.h"
#include "bench/stopwatch.h"

namespace {

using namespace emulsion::bench;

// C = A B of the given order: 2 order^3 floating point operations a step.
class MatrixProduct final : public StepContender {
 public:
  explicit MatrixProduct(const nlohmann::json& request)
      : a_(Eigen::MatrixXd::Random(request.at("order"), request.at("order"))), b_(a_), c_(a_) {
    openblas_set_num_threads(request.at("threads"));
  }

  double seconds(int steps) override {
    const int n = static_cast<int>(a_.rows());
    const Stopwatch watch;
    for (int i = 0; i < steps; ++i)
      cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, a_.data(), n, b_.data(), n, 0, c_.data(), n);
    return watch.seconds() / steps;
  }

 private:
  Eigen::MatrixXd a_, b_, c_;
};

std::unique_ptr<Contender> make(const nlohmann::json& request) {
  const std::string name = request.at("contender");
  if (name == "dgemm") return std::make_unique<MatrixProduct>(request);
  if (name == "armadillo") return armadillo_em(read_data_set(request.at("data")));
  if (name == "plain") return plain_em(read_data_set(request.at("data")));
  throw std::invalid_argument("no contender is called " + name);
}

}  // namespace

int main() { return serve(make); }
