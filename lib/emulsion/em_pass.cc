#include "emulsion/em_pass.h"

#include <algorithm>
#include <vector>

#include "emulsion/scratch.h"
#include "emulsion/tile_group.h"

namespace emulsion {
namespace {

// So many tiles are worth the work of finding out which components can matter where.
constexpr std::size_t kTilesWorthScreens = 64;

constexpr Index kGroupsOfThread = 16;

// What a thread needs to work on a group.
struct PassRoom {
  explicit PassRoom(const Mixture& mixture) : expectation(mixture.size()), of_tile(mixture.empty_statistics()) {}

  bool suits(const Mixture& mixture) const { return mixture.leaves(of_tile); }

  Expectation expectation;
  Statistics of_tile;
};

void sum_group(const Mixture& mixture, std::span<const Tile> tiles, Assignment assignment, TileGroup& group) {
  PassRoom& room = *scratch_of_this_thread<PassRoom>(mixture, 1).front();
  group.tiles = 0;
  for (std::size_t i = 0; i < tiles.size(); ++i) {
    if (i + 1 < tiles.size()) tiles[i + 1].prefetch();
    mixture.expect(tiles[i], covering_lanes(0, tiles[i].size()), room.expectation);
    add_tile(mixture, tiles[i], room.expectation, assignment, room.of_tile, group);
  }
}

void add_tiles(Statistics& total, const Mixture& mixture, std::span<const Tile> tiles, Assignment assignment, Workers& workers) {
  const auto tiles_each = static_cast<std::size_t>(tiles_of_group(mixture, kTilesOfPassGroup));
  const std::size_t groups = (tiles.size() + tiles_each - 1) / tiles_each;
  const auto at_once = std::min(static_cast<std::size_t>(groups_at_once(mixture, workers.threads(), kGroupsOfThread)), groups);
  std::vector<TileGroup> sums(at_once, TileGroup{mixture.empty_statistics()});
  for (std::size_t first = 0; first < groups; first += at_once) {
    const auto sum = [&](Index i) {
      const std::size_t begin = (first + static_cast<std::size_t>(i)) * tiles_each;
      sum_group(mixture, tiles.subspan(begin, std::min(tiles_each, tiles.size() - begin)), assignment, sums[static_cast<std::size_t>(i)]);
    };
    workers.for_each(static_cast<Index>(std::min(at_once, groups - first)), sum, [&](Index i) {
      const TileGroup& group = sums[static_cast<std::size_t>(i)];
      scale(total, group.decay);
      merge(total, group.statistics);
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
  for (Index first = 0; first < batch.size(); first += kTilePoints) {
    Tile& tile = tiles.emplace_back(batch.dimension());
    tile.append(batch, first, std::min(kTilePoints, batch.size() - first), retentions.size() == 0 ? nullptr : retentions.data() + first);
    tile.keep_columns_alone();
  }
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
