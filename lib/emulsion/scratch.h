// Memory that a thread uses again and again for mixtures of one shape.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

#include "emulsion/mixture.h"

namespace emulsion {

//   Scratch  made from a Mixture, with suits(mixture): true for every mixture of the same shape
// As many as are asked for. All learners of a thread share them, as they are used for no longer than a call.
template <typename Scratch>
std::vector<std::unique_ptr<Scratch>>& scratch_of_this_thread(const Mixture& mixture, std::size_t count) {
  constexpr std::size_t kShapes = 8;  // that are remembered, the latest first
  thread_local std::vector<std::vector<std::unique_ptr<Scratch>>> shapes;
  auto found = std::find_if(shapes.begin(), shapes.end(), [&](const auto& of_shape) { return of_shape.front()->suits(mixture); });
  if (found == shapes.end()) {
    if (shapes.size() == kShapes) shapes.pop_back();
    found = shapes.emplace(shapes.end());
  }
  std::rotate(shapes.begin(), found, found + 1);
  auto& of_shape = shapes.front();
  while (of_shape.size() < count) of_shape.push_back(std::make_unique<Scratch>(mixture));
  return of_shape;
}

}  // namespace emulsion
