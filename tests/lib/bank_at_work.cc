#include "lib/bank_at_work.h"

namespace emulsion::testing {

const Family& known_family(const std::string& name) {
  const auto found = find_family(name);
  if (!found) FAIL(found.error().message);
  return **found;
}

std::string refusal_of(const std::string& name) {
  const auto found = find_family(name);
  return found ? "accepted" : found.error().message;
}

Tile tile_of(const Eigen::MatrixXd& points) {
  Tile tile(points.rows());
  for (Index i = 0; i < points.cols(); ++i) tile.push(points.col(i).data(), 1, 1);
  return tile;
}

Eigen::MatrixXd log_densities(const Bank& bank, const Tile& tile) {
  LaneMatrix out = LaneMatrix::Constant(kTilePoints, bank.size(), std::nan(""));
  bank.log_densities(tile, covering_lanes(0, tile.size()), out, 0);
  return out.topRows(tile.size());
}

double log_density_at(const Bank& bank, const Eigen::VectorXd& point) {
  return log_densities(bank, tile_of(point))(0, 0);
}

BankStatistics statistics_of(const Bank& bank, const Eigen::MatrixXd& points, const Eigen::MatrixXd& shares) {
  LaneMatrix padded = LaneMatrix::Zero(kTilePoints, shares.cols());
  padded.topRows(shares.rows()) = shares.array();
  BankStatistics statistics = bank.family().empty(bank.dimension(), bank.size());
  bank.accumulate(tile_of(points), padded, 0, statistics);
  return statistics;
}

Eigen::MatrixXd some_shares(Index n, Index components, std::uint64_t seed) {
  Sampler sampler(seed);
  Eigen::MatrixXd shares(n, components);
  for (Index i = 0; i < n; ++i) {
    for (Index k = 0; k < components; ++k) shares(i, k) = sampler.uniform();
    shares.row(i) /= shares.row(i).sum();
  }
  return shares;
}

Prior prior_of(const Eigen::MatrixXd& points, const PriorOptions& options) {
  CoordinateMoments moments = CoordinateMoments::none(points.rows());
  for (Index first = 0; first < points.cols(); first += kTilePoints) {
    const Index n = std::min(kTilePoints, points.cols() - first);
    const Tile tile = tile_of(points.middleCols(first, n));
    Statistics all{{}, moments}, part{{}, coordinate_moments(tile, tile.decayed_weights())};
    merge(all, part);
    moments = all.coordinates;
  }
  return {options, variances(moments), moments.mean, moments.lowest, moments.highest};
}

MaximisedBank maximise(const BankStatistics& statistics, const Bank& previous, const Prior& prior) {
  return statistics.family->maximise(statistics, prior, previous,
                                     std::vector<bool>(static_cast<std::size_t>(previous.size()), false), Workers::alone());
}

BankStatistics merged(BankStatistics a, const BankStatistics& b) {
  a.family->merge(a, b);
  return a;
}

BankStatistics scaled(BankStatistics a, double factor) {
  a.family->scale(a, factor);
  return a;
}

double difference(const BankStatistics& a, const BankStatistics& b) {
  const double moments = a.moments.size() == 0 && b.moments.size() == 0 ? 0 : difference(a.moments, b.moments);
  return std::max(difference(a.weight, b.weight), moments);
}

bool same_bits(const BankStatistics& a, const BankStatistics& b) {
  return a.family == b.family && same_bits(a.weight, b.weight) && same_bits(a.moments, b.moments);
}

}  // namespace emulsion::testing
