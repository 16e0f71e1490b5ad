#include "emulsion/em_pass.h"

#include <algorithm>

namespace emulsion {

std::vector<Tile> cut_tiles(const PointBatch& batch, const Eigen::VectorXd& retentions) {
  std::vector<Tile> tiles;
  for (Index i = 0; i < batch.size(); ++i) {
    if (tiles.empty() || tiles.back().full()) tiles.emplace_back(batch.dimension());
    tiles.back().push(batch.points.col(i).data(), batch.weight(i), retentions.size() == 0 ? 1.0 : retentions[i]);
  }
  return tiles;
}

Statistics em_pass(const Mixture& mixture, const std::vector<Tile>& tiles, Assignment assignment, Workers& workers) {
  constexpr std::size_t kTilesAtOnce = 32;  // bounds the memory of the parts
  Statistics total = mixture.empty_statistics();
  std::vector<Statistics> parts(std::min(kTilesAtOnce, tiles.size()));
  for (std::size_t first = 0; first < tiles.size(); first += kTilesAtOnce) {
    const std::size_t count = std::min(kTilesAtOnce, tiles.size() - first);
    workers.for_each(static_cast<Index>(count), [&](Index i) {
      const Tile& tile = tiles[first + static_cast<std::size_t>(i)];
      Expectation expectation(mixture.size());
      mixture.expect(tile, covering_lanes(0, tile.size()), expectation);
      parts[static_cast<std::size_t>(i)] = mixture.accumulate(tile, expectation, assignment);
    });
    for (std::size_t i = 0; i < count; ++i) {
      scale(total, tiles[first + i].decay());
      merge(total, parts[i]);
    }
  }
  return total;
}

}  // namespace emulsion
