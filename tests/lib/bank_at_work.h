// Short ways to ask a bank about some points.
#pragma once

#include <catch2/catch.hpp>

#include "emulsion/family.h"
#include "lib/families_under_test.h"

namespace emulsion::testing {

inline const Family& family_of(const FamilyCase& c) { return **find_family(c.name); }

inline std::shared_ptr<const Bank> bank_of(const FamilyCase& c, const std::vector<Gaussian>& components) {
  const auto bank = family_of(c).unpack(pack(c.shape, components), components.front().mean.size());
  REQUIRE(bank);
  return *bank;
}

inline std::vector<Gaussian> components_of(const FamilyCase& c, const Bank& bank) {
  std::vector<Gaussian> result;
  const Eigen::MatrixXd packed = bank.pack();
  for (Index k = 0; k < bank.size(); ++k) result.push_back(unpack(c.shape, packed.col(k), bank.dimension()));
  return result;
}

inline Tile tile_of(const Eigen::MatrixXd& points) {
  Tile tile(points.rows());
  for (Index i = 0; i < points.cols(); ++i) tile.push(points.col(i).data(), 1, 1);
  return tile;
}

// n x K
inline Eigen::MatrixXd log_densities(const Bank& bank, const Tile& tile) {
  LaneMatrix out = LaneMatrix::Constant(kTilePoints, bank.size(), std::nan(""));
  bank.log_densities(tile, covering_lanes(0, tile.size()), out, 0);
  return out.topRows(tile.size());
}

// The statistics of up to 256 points (d x n), given how much of each belongs to each component (n x K).
inline BankStatistics statistics_of(const Bank& bank, const Eigen::MatrixXd& points, const Eigen::MatrixXd& shares) {
  LaneMatrix padded = LaneMatrix::Zero(kTilePoints, shares.cols());
  padded.topRows(shares.rows()) = shares.array();
  return bank.accumulate(tile_of(points), padded, 0);
}

inline Eigen::MatrixXd some_shares(Index n, Index components, std::uint64_t seed) {
  Sampler sampler(seed);
  Eigen::MatrixXd shares(n, components);
  for (Index i = 0; i < n; ++i) {
    for (Index k = 0; k < components; ++k) shares(i, k) = sampler.uniform();
    shares.row(i) /= shares.row(i).sum();
  }
  return shares;
}

inline Prior no_prior(Index d) { return {{0, 1e-3, 0}, Eigen::VectorXd::Ones(d)}; }

inline MaximisedBank maximise(const BankStatistics& statistics, const Bank& previous, const Prior& prior) {
  return statistics.family->maximise(statistics, prior, previous,
                                     std::vector<bool>(static_cast<std::size_t>(previous.size()), false));
}

inline double difference(const BankStatistics& a, const BankStatistics& b) {
  return std::max(difference(a.weight, b.weight), difference(a.moments, b.moments));
}

inline bool same_bits(const BankStatistics& a, const BankStatistics& b) {
  return a.family == b.family && same_bits(a.weight, b.weight) && same_bits(a.moments, b.moments);
}

// The largest difference of means, relative to `unit`, and of covariances, relative to the largest.
inline void check_equal(const std::vector<Gaussian>& found, const std::vector<Gaussian>& expected, double tolerance) {
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
