#include "emulsion/seeding.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "emulsion/batch_em.h"
#include "emulsion/em_pass.h"
#include "emulsion/families.h"
#include "emulsion/random.h"

namespace emulsion {
namespace {

constexpr int kLloydIterations = 10;
constexpr std::array kTrims = {0.1, 0.05, 0.2, 0.0};  // fractions of the points that are set aside, if there is noise
constexpr Index kSetAside = -1;         // the cluster of such a point
constexpr Index kScreeningPasses = 30;  // EM passes before the starts are compared
constexpr double kFarthestSeed = 1e100;     // in standard deviations: squares of it can still be added up
constexpr double kSmallestGain = 1e-7;  // as a fraction of the log likelihood: less than this and EM has arrived

// Points as k-means sees them: missing coordinates at their mean, every coordinate of variance 1.
struct Standardised {
  Eigen::MatrixXd points;      // d x n
  Eigen::VectorXd weights;     // n, the largest one is 1
  Eigen::VectorXd mean;        // d
  Eigen::VectorXd deviations;  // d
};

// Where one coordinate has its outliers: below and above these fences, which are as far beyond the middle four fifths of its
// values as these reach.
std::pair<double, double> fences(const PointBatch& batch, Index j) {
  std::vector<std::pair<double, double>> sorted;  // value, weight
  double total = 0;
  for (Index i = 0; i < batch.size(); ++i)
    if (!std::isnan(batch.points(j, i))) sorted.emplace_back(batch.points(j, i), batch.weight(i)), total += batch.weight(i);
  std::sort(sorted.begin(), sorted.end());
  const auto quantile = [&](double fraction) {
    double below = 0;
    for (const auto& [value, weight] : sorted)
      if ((below += weight) >= fraction * total) return value;
    return sorted.empty() ? 0.0 : sorted.back().first;
  };
  const double low = quantile(0.1), high = quantile(0.9);
  if (!(low < high)) return {-HUGE_VAL, HUGE_VAL};
  return {low - (high - low), high + (high - low)};
}

// By mean and variance. With noise, which must not decide the scale, outliers of a coordinate are left out of both. (Quartiles
// would be robust as well, but a coordinate along which clusters lie apart would seem too wide by them, and shrink.)
Standardised standardise(const PointBatch& batch, bool with_noise) {
  const Index d = batch.dimension();
  const Index n = batch.size();
  Standardised result{batch.points, Eigen::VectorXd(n), Eigen::VectorXd(d), Eigen::VectorXd(d)};
  for (Index i = 0; i < n; ++i) result.weights[i] = batch.weight(i);
  result.weights /= result.weights.maxCoeff();  // only their proportions matter, and so sums of squares stay finite
  CoordinateMoments moments = CoordinateMoments::none(d);
  for (Index j = 0; j < d; ++j) {
    const auto [lowest, highest] = with_noise ? fences(batch, j) : std::pair(-HUGE_VAL, HUGE_VAL);
    for (Index i = 0; i < n; ++i) {  // Welford (1962)
      const double x = batch.points(j, i);
      if (!(x >= lowest && x <= highest)) continue;
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
      result.points(j, i) = std::isnan(batch.points(j, i))
                                ? 0.0
                                : std::clamp((batch.points(j, i) - result.mean[j]) / result.deviations[j], -kFarthestSeed, kFarthestSeed);
  return result;
}

// Squared distance of every point to one place.
Eigen::VectorXd distances_to(const Eigen::MatrixXd& points, const Eigen::VectorXd& place) {
  return (points.colwise() - place).colwise().squaredNorm();
}

// The weights (n) without those of the farthest points that make up this fraction of all weight.
Eigen::VectorXd without_farthest(const Eigen::VectorXd& distances, const Eigen::VectorXd& weights, double fraction) {
  Eigen::VectorXd kept = weights;
  if (fraction == 0) return kept;
  std::vector<Index> order(static_cast<std::size_t>(distances.size()));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return distances[a] > distances[b]; });
  double left = fraction * weights.sum();
  for (const Index i : order) {
    if ((left -= weights[i]) < 0) break;
    kept[i] = 0;
  }
  return kept;
}

// Greedy k-means++: each further centre is the best of a few candidates drawn in proportion to the squared distance.
//   trim  fraction of the points, those farthest from all centres, that count for nothing
Eigen::MatrixXd choose_centres(const Standardised& data, Index count, double trim, Random& random) {
  Eigen::MatrixXd centres(data.points.rows(), count);
  centres.col(0) = data.points.col(random.pick(data.weights));
  Eigen::VectorXd nearest = distances_to(data.points, centres.col(0));
  const int candidates = 2 + static_cast<int>(std::log(static_cast<double>(count)));
  for (Index k = 1; k < count; ++k) {
    double lowest = std::numeric_limits<double>::infinity();
    Eigen::VectorXd best;
    for (int c = 0; c < candidates; ++c) {
      const Index chosen = random.pick(nearest.cwiseProduct(without_farthest(nearest, data.weights, trim)));
      const Eigen::VectorXd reduced = nearest.cwiseMin(distances_to(data.points, data.points.col(chosen)));
      const double potential = reduced.dot(without_farthest(reduced, data.weights, trim));
      if (c == 0 || potential < lowest) {
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
//   trim  as above; such points are set aside
std::vector<Index> improve_centres(const Standardised& data, double trim, Eigen::MatrixXd& centres) {
  const Index n = data.points.cols();
  std::vector<Index> assignment;
  std::vector<Index> nearest(static_cast<std::size_t>(n));
  Eigen::VectorXd distances(n);
  for (int iteration = 0; iteration < kLloydIterations; ++iteration) {
    for (Index i = 0; i < n; ++i)
      distances[i] = (centres.colwise() - data.points.col(i)).colwise().squaredNorm().minCoeff(&nearest[static_cast<std::size_t>(i)]);
    const Eigen::VectorXd kept = without_farthest(distances, data.weights, trim);
    Eigen::MatrixXd sums = Eigen::MatrixXd::Zero(centres.rows(), centres.cols());
    Eigen::VectorXd weights = Eigen::VectorXd::Zero(centres.cols());
    for (Index i = 0; i < n; ++i) {
      Index& cluster = nearest[static_cast<std::size_t>(i)];
      if (trim > 0 && kept[i] == 0) cluster = kSetAside;
      if (cluster == kSetAside) continue;
      sums.col(cluster) += kept[i] * data.points.col(i);
      weights[cluster] += kept[i];
    }
    if (nearest == assignment) break;
    assignment = nearest;
    for (Index k = 0; k < centres.cols(); ++k)
      if (weights[k] > 0) centres.col(k) = sums.col(k) / weights[k];
  }
  return assignment;
}

}  // namespace

struct StartingMixtures::State {
  State(const PointBatch& batch, const std::vector<Tile>& given_tiles, const LearnerOptions& given_options, MixtureFormula formula)
      : tiles(given_tiles), options(given_options), random(given_options.seed.random_seed) {
    for (const MixtureTerm& term : formula.terms) {
      const Family* family = *find_family(term.family);
      terms.push_back({family, term.components});
      (family->is_noise() ? noise : placed) += term.components;
    }
    data = standardise(batch, noise > 0);
    CoordinateMoments all = CoordinateMoments::none(batch.dimension());
    for (const Tile& tile : tiles) {
      Statistics whole{{}, std::move(all)};
      merge(whole, Statistics{{}, coordinate_moments(tile, tile.decayed_weights())});
      all = std::move(whole.coordinates);
    }
    middle = 0.5 * all.lowest + 0.5 * all.highest;
    extents = all.highest - all.lowest;
  }

  struct Term {
    const Family* family;
    Index components;
  };

  // The points that k-means gave to the cluster of each component, and where those clusters are.
  struct Clusters {
    Eigen::MatrixXd centres;        // d x placed, in the points' units
    std::vector<Index> assignment;  // n: of which component, counting those that have a place; or set aside
  };

  Clusters clusters() {
    const double trim = noise > 0 ? kTrims[start++ % kTrims.size()] : 0;
    Eigen::MatrixXd centres = choose_centres(data, placed, trim, random);
    std::vector<Index> assignment = improve_centres(data, trim, centres);
    if (terms.size() > 1) {  // which family a cluster is of is left to chance, and to the likelihood
      std::vector<Index> order(static_cast<std::size_t>(placed));
      std::iota(order.begin(), order.end(), Index{0});
      for (Index k = placed - 1; k > 0; --k)
        std::swap(order[static_cast<std::size_t>(k)],
                  order[static_cast<std::size_t>(random.uniform() * static_cast<double>(k + 1))]);
      Eigen::MatrixXd shuffled(centres.rows(), placed);
      for (Index k = 0; k < placed; ++k) shuffled.col(order[static_cast<std::size_t>(k)]) = centres.col(k);
      for (Index& cluster : assignment)
        if (cluster != kSetAside) cluster = order[static_cast<std::size_t>(cluster)];
      centres = std::move(shuffled);
    }
    return {in_units(centres), std::move(assignment)};
  }

  Eigen::MatrixXd in_units(const Eigen::MatrixXd& standardised) const {
    return (data.deviations.asDiagonal() * standardised).colwise() + data.mean;
  }

  // Components at the given places, as wide as told, with equal weights.
  Mixture place(const Eigen::MatrixXd& places, const Eigen::VectorXd& variances) const {
    std::vector<std::shared_ptr<const Bank>> banks;
    Index first = 0;
    for (const Term& term : terms) {
      if (term.family->is_noise()) {
        banks.push_back(term.family->place(middle.replicate(1, term.components), noise_variances()));
      } else {
        banks.push_back(term.family->place(places.middleCols(first, term.components), variances));
        first += term.components;
      }
    }
    return {std::move(banks), Eigen::VectorXd::Constant(placed + noise, 1.0 / static_cast<double>(placed + noise))};
  }

  // Of points spread evenly over the range of all.
  Eigen::VectorXd noise_variances() const {
    return (extents.array() > 0).select(extents.array().square() / 12, data.deviations.array().square());
  }

  std::shared_ptr<const Mixture> at_random() {
    Eigen::MatrixXd places(data.points.rows(), placed);
    Eigen::VectorXd left = data.weights;
    for (Index k = 0; k < placed; ++k) {
      const Index chosen = random.pick(left);
      places.col(k) = data.points.col(chosen);
      left[chosen] = 0;
    }
    return with_noise(place(in_units(places), 0.5 * data.deviations.array().square()));
  }

  // Components at the centres of k-means, and then one M-step from its hard assignment.
  std::shared_ptr<const Mixture> by_clusters() {
    const Clusters found = placed > 0 ? clusters() : Clusters{Eigen::MatrixXd(data.points.rows(), 0), {}};
    const Mixture guess = place(found.centres, data.deviations.array().square());
    if (placed == 0) return std::make_shared<const Mixture>(guess);
    Statistics statistics = guess.empty_statistics();
    Statistics part = guess.empty_statistics();
    Expectation expectation(guess.size());
    std::size_t point = 0;
    const std::vector<Index> positions = positions_of(false);
    const std::vector<Index> noise_positions = positions_of(true);
    const Index set_aside = noise_positions.empty() ? 0 : noise_positions.front();
    for (const Tile& tile : tiles) {
      guess.expect(tile, covering_lanes(0, tile.size()), expectation);
      for (std::size_t row = 0; row < static_cast<std::size_t>(tile.size()); ++row) {
        const Index cluster = found.assignment[point++];
        expectation.most_probable[row] =
            static_cast<std::int32_t>(cluster == kSetAside ? set_aside : positions[static_cast<std::size_t>(cluster)]);
      }
      guess.accumulate(tile, expectation, Assignment::hard, part);
      merge(statistics, part);
    }
    const auto maximised = maximise(statistics, options.prior, guess, options.starved_below_points);
    return with_noise(maximised ? *maximised->mixture : guess);
  }

  // Where in the mixture the components stand that are noise, or those that are not.
  std::vector<Index> positions_of(bool of_noise) const {
    std::vector<Index> positions;
    Index position = 0;
    for (const Term& term : terms)
      for (Index k = 0; k < term.components; ++k, ++position)
        if (term.family->is_noise() == of_noise) positions.push_back(position);
    return positions;
  }

  // Gives each component of noise its share; the others keep their proportions.
  std::shared_ptr<const Mixture> with_noise(const Mixture& mixture) const {
    constexpr double kShare = 0.05;
    if (noise == 0 || placed == 0) return std::make_shared<const Mixture>(mixture);
    const double share = std::min(kShare, 0.5 / static_cast<double>(noise));
    Eigen::VectorXd weights = mixture.weights();
    double others = 0;
    for (const Index position : positions_of(false)) others += weights[position];
    Index position = 0;
    for (const Term& term : terms)
      for (Index k = 0; k < term.components; ++k, ++position)
        weights[position] = term.family->is_noise() ? share : weights[position] / others * (1 - share * static_cast<double>(noise));
    return std::make_shared<const Mixture>(mixture.banks(), std::move(weights));
  }

  const std::vector<Tile>& tiles;
  LearnerOptions options;
  Standardised data;
  Random random;
  std::vector<Term> terms;
  Index placed = 0;
  Index noise = 0;
  Eigen::VectorXd middle;   // d, of the range of all points
  Eigen::VectorXd extents;  // d
  std::size_t start = 0;    // how many there have been
};

StartingMixtures::StartingMixtures(std::unique_ptr<State> state) : state_(std::move(state)) {}
StartingMixtures::~StartingMixtures() = default;
StartingMixtures::StartingMixtures(StartingMixtures&&) noexcept = default;

Result<StartingMixtures> StartingMixtures::make(const PointBatch& batch, const std::vector<Tile>& tiles, const LearnerOptions& options) {
  auto formula = formula_of(options);
  if (!formula) return fail(formula.error().message);
  for (const MixtureTerm& term : formula->terms)
    if (const auto checked = (*find_family(term.family))->check_dimension(batch.dimension()); !checked) return fail(checked.error().message);
  return StartingMixtures(std::make_unique<State>(batch, tiles, options, std::move(*formula)));
}

std::shared_ptr<const Mixture> StartingMixtures::next() {
  return state_->options.seed.kind == SeedKind::random ? state_->at_random() : state_->by_clusters();
}

Index points_to_seed(const LearnerOptions& options, Index dimension) {
  if (options.seed.points > 0) return options.seed.points;
  const auto formula = formula_of(options);
  const Index components = formula ? formula->components() : options.components;
  return std::max(50 * components, 10 * components * (dimension + 1));
}

Result<std::shared_ptr<const Mixture>> seed_mixture(const PointBatch& batch, const LearnerOptions& options, Workers& workers) {
  const std::vector<Tile> tiles = cut_tiles(batch);
  auto starts = StartingMixtures::make(batch, tiles, options);
  if (!starts) return fail(starts.error().message);
  MemoryTiles source(tiles);
  BatchOptions em;
  em.tolerance = kSmallestGain;
  em.assignment = options.assignment;
  em.prior = options.prior;
  em.starved_below_points = options.starved_below_points;

  em.max_iterations = std::min(options.seed.passes, kScreeningPasses);
  BatchIteration best;
  best.mean_log_likelihood = std::numeric_limits<double>::lowest();
  for (Index r = 0; r < options.seed.restarts; ++r) {
    const auto start = starts->next();
    auto fit = batch_em(source, start, em, workers);
    // The first of equals, so that rounding does not decide which of them.
    const double rounding = kSmallestGain * std::abs(best.mean_log_likelihood);
    if (fit && (!best.mixture || !(fit->last.mean_log_likelihood <= best.mean_log_likelihood + rounding)))
      best = std::move(fit->last);
    else if (!best.mixture)
      best.mixture = start;
  }
  em.max_iterations = options.seed.passes - em.max_iterations;
  auto fit = batch_em(source, best.mixture, em, workers);
  return fit ? fit->last.mixture : best.mixture;
}

}  // namespace emulsion
