#include "emulsion/em_pass.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "emulsion/tile_group.h"

namespace emulsion {
namespace {

// So many tiles are worth the work of finding out which components can matter where.
constexpr std::size_t kTilesWorthScreens = 64;

constexpr Index kTilesOfGroup = 4;

// What a thread needs to work on a group.
struct PassRoom {
  explicit PassRoom(const Mixture& mixture) : expectation(mixture.size()), of_tile(mixture.empty_statistics()) {}

  Expectation expectation;
  Statistics of_tile;
};

// Rooms that nobody uses at the moment.
class Spare {
 public:
  explicit Spare(const Mixture& mixture) : mixture_(mixture) {}

  std::unique_ptr<PassRoom> take() {
    const std::lock_guard lock(mutex_);
    if (rooms_.empty()) return std::make_unique<PassRoom>(mixture_);
    auto last = std::move(rooms_.back());
    rooms_.pop_back();
    return last;
  }

  void give_back(std::unique_ptr<PassRoom> room) {
    const std::lock_guard lock(mutex_);
    rooms_.push_back(std::move(room));
  }

 private:
  const Mixture& mixture_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<PassRoom>> rooms_;
};

void work(const Mixture& mixture, std::span<const Tile> tiles, Assignment assignment, PassRoom& room, TileGroup& group) {
  group.tiles = 0;
  for (std::size_t i = 0; i < tiles.size(); ++i) {
    if (i + 1 < tiles.size()) tiles[i + 1].prefetch();
    mixture.expect(tiles[i], covering_lanes(0, tiles[i].size()), room.expectation);
    add_tile(mixture, tiles[i], room.expectation, assignment, room.of_tile, group);
  }
}

// How many groups are worked on before all threads wait for each other: as many as their statistics leave room for.
std::size_t groups_at_once(const Mixture& mixture, int threads) {
  constexpr Index kLeastOfThread = 2, kMostOfThread = 16, kMostNumbers = 1 << 21;
  if (threads == 1) return 1;
  const Index numbers = mixture.size() * (1 + mixture.dimension()) * (2 + mixture.dimension()) / 2;  // of full covariances
  return static_cast<std::size_t>(std::clamp(kMostNumbers / numbers, kLeastOfThread * threads, kMostOfThread * threads));
}

void add_tiles(Statistics& total, const Mixture& mixture, std::span<const Tile> tiles, Assignment assignment, Workers& workers) {
  const auto tiles_each = static_cast<std::size_t>(tiles_of_group(mixture, kTilesOfGroup));
  const std::size_t groups = (tiles.size() + tiles_each - 1) / tiles_each;
  const std::size_t at_once = std::min(groups_at_once(mixture, workers.threads()), groups);
  Spare spare(mixture);
  std::vector<TileGroup> sums(at_once, TileGroup{mixture.empty_statistics()});
  for (std::size_t first = 0; first < groups; first += at_once) {
    const auto sum = [&](Index i) {
      const std::size_t begin = (first + static_cast<std::size_t>(i)) * tiles_each;
      auto room = spare.take();
      work(mixture, tiles.subspan(begin, std::min(tiles_each, tiles.size() - begin)), assignment, *room, sums[static_cast<std::size_t>(i)]);
      spare.give_back(std::move(room));
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
