// Digits that were lost before a number came here.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "emulsion/statistics.h"
#include "emulsion/tile.h"

namespace emulsion {

// A coordinate that lies so far from 0 that fewer than six digits are left of how its points differ, or that what it counts are no
// longer whole units, as with times in nanoseconds.
struct ImpreciseCoordinate {
  Index coordinate = 0;
  double mean = 0;
  double step = 0;       // from the mean to the next number there is
  double deviation = 0;  // root of the mean square

  // What is lost and what to do, for people, without the name of the coordinate.
  std::string text() const;
};

// In ascending order. A coordinate that has not varied is none.
std::vector<ImpreciseCoordinate> imprecise_coordinates(const CoordinateMoments& moments);

// The same of points.
std::vector<ImpreciseCoordinate> imprecise_coordinates(std::span<const Tile> tiles);

}  // namespace emulsion
