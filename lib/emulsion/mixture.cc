#include "emulsion/mixture.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <optional>

#include "emulsion/kernels/kernels.h"
#include "emulsion/prefetch.h"
#include "emulsion/screen.h"

namespace emulsion {
namespace {

// A density so low that nothing can be lower, yet it can still be added up.
constexpr double kLowestLogDensity = -1e300;

// What a point that is noise counts in the stream's own scale, where there are others.
constexpr double kShareOfNoise = 1e-100;

// A responsibility below exp of this, 2e-16, is 0: it is the rounding error of the others, and need not be worked on.
constexpr double kNegligible = -36;

// Lists `count` components from `first` on for every block.
void list_all(LaneRange lanes, Index first, Index count, Index components, kernels::ListedComponents& listed) {
  for (Index block = lanes.begin / kLanes; block < lanes.end / kLanes; ++block)
    for (Index k = 0; k < count; ++k)
      listed.lists[static_cast<std::size_t>(block * components + listed.counts[static_cast<std::size_t>(block)]++)] =
          static_cast<std::int32_t>(first + k);
}

// Sets what each row counts for each component.
void weigh(const Tile& tile, const Eigen::Array<double, kTilePoints, 1>& weights, Expectation& expectation, Assignment assignment) {
  // Faded so far, a share counts for nothing, but sums of nothing else would lose their digits below the least normal number.
  constexpr double kLeastShare = 1e-200;
  LaneMatrix& shares = expectation.shares;
  const Index rows = covering_lanes(0, tile.size()).end;
  if (assignment == Assignment::soft) {
    kernels::weigh(expectation.responsibilities.data(), shares.cols(), weights.data(), kLeastShare, rows, shares.data());
  } else {
    shares.topRows(rows).setZero();
    for (Index row = 0; row < tile.size(); ++row)
      if (weights[row] >= kLeastShare) shares(row, expectation.most_probable[static_cast<std::size_t>(row)]) = weights[row];
  }
  if (expectation.shared_rows > rows) shares.middleRows(rows, expectation.shared_rows - rows).setZero();
  expectation.shared_rows = rows;
}

}  // namespace

Expectation::Expectation(Index components)
    : responsibilities(LaneMatrix::Zero(kTilePoints, components)),
      log_density(Eigen::Array<double, kTilePoints, 1>::Zero()),
      most_probable{},
      listed{},
      shares(LaneMatrix::Zero(kTilePoints, components)) {}

void Expectation::clear_lists(LaneRange lanes) {
  const Index components = responsibilities.cols();
  if (!sparse) {
    responsibilities.setZero();
    listed.lists.resize(static_cast<std::size_t>(kTilePoints / kLanes * components));
    listed.counts.fill(0);
    sparse = true;
  }
  for (Index block = lanes.begin / kLanes; block < lanes.end / kLanes; ++block) {
    const std::int32_t* const list = listed.lists.data() + block * components;
    std::int32_t& count = listed.counts[static_cast<std::size_t>(block)];
    for (Index n = 0; n < count; ++n) std::fill_n(responsibilities.col(list[n]).data() + block * kLanes, kLanes, 0.0);
    count = 0;
  }
}

Mixture::Mixture(std::vector<std::shared_ptr<const Bank>> banks, Eigen::VectorXd weights)
    : banks_(std::move(banks)), weights_(std::move(weights)), log_weights_(weights_.array().log()) {
  assert(!banks_.empty());
}

Mixture Mixture::screened() const {
  Mixture copy = *this;
  bool any = false;
  copy.screens_.clear();
  for (const auto& bank : banks_) {
    copy.screens_.push_back(bank->screen());
    any |= copy.screens_.back() != nullptr;
  }
  if (!any) copy.screens_.clear();
  return copy;
}

void Mixture::expect(const Tile& tile, LaneRange lanes, Expectation& out) const {
  const bool listing = !screens_.empty();
  if (listing)
    out.clear_lists(lanes);
  else
    out.sparse = false;
  Index first = 0;
  for (std::size_t b = 0; b < banks_.size(); ++b) {
    const Bank& bank = *banks_[b];
    if (listing && screens_[b] != nullptr) {
      screens_[b]->log_densities(
          tile, lanes, log_weights_.data() + first, kNegligible, out.responsibilities, first, out.listed,
          [&](Index k, RowNumbers rows, double* densities) { bank.log_densities_of(tile, k, rows, densities); });
      bank.set_incomplete(tile, lanes, out.responsibilities, first);
    } else {
      bank.log_densities(tile, lanes, out.responsibilities, first);
      if (listing) list_all(lanes, first, bank.size(), size(), out.listed);
    }
    first += bank.size();
  }
  kernels::posteriors(out.responsibilities.data(), size(), log_weights_.data(), kLowestLogDensity, kNegligible, lanes,
                      listing ? &out.listed : nullptr, out.log_density.data(), out.most_probable.data());
}

void Mixture::accumulate(const Tile& tile, Expectation& expectation, Assignment assignment, Statistics& statistics) const {
  // Points that all count 1 need neither be weighed, nor to be asked what they count.
  const bool all_one = tile.is_plain();
  const bool as_they_are = all_one && tile.full() && assignment == Assignment::soft;
  Eigen::Array<double, kTilePoints, 1> weights;
  if (!as_they_are) {
    weights = tile.decayed_weights();
    weigh(tile, weights, expectation, assignment);
  }
  const LaneMatrix& shares = as_they_are ? expectation.responsibilities : expectation.shares;

  clear(statistics);
  bool noise = false;
  Index first = 0;
  for (std::size_t b = 0; b < banks_.size(); ++b) {
    const Bank& bank = *banks_[b];
    bank.accumulate(tile, shares, first, statistics.banks[b]);
    noise |= bank.family().is_noise();
    first += bank.size();
  }
  statistics.weight = all_one ? static_cast<double>(tile.size()) : kernels::weighted_sum(weights.data(), tile.size(), nullptr);
  statistics.log_likelihood = kernels::weighted_sum(expectation.log_density.data(), tile.size(), all_one ? nullptr : weights.data());
  if (noise) {
    if (as_they_are) weights.setOnes();
    take_noise_off(weights, shares);
    set_coordinate_moments(tile, weights.data(), statistics.coordinates);
  } else {
    set_coordinate_moments(tile, all_one ? nullptr : weights.data(), statistics.coordinates);
  }
}

// Leaves of what each row counts what it counts besides noise.
void Mixture::take_noise_off(Eigen::Array<double, kTilePoints, 1>& weights, const LaneMatrix& shares) const {
  Eigen::Array<double, kTilePoints, 1> signal = weights;
  Index first = 0;
  for (const auto& bank : banks_) {
    if (bank->family().is_noise()) signal -= shares.middleCols(first, bank->size()).rowwise().sum();
    first += bank->size();
  }
  weights = signal.max(kShareOfNoise * weights);
}

void Mixture::prefetch(int step) const {
  if (step == 0) return prefetch_object(*this);
  if (step == 1) {
    prefetch_numbers(banks_);
    prefetch_numbers(log_weights_);
    return;
  }
  for (const auto& bank : banks_) bank->prefetch(step - 2);
}

Statistics Mixture::empty_statistics() const {
  Statistics statistics;
  for (const auto& bank : banks_) statistics.banks.push_back(bank->family().empty(dimension(), bank->size()));
  statistics.coordinates = CoordinateMoments::none(dimension());
  return statistics;
}

bool Mixture::leaves(const Statistics& statistics) const {
  const auto same = [](const BankStatistics& of_bank, const std::shared_ptr<const Bank>& bank) {
    return of_bank.family == &bank->family() && of_bank.weight.size() == bank->size();
  };
  return statistics.coordinates.mean.size() == dimension() &&
         std::equal(statistics.banks.begin(), statistics.banks.end(), banks_.begin(), banks_.end(), same);
}

Result<MaximisedMixture> maximise(const Statistics& statistics, const PriorOptions& prior_options, const Mixture& previous,
                                  double starved_below_points, Workers& workers) {
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
    MaximisedBank result = bank.family->maximise(bank, prior, *previous.banks()[b], starved, workers);
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

Result<MaximisedMixture> maximise(const Statistics& statistics, const PriorOptions& prior, const Mixture& previous,
                                  double starved_below_points) {
  return maximise(statistics, prior, previous, starved_below_points, Workers::alone());
}

}  // namespace emulsion
