// What the benchmarks measure of Emulsion's library. The one place of bench/ that knows its interface.
#pragma once

#include <Eigen/Core>
#include <memory>

#include "bench/data_set.h"

namespace emulsion::bench {

// The first `count` points, or every so many-th that there are as many of them.
struct Incomplete {
  Eigen::Index count = 0;
  bool spread = false;
};

// Batch EM over points that are cut into tiles beforehand, as `emulsion fit` cuts them: one step is the E-step over all
// points and the M-step, from the same start every time. Maximum likelihood: no prior.
class BatchSteps {
 public:
  //   skip        whether components that cannot matter for a point may be left out
  //   incomplete  points that lack a coordinate, which takes turns
  // Throws std::invalid_argument if the start is no mixture.
  BatchSteps(const DataSet& data, int threads, bool skip, const Incomplete& incomplete);
  ~BatchSteps();

  void step();

  // Mean log likelihood after one step, nats.
  double log_likelihood();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// A stream that is learned as the daemon learns it, with labels for every point: messages of so many rows, a step after so
// many points. It goes round in the data and never starts anew.
class StreamSteps {
 public:
  StreamSteps(const DataSet& data, Eigen::Index message_rows, Eigen::Index batch_points, int threads);
  ~StreamSteps();

  // All points once.
  void step();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace emulsion::bench
