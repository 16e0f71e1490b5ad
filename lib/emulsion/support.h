// How a family says that it cannot have a point.
#pragma once

#include <charconv>
#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace emulsion {

// The shortest text that reads back as the same number.
inline std::string text_of(double number) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, number).ptr};
}

// The first coordinate that is outside a support, as Family::refusal tells it; a missing one never is.
//   supports  whether a number is of the support
//   expected  which ones are, such as "a number > 0"
template <typename Supports>
std::optional<std::string> outside_support(std::span<const double> point, Supports supports,
                                           std::string_view expected) {
  for (std::size_t i = 0; i < point.size(); ++i)
    if (!std::isnan(point[i]) && !supports(point[i]))
      return "coordinate " + std::to_string(i) + ": " + text_of(point[i]) + ", expected " + std::string(expected);
  return std::nullopt;
}

}  // namespace emulsion
