// What a model says of points.
#pragma once

#include <boost/container/vector.hpp>
#include <cstdint>
#include <vector>

#include "emulsion/mixture.h"

namespace emulsion {

// One label for each of some consecutive points.
struct Labels {
  // Room in it is not cleared for the threads that fill it: what one of them has written before is still in its cache.
  template <typename Number>
  using Numbers = boost::container::vector<Number>;

  Numbers<std::int32_t> components;  // n: position of the most probable component in the mixture
  Numbers<double> log_densities;     // n: of the point under the whole mixture, nats
  Numbers<double> responsibilities;  // n x K, point by point; empty unless asked for

  // How many consecutive points were labelled by which version of the model.
  struct Span {
    std::uint64_t version;
    Index points;
  };
  std::vector<Span> spans;

  // Makes room at the end for those of `points` more points, all by one version of the model. All of it is to be put.
  void extend(Index points, Index components, std::uint64_t version, bool with_responsibilities);

  // Puts those of the rows [begin, end) of a tile where they belong: the first of them `from_end` before the end.
  void put(Index from_end, const Expectation& expectation, Index begin, Index end, bool with_responsibilities);
};

}  // namespace emulsion
