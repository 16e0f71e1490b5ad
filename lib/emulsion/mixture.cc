#include "emulsion/mixture.h"

#include <cassert>
#include <cmath>

namespace emulsion {
namespace {

// A density so low that nothing can be lower, yet it can still be added up.
constexpr double kLowestLogDensity = -1e300;

// What a point that is noise counts in the stream's own scale, where there are others.
constexpr double kShareOfNoise = 1e-100;

// A responsibility below exp of this, 1e-100, is 0: it could change nothing, and its products would be denormal and slow.
constexpr double kNegligible = -230;

}  // namespace

Expectation::Expectation(Index components)
    : responsibilities(LaneMatrix::Zero(kTilePoints, components)),
      log_density(Eigen::Array<double, kTilePoints, 1>::Zero()),
      most_probable{} {}

Mixture::Mixture(std::vector<std::shared_ptr<const Bank>> banks, Eigen::VectorXd weights)
    : banks_(std::move(banks)), weights_(std::move(weights)), log_weights_(weights_.array().log()) {
  assert(!banks_.empty());
}

void Mixture::expect(const Tile& tile, LaneRange lanes, Expectation& out) const {
  Index first = 0;
  for (const auto& bank : banks_) {
    bank->log_densities(tile, lanes, out.responsibilities, first);
    first += bank->size();
  }
  using Lane = Eigen::Array<double, kLanes, 1>;
  for (Index row = lanes.begin; row < lanes.end; row += kLanes) {
    Lane highest = Lane::Constant(kLowestLogDensity);
    Eigen::Array<Index, kLanes, 1> best = Eigen::Array<Index, kLanes, 1>::Zero();
    for (Index k = 0; k < size(); ++k) {
      auto joint = out.responsibilities.block<kLanes, 1>(row, k);
      // Written so that a density that is not a number counts as the lowest.
      joint = (joint > kLowestLogDensity).select(joint + log_weights_[k], kLowestLogDensity);
      best = (joint > highest).select(k, best);
      highest = highest.max(joint);
    }
    Lane sum = Lane::Zero();
    for (Index k = 0; k < size(); ++k) {
      auto joint = out.responsibilities.block<kLanes, 1>(row, k);
      joint -= highest;
      joint = (joint > kNegligible).select(joint.exp(), 0.0);
      sum += joint;
    }
    out.log_density.segment<kLanes>(row) = highest + sum.log();
    for (Index k = 0; k < size(); ++k) out.responsibilities.block<kLanes, 1>(row, k) /= sum;
    for (Index lane = 0; lane < kLanes; ++lane) out.most_probable[static_cast<std::size_t>(row + lane)] = best[lane];
  }
}

Statistics Mixture::accumulate(const Tile& tile, const Expectation& expectation, Assignment assignment) const {
  const Eigen::Array<double, kTilePoints, 1> weights = tile.decayed_weights();
  LaneMatrix shares(kTilePoints, size());
  if (assignment == Assignment::soft) {
    for (Index k = 0; k < size(); ++k) shares.col(k) = weights * expectation.responsibilities.col(k);
  } else {
    shares.setZero();
    for (Index row = 0; row < tile.size(); ++row)
      shares(row, expectation.most_probable[static_cast<std::size_t>(row)]) = weights[row];
  }
  for (Index row = tile.size(); row < kTilePoints; ++row) shares.row(row).setZero();

  Statistics statistics;
  Eigen::Array<double, kTilePoints, 1> noise = Eigen::Array<double, kTilePoints, 1>::Zero();
  Index first = 0;
  for (const auto& bank : banks_) {
    statistics.banks.push_back(bank->accumulate(tile, shares, first));
    if (bank->family().is_noise()) noise += shares.middleCols(first, bank->size()).rowwise().sum();
    first += bank->size();
  }
  statistics.coordinates = coordinate_moments(tile, (weights - noise).max(kShareOfNoise * weights));
  statistics.weight = weights.sum();
  for (Index row = 0; row < tile.size(); ++row) statistics.log_likelihood += weights[row] * expectation.log_density[row];
  return statistics;
}

Statistics Mixture::empty_statistics() const {
  Statistics statistics;
  for (const auto& bank : banks_) statistics.banks.push_back(bank->family().empty(dimension(), bank->size()));
  statistics.coordinates = CoordinateMoments::none(dimension());
  return statistics;
}

Result<MaximisedMixture> maximise(const Statistics& statistics, const PriorOptions& prior_options, const Mixture& previous,
                                  double starved_below_points) {
  for (const BankStatistics& bank : statistics.banks)
    if (!bank.failure.empty()) return fail(bank.failure);
  if (!all_finite(statistics)) return fail("the statistics of the mini-batch hold a number that is not finite");
  const Prior prior{prior_options, variances(statistics.coordinates), statistics.coordinates.mean, statistics.coordinates.lowest,
                    statistics.coordinates.highest};
  const double total = statistics.weight + prior_options.weight_points * static_cast<double>(previous.size());
  if (!(total > 0)) return fail("the statistics have no points");

  MaximisedMixture maximised;
  std::vector<std::shared_ptr<const Bank>> banks;
  Eigen::VectorXd weights(previous.size());
  Index first = 0;
  for (std::size_t b = 0; b < previous.banks().size(); ++b) {
    const BankStatistics& bank = statistics.banks[b];
    std::vector<bool> starved;
    for (Index k = 0; k < bank.weight.size(); ++k) {
      starved.push_back(!(bank.weight[k] > 0) || bank.weight[k] < starved_below_points);
      weights[first + k] = (bank.weight[k] + prior_options.weight_points) / total;
    }
    MaximisedBank result = bank.family->maximise(bank, prior, *previous.banks()[b], starved);
    if (!result.failure.empty()) return fail(result.failure);
    banks.push_back(std::move(result.bank));
    maximised.repairs.insert(maximised.repairs.end(), result.repairs.begin(), result.repairs.end());
    maximised.starved.insert(maximised.starved.end(), starved.begin(), starved.end());
    first += bank.weight.size();
  }
  weights /= weights.sum();
  maximised.mixture = std::make_shared<const Mixture>(std::move(banks), std::move(weights));
  return maximised;
}

}  // namespace emulsion
