// One pass of a frozen model over points that are all there: the E-step of batch EM.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "emulsion/mixture.h"
#include "emulsion/result.h"
#include "emulsion/tile.h"
#include "emulsion/workers.h"

namespace emulsion {

// Tiles that are added up first.
inline constexpr Index kTilesOfPassGroup = 4;

// Points that can be passed over again and again, in memory or elsewhere.
class TileSource {
 public:
  virtual ~TileSource() = default;

  // Calls `use` for runs of tiles, from the first tile to the last. All but the last tile are full, and all runs but the last have
  // a multiple of kTilesOfPassGroup of them, so that the sums do not depend on where the runs are cut.
  // Errors: those of reading; the pass has then ended early.
  virtual Result<void> pass(const std::function<void(std::span<const Tile>)>& use) = 0;
};

// Tiles in memory, which the caller keeps.
class MemoryTiles final : public TileSource {
 public:
  explicit MemoryTiles(std::span<const Tile> tiles) : tiles_(tiles) {}
  Result<void> pass(const std::function<void(std::span<const Tile>)>& use) override;

 private:
  std::span<const Tile> tiles_;
};

// Cuts points into tiles.
//   retentions  n, as in Tile::push; empty: nothing fades
std::vector<Tile> cut_tiles(const PointView& batch, const Eigen::VectorXd& retentions = {});

// The statistics of all tiles under one mixture: added up within groups of four, and those in their order (tile_group.h).
Statistics em_pass(const Mixture& mixture, std::span<const Tile> tiles, Assignment assignment, Workers& workers);

// The same over a source.
// Errors: those of the source.
Result<Statistics> em_pass(const Mixture& mixture, TileSource& source, Assignment assignment, Workers& workers);

}  // namespace emulsion
