// What a model says of all points of a file, in one pass.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "clients/agreement.h"
#include "clients/point_file.h"
#include "emulsion/mixture.h"

namespace emulsion::client {

struct Scores {
  std::uint64_t rows = 0;
  double weight = 0;                             // of all rows
  double log_likelihood = 0;                     // of all rows under the mixture, nats
  double classification_log_likelihood = 0;      // of the rows together with their most probable components
  std::vector<double> component_points;          // K: weight of the rows of which each is the most probable component
  std::optional<Contingency> agreement;          // of labels and components, where rows have labels

  double mean_log_likelihood() const { return log_likelihood / weight; }
};

// The group that a component stands for: its position, or one for all components of noise.
std::vector<std::uint64_t> groups_of(const Mixture& mixture);

// Goes over every row.
// Errors: as PointFile::for_each.
Result<Scores> score_points(const Mixture& mixture, const PointFile& file);

// Criteria that weigh likelihood against the number of parameters p; of two models the one with less is the better. n is
// the weight of the points, L their log likelihood.
//   bic  p log n - 2 L                                                     Schwarz (1978)
//   icl  p log n - 2 L', L' with each point's most probable component       Biernacki, Celeux & Govaert (2000)
//   aic  2 p - 2 L                                                         Akaike (1974)
struct Criteria {
  Index parameters = 0;
  double bic = 0;
  double icl = 0;
  double aic = 0;
};

Criteria criteria_of(const Mixture& mixture, const Scores& scores);

}  // namespace emulsion::client
