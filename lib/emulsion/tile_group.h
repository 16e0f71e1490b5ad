// A few consecutive tiles, whose statistics one thread adds up in their order before those of all groups are added up in theirs:
// else, what one thread has just written is too often needed by another at once.
//
// Groups are cut by the position of a tile, so a model does not depend on messages or threads.
#pragma once

#include <algorithm>

#include "emulsion/mixture.h"

namespace emulsion {

// How many tiles are a group: `most`, or one where statistics are so large that to add them up once more takes longer than to hand
// them over.
inline Index tiles_of_group(const Mixture& mixture, Index most) {
  constexpr Index kLargeStatistics = 1 << 14;
  return mixture.size() * mixture.dimension() * mixture.dimension() / 2 < kLargeStatistics ? most : 1;
}

// How many groups are worked on before all threads wait for each other: `most` for each, fewer where statistics are large.
inline Index groups_at_once(const Mixture& mixture, int threads, Index most) {
  constexpr Index kLeast = 2, kMostNumbers = 1 << 21;
  if (threads == 1) return 1;
  const Index numbers = mixture.size() * (1 + mixture.dimension()) * (2 + mixture.dimension()) / 2;  // of full covariances
  return std::clamp(kMostNumbers / numbers, kLeast * threads, most * threads);
}

struct TileGroup {
  Statistics statistics;
  double decay = 1;  // what its tiles leave of everything before it
  Index tiles = 0;   // 0: then the statistics mean nothing
};

// Adds a tile for which `expectation` has been computed.
//   room  some statistics of the mixture, to be overwritten
inline void add_tile(const Mixture& mixture, const Tile& tile, Expectation& expectation, Assignment assignment, Statistics& room,
                     TileGroup& group) {
  const double decay = tile.decay();
  if (group.tiles++ == 0) {
    mixture.accumulate(tile, expectation, assignment, group.statistics);
    group.decay = decay;
    return;
  }
  mixture.accumulate(tile, expectation, assignment, room);
  scale(group.statistics, decay);
  merge(group.statistics, room);
  group.decay *= decay;
}

}  // namespace emulsion
