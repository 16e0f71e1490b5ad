#include "emulsion/em_pass.h"

#include <algorithm>

namespace emulsion {
namespace {

// So many tiles are worth the work of finding out which components can matter where.
constexpr std::size_t kTilesWorthScreens = 64;

void add_tiles(Statistics& total, const Mixture& mixture, std::span<const Tile> tiles, Assignment assignment, Workers& workers) {
  // What one tile needs, reused from tile to tile. So many at once bound the memory, and give each thread several in turn.
  struct Slot {
    Expectation expectation;
    Statistics statistics;
  };
  const std::size_t at_once = std::min<std::size_t>(workers.threads() == 1 ? 1 : 4 * workers.threads(), tiles.size());
  std::vector<Slot> slots;
  for (std::size_t i = 0; i < at_once; ++i) slots.push_back({Expectation(mixture.size()), mixture.empty_statistics()});
  for (std::size_t first = 0; first < tiles.size(); first += at_once) {
    const std::size_t count = std::min(at_once, tiles.size() - first);
    const auto sum = [&](Index i) {
      const std::size_t number = first + static_cast<std::size_t>(i);
      const Tile& tile = tiles[number];
      if (number + at_once < tiles.size()) tiles[number + at_once].prefetch();
      Slot& slot = slots[static_cast<std::size_t>(i)];
      mixture.expect(tile, covering_lanes(0, tile.size()), slot.expectation);
      mixture.accumulate(tile, slot.expectation, assignment, slot.statistics);
    };
    workers.for_each(static_cast<Index>(count), sum, [&](Index i) {
      scale(total, tiles[first + static_cast<std::size_t>(i)].decay());
      merge(total, slots[static_cast<std::size_t>(i)].statistics);
    });
  }
}

}  // namespace

Result<void> MemoryTiles::pass(const std::function<void(std::span<const Tile>)>& use) {
  use(tiles_);
  return {};
}

std::vector<Tile> cut_tiles(const PointView& batch, const Eigen::VectorXd& retentions) {
  std::vector<Tile> tiles;
  for (Index first = 0; first < batch.size(); first += kTilePoints)
    tiles.emplace_back(batch.dimension())
        .append(batch, first, std::min(kTilePoints, batch.size() - first), retentions.size() == 0 ? nullptr : retentions.data() + first);
  return tiles;
}

Statistics em_pass(const Mixture& mixture, std::span<const Tile> tiles, Assignment assignment, Workers& workers) {
  Statistics total = mixture.empty_statistics();
  const bool many = tiles.size() >= kTilesWorthScreens;
  add_tiles(total, many ? mixture.screened() : mixture, tiles, assignment, workers);
  return total;
}

Result<Statistics> em_pass(const Mixture& mixture, TileSource& source, Assignment assignment, Workers& workers) {
  Statistics total = mixture.empty_statistics();
  const Mixture screened = mixture.screened();
  const auto passed = source.pass([&](std::span<const Tile> tiles) { add_tiles(total, screened, tiles, assignment, workers); });
  if (!passed) return fail(passed.error().message);
  return total;
}

}  // namespace emulsion
