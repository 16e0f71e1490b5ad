#include "emulsion/em_pass.h"

#include <algorithm>

namespace emulsion {
namespace {

void add_tiles(Statistics& total, const Mixture& mixture, std::span<const Tile> tiles, Assignment assignment, Workers& workers) {
  constexpr std::size_t kTilesAtOnce = 32;  // bounds the memory of the parts
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
}

}  // namespace

Result<void> MemoryTiles::pass(const std::function<void(std::span<const Tile>)>& use) {
  use(tiles_);
  return {};
}

std::vector<Tile> cut_tiles(const PointBatch& batch, const Eigen::VectorXd& retentions) {
  std::vector<Tile> tiles;
  for (Index i = 0; i < batch.size(); ++i) {
    if (tiles.empty() || tiles.back().full()) tiles.emplace_back(batch.dimension());
    tiles.back().push(batch.points.col(i).data(), batch.weight(i), retentions.size() == 0 ? 1.0 : retentions[i]);
  }
  return tiles;
}

Statistics em_pass(const Mixture& mixture, std::span<const Tile> tiles, Assignment assignment, Workers& workers) {
  Statistics total = mixture.empty_statistics();
  add_tiles(total, mixture, tiles, assignment, workers);
  return total;
}

Result<Statistics> em_pass(const Mixture& mixture, TileSource& source, Assignment assignment, Workers& workers) {
  Statistics total = mixture.empty_statistics();
  const auto passed = source.pass([&](std::span<const Tile> tiles) { add_tiles(total, mixture, tiles, assignment, workers); });
  if (!passed) return fail(passed.error().message);
  return total;
}

}  // namespace emulsion
