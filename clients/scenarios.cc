#include "clients/scenarios.h"

#include <Eigen/QR>
#include <cmath>
#include <string>

#include "emulsion/wire/quoted.h"

namespace emulsion::client {
namespace {

constexpr Index kDimension = 2;
constexpr Index kComponents = 3;
constexpr double kSeparation = 8;
constexpr double kMissingFraction = 0.1;
constexpr double kOutlierFraction = 0.05;

// Changes happen in the middle third, so that there is a calm before and after.
constexpr double kChangeBegins = 1.0 / 3;
constexpr double kChangeEnds = 2.0 / 3;

double separation(const ScenarioOptions& options) { return options.separation.value_or(kSeparation); }

Eigen::VectorXd normal_vector(Index d, Random& random) {
  Eigen::VectorXd vector(d);
  for (Index i = 0; i < d; ++i) vector[i] = random.normal();
  return vector;
}

// Standard deviations from 0.5 to 1 along random axes.
Eigen::MatrixXd random_covariance(Index d, Random& random) {
  Eigen::MatrixXd directions(d, d);
  Eigen::VectorXd variances(d);
  for (Index i = 0; i < d; ++i) {
    directions.col(i) = normal_vector(d, random);
    variances[i] = std::pow(random.uniform(0.5, 1), 2);
  }
  const Eigen::MatrixXd axes = directions.householderQr().householderQ();
  const Eigen::MatrixXd covariance = axes * variances.asDiagonal() * axes.transpose();
  return (covariance + covariance.transpose()) / 2;  // symmetric to the last bit
}

// Means that are at least `distance` from each other and from the `taken` ones. The box they are drawn from grows with
// every draw that is too close, so that there is always an end.
std::vector<Eigen::VectorXd> separated_means(Index count, Index d, double distance, Random& random,
                                             const std::vector<Eigen::VectorXd>& taken = {}) {
  std::vector<Eigen::VectorXd> means;
  double side = 2 * distance;
  const auto is_close = [&](const Eigen::VectorXd& a, const Eigen::VectorXd& b) { return (a - b).norm() < distance; };
  while (static_cast<Index>(means.size()) < count) {
    Eigen::VectorXd mean(d);
    for (Index i = 0; i < d; ++i) mean[i] = random.uniform(-side / 2, side / 2);
    bool close = false;
    for (const auto& other : means) close = close || is_close(mean, other);
    for (const auto& other : taken) close = close || is_close(mean, other);
    if (close) {
      side *= 1.01;
    } else {
      means.push_back(mean);
    }
  }
  return means;
}

// Separated components that stay as they are, with weights that differ by up to a factor of two.
ScenarioPlan still_plan(const ScenarioOptions& options, Random& random) {
  const Index d = options.dimension.value_or(kDimension);
  ScenarioPlan plan;
  for (auto& mean : separated_means(options.components.value_or(kComponents), d, separation(options), random)) {
    const double weight = random.uniform(1, 2);
    plan.tracks.push_back({{{0, weight, std::move(mean)}}, random_covariance(d, random)});
  }
  return plan;
}

Result<ScenarioPlan> stationary(const ScenarioOptions& options, Random& random) { return still_plan(options, random); }

Result<ScenarioPlan> two_gaussians(const ScenarioOptions& options, Random&) {
  if (options.dimension.value_or(2) != 2 || options.components.value_or(2) != 2 || options.separation) {
    return fail("two-gaussians has 2 components in 2 dimensions, always at the same distance");
  }
  const auto component = [](double x, double y, double variance_x, double variance_y) {
    return Track{{{0, 1, Eigen::Vector2d(x, y)}}, Eigen::Vector2d(variance_x, variance_y).asDiagonal()};
  };
  return ScenarioPlan{{component(0, 5, 2, 3), component(5, 0, 4, 1)}, 0, 0};
}

// All go the same way, at speeds that differ by up to a factor of two: none comes closer to another than half the
// separation.
Result<ScenarioPlan> drift(const ScenarioOptions& options, Random& random) {
  ScenarioPlan plan = still_plan(options, random);
  const Eigen::VectorXd way = normal_vector(plan.dimension(), random).normalized() * separation(options);
  for (Track& track : plan.tracks) {
    const Keyframe start = track.keyframes.front();
    track.keyframes.push_back({1, start.weight, start.mean + random.uniform(0.5, 1) * way});
  }
  return plan;
}

Result<ScenarioPlan> abrupt(const ScenarioOptions& options, Random& random) {
  ScenarioPlan plan = still_plan(options, random);
  std::vector<Eigen::VectorXd> before;
  for (const Track& track : plan.tracks) before.push_back(track.keyframes.front().mean);
  const auto after =
      separated_means(static_cast<Index>(plan.tracks.size()), plan.dimension(), separation(options), random, before);
  for (std::size_t k = 0; k < plan.tracks.size(); ++k) {
    const Keyframe start = plan.tracks[k].keyframes.front();
    plan.tracks[k].keyframes.push_back({0.5, start.weight, start.mean});
    plan.tracks[k].keyframes.push_back({0.5, start.weight, after[k]});
  }
  return plan;
}

// The last component goes from one weight to another in the middle third; the others share the rest.
ScenarioPlan plan_of_growth(const ScenarioOptions& options, Random& random, double from, double to) {
  ScenarioPlan plan = still_plan(options, random);
  auto& frames = plan.tracks.back().keyframes;
  const Keyframe start = frames.front();
  frames = {{kChangeBegins, from * start.weight, start.mean}, {kChangeEnds, to * start.weight, start.mean}};
  return plan;
}

Result<ScenarioPlan> born(const ScenarioOptions& options, Random& random) {
  return plan_of_growth(options, random, 0, 1);
}

Result<ScenarioPlan> dying(const ScenarioOptions& options, Random& random) {
  return plan_of_growth(options, random, 1, 0);
}

// The last two components are one, and move apart in the middle third. While they are one, all points are the first
// one's.
Result<ScenarioPlan> splitting(const ScenarioOptions& options, Random& random) {
  ScenarioPlan plan = still_plan(options, random);
  Track& parent = plan.tracks[plan.tracks.size() - 2];
  Track& child = plan.tracks.back();
  child.covariance = parent.covariance;
  const Keyframe whole = parent.keyframes.front();
  const double half = whole.weight / 2;
  const Eigen::VectorXd apart = child.keyframes.front().mean;
  parent.keyframes = {{kChangeBegins, whole.weight, whole.mean}, {kChangeBegins, half, whole.mean}};
  child.keyframes = {{kChangeBegins, 0, whole.mean}, {kChangeBegins, half, whole.mean}, {kChangeEnds, half, apart}};
  return plan;
}

// Splitting backwards.
Result<ScenarioPlan> merging(const ScenarioOptions& options, Random& random) {
  Result<ScenarioPlan> plan = splitting(options, random);
  for (Track& track : plan->tracks) {
    std::vector<Keyframe> backwards(track.keyframes.rbegin(), track.keyframes.rend());
    for (Keyframe& frame : backwards) frame.when = frame.when == kChangeBegins ? kChangeEnds : kChangeBegins;
    track.keyframes = std::move(backwards);
  }
  return plan;
}

Result<ScenarioPlan> missing(const ScenarioOptions& options, Random& random) {
  ScenarioPlan plan = still_plan(options, random);
  plan.missing_fraction = options.fraction.value_or(kMissingFraction);
  return plan;
}

Result<ScenarioPlan> outliers(const ScenarioOptions& options, Random& random) {
  ScenarioPlan plan = still_plan(options, random);
  plan.outlier_fraction = options.fraction.value_or(kOutlierFraction);
  return plan;
}

Result<void> check(std::string_view name, const ScenarioOptions& options) {
  const auto outside = [](const char* option, const std::string& allowed) {
    return fail(std::string(option) + " is out of range; allowed: " + allowed);
  };
  const bool has_fraction = name == "missing" || name == "outliers";
  const Index least_components = name == "born" || name == "dying" || name == "splitting" || name == "merging" ? 2 : 1;
  const Index least_dimension = name == "missing" ? 2 : 1;
  const Index dimension = options.dimension.value_or(kDimension);
  const Index components = options.components.value_or(kComponents);
  if (options.points < 1 || options.points > 1'000'000'000'000'000) return outside("points", "1 to 10^15");
  if (dimension < least_dimension || dimension > 1024) {
    return outside("dimension", std::to_string(least_dimension) + " to 1024");
  }
  if (components < least_components || components > 1024) {
    return outside("components", std::to_string(least_components) + " to 1024");
  }
  if (!(separation(options) > 0 && separation(options) <= 1000)) return outside("separation", "above 0, up to 1000");
  if (options.fraction && !has_fraction)
    return fail("fraction is an option of the scenarios missing and outliers alone");
  if (options.fraction && !(*options.fraction >= 0 && *options.fraction <= 0.9)) return outside("fraction", "0 to 0.9");
  return {};
}

}  // namespace

const std::vector<ScenarioEntry>& scenarios() {
  static const std::vector<ScenarioEntry> entries = {
      {"stationary", "well separated clusters that stay as they are", stationary},
      {"two-gaussians", "means (0,5) and (5,0), variances (2,3) and (4,1), equal weights", two_gaussians},
      {"drift", "clusters that move slowly in a straight line", drift},
      {"abrupt", "clusters that all jump elsewhere half way", abrupt},
      {"born", "a cluster that appears in the middle third", born},
      {"dying", "a cluster that fades away in the middle third", dying},
      {"splitting", "a cluster that becomes two in the middle third", splitting},
      {"merging", "two clusters that become one in the middle third", merging},
      {"missing", "stationary, with a fraction of the coordinates missing", missing},
      {"outliers", "stationary, with a fraction of the points far from every cluster, labelled -1", outliers},
  };
  return entries;
}

Result<ScenarioPlan> plan_scenario(std::string_view name, const ScenarioOptions& options, Random& random) {
  std::string allowed;
  for (const ScenarioEntry& entry : scenarios()) {
    if (entry.name == name) {
      if (const Result<void> checked = check(name, options); !checked) return tl::unexpected(checked.error());
      return entry.plan(options, random);
    }
    allowed += (allowed.empty() ? "" : ", ");
    allowed += entry.name;
  }
  return fail("no scenario " + wire::quoted(name) + "; there are: " + allowed);
}

}  // namespace emulsion::client
