#include "bench/emulsion_steps.h"

#include <algorithm>
#include <limits>
#include <span>
#include <stdexcept>

#include "emulsion/em_pass.h"
#include "emulsion/families.h"
#include "emulsion/learner.h"
#include "emulsion/mixture.h"
#include "emulsion/snapshot.h"

namespace emulsion::bench {
namespace {

template <typename T>
T value_of(Result<T> result) {
  if (!result) throw std::invalid_argument(result.error().message);
  return std::move(*result);
}

const char* family_of(const DataSet& data) { return data.diagonal ? "gaussian(diagonal)" : "gaussian(full)"; }

// P x K, in the layout of the family: mean, then variances, or the lower triangle row by row.
Eigen::MatrixXd packed(const DataSet& data) {
  const Index d = data.dimension();
  Eigen::MatrixXd parameters(data.diagonal ? 2 * d : d + d * (d + 1) / 2, data.components());
  parameters.topRows(d) = data.means;
  for (Index k = 0; k < data.components(); ++k) {
    const Eigen::MatrixXd& covariance = data.covariances[static_cast<std::size_t>(k)];
    Index at = d;
    for (Index i = 0; i < d; ++i)
      for (Index j = data.diagonal ? i : 0; j <= i; ++j) parameters(at++, k) = covariance(i, j);
  }
  return parameters;
}

std::shared_ptr<const Mixture> start_of(const DataSet& data) {
  const Family* family = value_of(find_family(family_of(data)));
  auto bank = value_of(family->unpack(packed(data), data.dimension()));
  return std::make_shared<const Mixture>(std::vector<std::shared_ptr<const Bank>>{std::move(bank)}, data.weights);
}

PointBatch batch_of(const DataSet& data, const Incomplete& incomplete = {}) {
  PointBatch batch;
  batch.points = data.points;
  const Index stride = incomplete.spread && incomplete.count > 0 ? data.size() / incomplete.count : 1;
  for (Index i = 0; i < incomplete.count; ++i) batch.points(i % data.dimension(), i * stride) = std::numeric_limits<double>::quiet_NaN();
  return batch;
}

}  // namespace

struct BatchSteps::Parts {
  Parts(const DataSet& data, int threads, bool may_skip, const Incomplete& incomplete)
      : start(start_of(data)), tiles(cut_tiles(batch_of(data, incomplete))), workers(threads), skip(may_skip) {
    prior.covariance_points = 0;
    prior.weight_points = 0;
  }

  // Of so few tiles em_pass does not ask which components matter.
  static constexpr std::size_t kTilesNotScreened = 32;

  Statistics expect(const Mixture& mixture) {
    if (skip) return em_pass(mixture, tiles, Assignment::soft, workers);
    Statistics total = mixture.empty_statistics();
    const std::span<const Tile> all(tiles);
    for (std::size_t first = 0; first < all.size(); first += kTilesNotScreened)
      merge(total, em_pass(mixture, all.subspan(first, std::min(kTilesNotScreened, all.size() - first)), Assignment::soft, workers));
    return total;
  }

  std::shared_ptr<const Mixture> step() { return value_of(maximise(expect(*start), prior, *start, 0, workers)).mixture; }

  std::shared_ptr<const Mixture> start;
  std::vector<Tile> tiles;
  PriorOptions prior;
  Workers workers;
  bool skip;
};

BatchSteps::BatchSteps(const DataSet& data, int threads, bool skip, const Incomplete& incomplete)
    : parts_(std::make_unique<Parts>(data, threads, skip, incomplete)) {}
BatchSteps::~BatchSteps() = default;

void BatchSteps::step() { parts_->step(); }

double BatchSteps::log_likelihood() {
  const auto after = parts_->step();
  const Statistics statistics = parts_->expect(*after);
  return statistics.log_likelihood / statistics.weight;
}

struct StreamSteps::Parts {
  Parts(Learner started, const DataSet& data, Index message_rows) : learner(std::move(started)) {
    const PointBatch all = batch_of(data);
    for (Index first = 0; first < all.size(); first += message_rows)
      messages.push_back(all.slice(first, std::min(message_rows, all.size() - first)));
  }

  Learner learner;
  std::vector<PointBatch> messages;
};

StreamSteps::StreamSteps(const DataSet& data, Index message_rows, Index batch_points, int threads) {
  LearnerOptions options;
  options.family = family_of(data);
  options.components = data.components();
  options.batch_points = batch_points;
  options.threads = threads;
  Snapshot model = snapshot_of(*start_of(data));
  model.effective_sample_size = 1000;
  for (ComponentSnapshot& component : model.components) component.effective_sample_size = 1000 * component.weight;
  parts_ = std::make_unique<Parts>(value_of(Learner::start_from(options, model)), data, message_rows);
}

StreamSteps::~StreamSteps() = default;

void StreamSteps::step() {
  for (const PointBatch& message : parts_->messages) parts_->learner.learn(message, false);
}

}  // namespace emulsion::bench
