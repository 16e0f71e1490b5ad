#include "lib/same_state.h"

#include <cmath>
#include <cstring>
#include <span>

namespace emulsion::testing {
namespace {

bool same_bytes(std::span<const double> a, std::span<const double> b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}

}  // namespace

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) { return same_bytes(a, b); }

bool same_bits(const Labels::Numbers<double>& a, const Labels::Numbers<double>& b) {
  return same_bytes({a.data(), a.size()}, {b.data(), b.size()});
}

bool same_bits(const Statistics& a, const Statistics& b) {
  bool same = a.banks.size() == b.banks.size() && same_bits(a.weight, b.weight) &&
              same_bits(a.log_likelihood, b.log_likelihood) && same_bits(a.coordinates.weight, b.coordinates.weight) &&
              same_bits(a.coordinates.mean, b.coordinates.mean) &&
              same_bits(a.coordinates.squares, b.coordinates.squares);
  for (std::size_t i = 0; same && i < a.banks.size(); ++i)
    same = a.banks[i].family == b.banks[i].family && same_bits(a.banks[i].weight, b.banks[i].weight) &&
           same_bits(a.banks[i].moments, b.banks[i].moments);
  return same;
}

bool same_bits(const Mixture& a, const Mixture& b) {
  bool same = same_bits(a.weights(), b.weights()) && a.banks().size() == b.banks().size();
  for (std::size_t i = 0; same && i < a.banks().size(); ++i)
    same = same_bits(a.banks()[i]->pack(), b.banks()[i]->pack());
  return same;
}

bool same_points(const PointBatch& a, const PointBatch& b) {
  if (a.points.rows() != b.points.rows() || a.points.cols() != b.points.cols()) return false;
  for (Index i = 0; i < a.points.size(); ++i) {
    const double x = a.points.data()[i], y = b.points.data()[i];
    if (!(std::isnan(x) && std::isnan(y)) && !same_bits(x, y)) return false;
  }
  return same_bits(a.weights, b.weights) && a.unix_nanoseconds == b.unix_nanoseconds;
}

void check_same(const StepwiseState& a, const StepwiseState& b) {
  CHECK(same_bits(*a.mixture, *b.mixture));
  CHECK(same_bits(a.statistics, b.statistics));
  CHECK(same_bits(*a.published, *b.published));
  CHECK(a.average.has_value() == b.average.has_value());
  if (a.average && b.average) CHECK(same_bits(*a.average, *b.average));
  CHECK(a.starved == b.starved);
  CHECK(a.version == b.version);
  CHECK(a.learned == b.learned);
  CHECK(same_bits(a.seed_weight, b.seed_weight));
  CHECK(same_bits(a.weight_since_seed, b.weight_since_seed));
  CHECK(a.latest_time == b.latest_time);
  CHECK(a.batches == b.batches);
  CHECK(a.updates_failed == b.updates_failed);
  CHECK(a.repairs == b.repairs);
  CHECK(a.batch_points == b.batch_points);
  CHECK(a.batch_start == b.batch_start);
  CHECK(same_bits(a.batch_decay, b.batch_decay));
  CHECK(same_bits(a.batch, b.batch));
  CHECK(a.group.tiles == b.group.tiles);
  if (a.group.tiles > 0 && b.group.tiles > 0) {
    CHECK(same_bits(a.group.statistics, b.group.statistics));
    CHECK(same_bits(a.group.decay, b.group.decay));
  }
  CHECK(same_points(a.pending, b.pending));
  CHECK(same_bits(a.pending_retentions, b.pending_retentions));
}

void check_same(const LearnerState& a, const LearnerState& b) {
  CHECK(a.dimension == b.dimension);
  CHECK(same_points(a.buffer, b.buffer));
  CHECK(a.ids == b.ids);
  REQUIRE(a.stepwise.has_value() == b.stepwise.has_value());
  if (a.stepwise) check_same(*a.stepwise, *b.stepwise);
}

void check_same(const Labels& a, const Labels& b) {
  CHECK((a.components == b.components));
  CHECK(same_bits(a.log_densities, b.log_densities));
  CHECK(same_bits(a.responsibilities, b.responsibilities));
  REQUIRE(a.spans.size() == b.spans.size());
  for (std::size_t i = 0; i < a.spans.size(); ++i) {
    CHECK(a.spans[i].version == b.spans[i].version);
    CHECK(a.spans[i].points == b.spans[i].points);
  }
}

}  // namespace emulsion::testing
