#include "emulsion/seeding.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "emulsion/em_pass.h"
#include "emulsion/families.h"
#include "emulsion/random.h"

namespace emulsion {
namespace {

constexpr int kLloydIterations = 10;
constexpr Index kScreeningPasses = 5;     // EM passes before the starts are compared
constexpr double kSmallestGain = 1e-7;    // nats per point: less than this and EM has arrived

// Points as k-means sees them: missing coordinates at their mean, every coordinate of variance 1.
struct Standardised {
  Eigen::MatrixXd points;      // d x n
  Eigen::VectorXd weights;     // n, the largest one is 1
  Eigen::VectorXd mean;        // d
  Eigen::VectorXd deviations;  // d
};

Standardised standardise(const PointBatch& batch) {
  const Index d = batch.dimension();
  const Index n = batch.size();
  Standardised result{batch.points, Eigen::VectorXd(n), Eigen::VectorXd(d), Eigen::VectorXd(d)};
  for (Index i = 0; i < n; ++i) result.weights[i] = batch.weight(i);
  result.weights /= result.weights.maxCoeff();  // only their proportions matter, and so sums of squares stay finite
  CoordinateMoments moments{Eigen::VectorXd::Zero(d), Eigen::VectorXd::Zero(d), Eigen::VectorXd::Zero(d)};
  for (Index j = 0; j < d; ++j) {
    for (Index i = 0; i < n; ++i) {  // Welford (1962)
      const double x = batch.points(j, i);
      if (std::isnan(x)) continue;
      moments.weight[j] += result.weights[i];
      const double shift = x - moments.mean[j];
      moments.mean[j] += shift * result.weights[i] / moments.weight[j];
      moments.squares[j] += result.weights[i] * shift * (x - moments.mean[j]);
    }
  }
  result.mean = moments.mean;
  result.deviations = variances(moments).cwiseSqrt();
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < d; ++j)
      result.points(j, i) = std::isnan(batch.points(j, i)) ? 0.0 : (batch.points(j, i) - result.mean[j]) / result.deviations[j];
  return result;
}

// Squared distance of every point to one place.
Eigen::VectorXd distances_to(const Eigen::MatrixXd& points, const Eigen::VectorXd& place) {
  return (points.colwise() - place).colwise().squaredNorm();
}

// Greedy k-means++: each further centre is the best of a few candidates drawn in proportion to the squared distance.
Eigen::MatrixXd choose_centres(const Standardised& data, Index count, Random& random) {
  Eigen::MatrixXd centres(data.points.rows(), count);
  centres.col(0) = data.points.col(random.pick(data.weights));
  Eigen::VectorXd nearest = distances_to(data.points, centres.col(0));
  const int candidates = 2 + static_cast<int>(std::log(static_cast<double>(count)));
  for (Index k = 1; k < count; ++k) {
    double lowest = std::numeric_limits<double>::infinity();
    Eigen::VectorXd best;
    for (int c = 0; c < candidates; ++c) {
      const Index chosen = random.pick(nearest.cwiseProduct(data.weights));
      const Eigen::VectorXd reduced = nearest.cwiseMin(distances_to(data.points, data.points.col(chosen)));
      const double potential = reduced.dot(data.weights);
      if (potential < lowest) {
        lowest = potential;
        best = reduced;
        centres.col(k) = data.points.col(chosen);
      }
    }
    nearest = best;
  }
  return centres;
}

// Lloyd's algorithm. Returns the centre of each point and moves the centres; one without points stays where it is.
std::vector<Index> improve_centres(const Standardised& data, Eigen::MatrixXd& centres) {
  std::vector<Index> assignment(static_cast<std::size_t>(data.points.cols()), -1);
  for (int iteration = 0; iteration < kLloydIterations; ++iteration) {
    bool changed = false;
    Eigen::MatrixXd sums = Eigen::MatrixXd::Zero(centres.rows(), centres.cols());
    Eigen::VectorXd weights = Eigen::VectorXd::Zero(centres.cols());
    for (Index i = 0; i < data.points.cols(); ++i) {
      Index nearest = 0;
      (centres.colwise() - data.points.col(i)).colwise().squaredNorm().minCoeff(&nearest);
      changed |= assignment[static_cast<std::size_t>(i)] != nearest;
      assignment[static_cast<std::size_t>(i)] = nearest;
      sums.col(nearest) += data.weights[i] * data.points.col(i);
      weights[nearest] += data.weights[i];
    }
    if (!changed) break;
    for (Index k = 0; k < centres.cols(); ++k)
      if (weights[k] > 0) centres.col(k) = sums.col(k) / weights[k];
  }
  return assignment;
}

struct Candidate {
  std::shared_ptr<const Mixture> mixture;
  double mean_log_likelihood = -std::numeric_limits<double>::infinity();
};

class Seeder {
 public:
  Seeder(const PointBatch& batch, const LearnerOptions& options, const Family& family, Workers& workers)
      : options_(options), family_(family), workers_(workers), tiles_(cut_tiles(batch)), data_(standardise(batch)) {}

  std::shared_ptr<const Mixture> run() {
    Random random(options_.seed.random_seed);
    const Index screening = std::min(options_.seed.passes, kScreeningPasses);
    Candidate best;
    for (Index r = 0; r < options_.seed.restarts; ++r) {
      const Candidate candidate = improve(start(random), screening);
      // The first of equals, so that rounding does not decide which of them.
      if (!best.mixture || candidate.mean_log_likelihood > best.mean_log_likelihood + kSmallestGain) best = candidate;
    }
    return improve(best.mixture, options_.seed.passes - screening).mixture;
  }

 private:
  // Components at the centres of k-means, and then one M-step from its hard assignment.
  std::shared_ptr<const Mixture> start(Random& random) {
    const Index components = options_.components;
    Eigen::MatrixXd centres = choose_centres(data_, components, random);
    const std::vector<Index> assignment = improve_centres(data_, centres);
    const Eigen::MatrixXd places = (data_.deviations.asDiagonal() * centres).colwise() + data_.mean;
    const Mixture placed({family_.place(places, data_.deviations.array().square())},
                         Eigen::VectorXd::Constant(components, 1.0 / static_cast<double>(components)));
    Statistics statistics = placed.empty_statistics();
    Expectation expectation(components);
    std::size_t point = 0;
    for (const Tile& tile : tiles_) {
      placed.expect(tile, covering_lanes(0, tile.size()), expectation);
      for (std::size_t row = 0; row < static_cast<std::size_t>(tile.size()); ++row) expectation.most_probable[row] = assignment[point++];
      merge(statistics, placed.accumulate(tile, expectation, Assignment::hard));
    }
    const auto maximised = maximise(statistics, options_.prior, placed, options_.starved_below_points);
    return maximised ? maximised->mixture : std::make_shared<const Mixture>(placed);
  }

  // Some EM passes; fewer if they no longer gain anything.
  Candidate improve(std::shared_ptr<const Mixture> mixture, Index passes) {
    Candidate candidate{std::move(mixture), -std::numeric_limits<double>::infinity()};
    for (Index pass = 0; pass < passes; ++pass) {
      const Statistics statistics = em_pass(*candidate.mixture, tiles_, options_.assignment, workers_);
      const double mean = statistics.log_likelihood / statistics.weight;
      const bool arrived = mean - candidate.mean_log_likelihood < kSmallestGain;
      candidate.mean_log_likelihood = mean;
      auto maximised = maximise(statistics, options_.prior, *candidate.mixture, options_.starved_below_points);
      if (!maximised) break;
      candidate.mixture = maximised->mixture;
      if (arrived) break;
    }
    return candidate;
  }

  const LearnerOptions& options_;
  const Family& family_;
  Workers& workers_;
  std::vector<Tile> tiles_;
  Standardised data_;
};

}  // namespace

Index points_to_seed(const LearnerOptions& options, Index dimension) {
  if (options.seed.points > 0) return options.seed.points;
  return std::max(50 * options.components, 10 * options.components * (dimension + 1));
}

Result<std::shared_ptr<const Mixture>> seed_mixture(const PointBatch& batch, const LearnerOptions& options, Workers& workers) {
  const auto family = find_family(options.family);
  if (!family) return fail(family.error().message);
  return Seeder(batch, options, **family, workers).run();
}

}  // namespace emulsion
