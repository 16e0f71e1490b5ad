// One pass of a frozen model over points that are all there: the E-step of batch EM.
#pragma once

#include <vector>

#include "emulsion/mixture.h"
#include "emulsion/tile.h"
#include "emulsion/workers.h"

namespace emulsion {

// Cuts points into tiles.
//   retentions  n, as in Tile::push; empty: nothing fades
std::vector<Tile> cut_tiles(const PointBatch& batch, const Eigen::VectorXd& retentions = {});

// The statistics of all tiles under one mixture, reduced in the order of the tiles.
Statistics em_pass(const Mixture& mixture, const std::vector<Tile>& tiles, Assignment assignment, Workers& workers);

}  // namespace emulsion
