#include "emulsion/precision.h"

#include <charconv>
#include <cmath>
#include <limits>

namespace emulsion {
namespace {

std::string in_six_digits(double number) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, number, std::chars_format::general, 6).ptr};
}

}  // namespace

std::string ImpreciseCoordinate::text() const {
  return "numbers near " + in_six_digits(mean) + " are multiples of " + in_six_digits(step) + ", and deviate by " + in_six_digits(deviation) +
         "; subtract what they have in common beforehand";
}

std::vector<ImpreciseCoordinate> imprecise_coordinates(const CoordinateMoments& moments) {
  constexpr double kFewSteps = 1e6, kNarrow = 1e-3;
  std::vector<ImpreciseCoordinate> found;
  for (Index j = 0; j < moments.mean.size(); ++j) {
    const double far = std::abs(moments.mean[j]);
    const double step = std::nextafter(far, std::numeric_limits<double>::infinity()) - far;
    const double deviation = moments.weight[j] > 0 ? std::sqrt(moments.squares[j] / moments.weight[j]) : 0;
    if (deviation > 0 && (deviation < kFewSteps * step || (step > 1 && deviation < kNarrow * far)))
      found.push_back({j, moments.mean[j], step, deviation});
  }
  return found;
}

std::vector<ImpreciseCoordinate> imprecise_coordinates(std::span<const Tile> tiles) {
  if (tiles.empty()) return {};
  CoordinateMoments all = CoordinateMoments::none(tiles.front().dimension()), of_tile = all;
  for (const Tile& tile : tiles) {
    set_coordinate_moments(tile, nullptr, of_tile);
    merge(all, of_tile);
  }
  return imprecise_coordinates(all);
}

}  // namespace emulsion
