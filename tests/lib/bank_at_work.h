// Short ways to ask a bank about some points.
#pragma once

#include <catch2/catch.hpp>

#include "emulsion/families.h"
#include "emulsion/statistics.h"
#include "lib/sample.h"

namespace emulsion::testing {

// The family of that name, which there is.
const Family& known_family(const std::string& name);

// Why there is no family of that name.
std::string refusal_of(const std::string& name);

Tile tile_of(const Eigen::MatrixXd& points);

// n x K
Eigen::MatrixXd log_densities(const Bank& bank, const Tile& tile);

// Under a bank of one component.
double log_density_at(const Bank& bank, const Eigen::VectorXd& point);

// The statistics of up to 256 points (d x n), given how much of each belongs to each component (n x K).
BankStatistics statistics_of(const Bank& bank, const Eigen::MatrixXd& points, const Eigen::MatrixXd& shares);

Eigen::MatrixXd some_shares(Index n, Index components, std::uint64_t seed);

// As a stream of these points gives it.
Prior prior_of(const Eigen::MatrixXd& points, const PriorOptions& options);

MaximisedBank maximise(const BankStatistics& statistics, const Bank& previous, const Prior& prior);

BankStatistics merged(BankStatistics a, const BankStatistics& b);

BankStatistics scaled(BankStatistics a, double factor);

double difference(const BankStatistics& a, const BankStatistics& b);

bool same_bits(const BankStatistics& a, const BankStatistics& b);

}  // namespace emulsion::testing
