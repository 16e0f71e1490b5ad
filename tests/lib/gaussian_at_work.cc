#include "lib/gaussian_at_work.h"

namespace emulsion::testing {

std::shared_ptr<const Bank> bank_of(const GaussianCase& c, const std::vector<Gaussian>& components) {
  const auto bank = family_of(c).unpack(pack(c.shape, components), components.front().mean.size());
  REQUIRE(bank);
  return *bank;
}

std::vector<Gaussian> components_of(const GaussianCase& c, const Bank& bank) {
  std::vector<Gaussian> result;
  const Eigen::MatrixXd packed = bank.pack();
  for (Index k = 0; k < bank.size(); ++k) result.push_back(unpack(c.shape, packed.col(k), bank.dimension()));
  return result;
}

void check_equal(const std::vector<Gaussian>& found, const std::vector<Gaussian>& expected, double tolerance) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t k = 0; k < found.size(); ++k) {
    CAPTURE(k);
    const WideVector apart = found[k].mean - expected[k].mean;
    const Wide unit = std::sqrt(expected[k].covariance.diagonal().maxCoeff());
    CHECK(static_cast<double>(apart.cwiseAbs().maxCoeff() / unit) < tolerance);
    CHECK(difference(found[k].covariance, expected[k].covariance) < tolerance);
  }
}

}  // namespace emulsion::testing
