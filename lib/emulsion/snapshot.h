// A model as others may see it: plain numbers.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "emulsion/formula.h"
#include "emulsion/mixture.h"
#include "emulsion/statistics.h"

namespace emulsion {

// One component of a model.
struct ComponentSnapshot {
  std::uint64_t id = 0;  // never used again for another component of the stream
  std::string family;
  double weight = 0;
  double effective_sample_size = 0;  // decayed points
  bool starved = false;
  std::vector<std::uint64_t> parents;
  Eigen::VectorXd parameters;  // in the layout of its family's pack
  Eigen::VectorXd means;       // d, along each coordinate; what its parameters come to, for those who only look
  Eigen::VectorXd variances;   // d, likewise
};

// A model at one moment.
struct Snapshot {
  Index dimension = 0;
  std::uint64_t version = 0;
  std::uint64_t learned = 0;
  double effective_sample_size = 0;
  double mean_log_likelihood = 0;  // nats per point, recent points
  std::vector<ComponentSnapshot> components;
};

// What a model consists of: neighbours of one family are one term.
MixtureFormula formula_of(const Snapshot& model);

// The mixture that a model describes.
// Errors: a family that does not exist or does not suit the dimension; parameters that are no distribution.
Result<std::shared_ptr<const Mixture>> mixture_of(const Snapshot& model);

// The same where the formula is given.
// Errors: as above; another number or order of components.
Result<std::shared_ptr<const Mixture>> mixture_of(const Snapshot& model, const MixtureFormula& formula);

// The model that a mixture is, with ids from 1 and no history.
Snapshot snapshot_of(const Mixture& mixture);

// The statistics that so many points (K) of exactly these components would leave. Their range is that of points spread
// evenly with the components' means and variances.
Statistics expected_statistics(const Mixture& mixture, const Eigen::VectorXd& points);

}  // namespace emulsion
