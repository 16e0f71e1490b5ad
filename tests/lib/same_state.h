// Whether two learners are the same, to the last bit.
#pragma once

#include <catch2/catch.hpp>

#include "emulsion/learner.h"
#include "lib/sample.h"

namespace emulsion::testing {

inline bool same_bits(double a, double b) { return std::memcmp(&a, &b, sizeof a) == 0; }

bool same_bits(const std::vector<double>& a, const std::vector<double>& b);
bool same_bits(const Labels::Numbers<double>& a, const Labels::Numbers<double>& b);

bool same_bits(const Statistics& a, const Statistics& b);

bool same_bits(const Mixture& a, const Mixture& b);

// NaNs, which mark missing coordinates, count as equal.
bool same_points(const PointBatch& a, const PointBatch& b);

void check_same(const StepwiseState& a, const StepwiseState& b);

void check_same(const LearnerState& a, const LearnerState& b);

void check_same(const Labels& a, const Labels& b);

}  // namespace emulsion::testing
