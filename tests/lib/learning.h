// Short ways to run a learner.
#pragma once

#include <catch2/catch.hpp>

#include "emulsion/learner.h"
#include "lib/gaussian_cases.h"

namespace emulsion::testing {

Learner learner(const LearnerOptions& options, Index dimension);

Snapshot model_of(const std::string& family, Shape shape, const std::vector<Gaussian>& components,
                  double effective_sample_size);

Learner started(const LearnerOptions& options, const Snapshot& model);

// Appends; a span goes on where the version is the same.
void append(Learned& all, const Learned& more);

// Learns the points in messages of so many.
Learned learn_in_messages(Learner& learner, const PointBatch& batch, Index size, bool with_responsibilities = false);

// The components of a snapshot in the order of the places nearest to them.
std::vector<Gaussian> components_near(const Snapshot& model, Shape shape, const std::vector<Eigen::VectorXd>& places);

// What learns the clusters of three_clusters, from fewer points than usual, and what it has found of them.
LearnerOptions clusters(Index components = 3);

std::vector<Gaussian> found_clusters(const Learner& learned, Shape shape = Shape::full);

// Times that are mostly regular, with gaps, repetitions and a step back.
void give_times(PointBatch& batch);

}  // namespace emulsion::testing
