// How points that come are cut: into runs up to the end of a mini-batch, and these into tiles and groups of tiles.
#pragma once

#include <algorithm>
#include <optional>

#include "emulsion/stepwise_em.h"
#include "emulsion/tile.h"

namespace emulsion {

// Consecutive points of a batch that are learned with the same parameters. The first of them join the incomplete tile.
struct StepwiseEm::Run {
  Index first;  // of the batch
  Index points;
  Index waiting;       // points of the incomplete tile before them
  bool batch_ends;     // the mini-batch ends with them
  Index tiles_before;  // complete ones of the mini-batch before the incomplete tile
  Index group_tiles;   // of a whole group
  std::optional<double> counted_from = {};  // t of the schedule before them, if nothing else decides what they make fade

  Index tiles() const { return (waiting + points + kTilePoints - 1) / kTilePoints; }
  Index begin(Index tile) const { return std::max<Index>(0, tile * kTilePoints - waiting); }
  Index end(Index tile) const { return std::min(points, (tile + 1) * kTilePoints - waiting); }
  bool completes(Index tile) const { return batch_ends || (tile + 1) * kTilePoints <= waiting + points; }

  // The first of these groups goes on with the one that is not complete.
  Index groups() const { return tiles() == 0 ? 0 : (begun() + tiles() + group_tiles - 1) / group_tiles; }
  Index first_tile(Index group) const { return std::max<Index>(0, group * group_tiles - begun()); }
  Index end_tile(Index group) const { return std::min(tiles(), (group + 1) * group_tiles - begun()); }
  bool completes_group(Index group) const {
    return batch_ends || ((group + 1) * group_tiles - begun() <= tiles() && completes(end_tile(group) - 1));
  }

 private:
  Index begun() const { return tiles_before % group_tiles; }  // tiles of the group that is not complete
};

}  // namespace emulsion
