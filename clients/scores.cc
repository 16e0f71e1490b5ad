#include "clients/scores.h"

#include <cmath>

namespace emulsion::client {

std::vector<std::uint64_t> groups_of(const Mixture& mixture) {
  std::vector<std::uint64_t> groups;
  std::optional<std::uint64_t> noise;
  for (const auto& bank : mixture.banks()) {
    for (Index k = 0; k < bank->size(); ++k) {
      if (!bank->family().is_noise()) {
        groups.push_back(groups.size());
        continue;
      }
      if (!noise) noise = groups.size();
      groups.push_back(*noise);
    }
  }
  return groups;
}

Result<Scores> score_points(const Mixture& mixture, const PointFile& file) {
  Scores scores;
  scores.component_points.resize(static_cast<std::size_t>(mixture.size()));
  if (!file.labels().empty()) scores.agreement.emplace();
  const std::vector<std::uint64_t> groups = groups_of(mixture);
  Expectation expectation(mixture.size());
  FileTiles tiles(file);
  const auto passed = tiles.pass([&](std::span<const Tile> run) {
    for (const Tile& tile : run) {
      mixture.expect(tile, covering_lanes(0, tile.size()), expectation);
      for (Index row = 0; row < tile.size(); ++row) {
        const double weight = tile.weight(row);
        const auto best = static_cast<std::size_t>(expectation.most_probable[static_cast<std::size_t>(row)]);
        const double log_density = expectation.log_density[row];
        scores.weight += weight;
        scores.log_likelihood += weight * log_density;
        scores.classification_log_likelihood +=
            weight * (log_density + std::log(expectation.responsibilities(row, static_cast<Index>(best))));
        scores.component_points[best] += weight;
        if (scores.agreement) {
          const std::uint32_t label = file.labels()[scores.rows];
          if (!file.label_names()[label].empty()) scores.agreement->add(label, groups[best], weight);
        }
        ++scores.rows;
      }
    }
  });
  if (!passed) return fail(passed.error().message);
  return scores;
}

Criteria criteria_of(const Mixture& mixture, const Scores& scores) {
  Criteria criteria;
  criteria.parameters = mixture.size() - 1;
  for (const auto& bank : mixture.banks()) criteria.parameters += bank->family().free_parameters(mixture.dimension(), bank->size());
  const auto p = static_cast<double>(criteria.parameters);
  criteria.bic = p * std::log(scores.weight) - 2 * scores.log_likelihood;
  criteria.icl = p * std::log(scores.weight) - 2 * scores.classification_log_likelihood;
  criteria.aic = 2 * p - 2 * scores.log_likelihood;
  return criteria;
}

}  // namespace emulsion::client
