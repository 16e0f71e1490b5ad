// A learner of one stream: it waits for enough points, seeds a mixture, and then follows the stream.
//
// Call order: learn*          points are buffered until there are enough, then labelled and learned
// Deterministic: the same points in the same order give the same bits, however they are cut into calls.
// Not thread-safe: one thread owns it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "emulsion/learner_options.h"
#include "emulsion/prefetch.h"
#include "emulsion/snapshot.h"
#include "emulsion/stepwise_em.h"

namespace emulsion {

// Everything that a learner knows; what is saved and restored.
struct LearnerState {
  Index dimension = 0;
  PointBatch buffer;                    // points that wait for the first model
  std::uint64_t next_id = 1;            // of the next component that comes to exist
  std::vector<std::uint64_t> ids;       // K, once there is a model
  std::optional<StepwiseState> stepwise;  // once there is a model
};

// What learning some points gave.
struct Learned {
  Labels labels;                // of the next points in their order that had none yet: none while the buffer fills
  std::vector<Update> updates;  // of the parameters, oldest first
  bool seeded = false;          // true if the first model was made

  // As if it were new, but for the memory that it has.
  void clear();
};

// What options come to once they have been checked. Immutable; all learners with the same options share one.
class LearnerPlan {
 public:
  // Errors: an option out of its range; a family that does not exist.
  static Result<std::shared_ptr<const LearnerPlan>> make(const LearnerOptions& options);

  const LearnerOptions& options() const { return options_; }
  const MixtureFormula& formula() const { return formula_; }
  const std::vector<const Family*>& families() const { return families_; }  // of the formula's terms
  const StepSize& step() const { return step_; }

 private:
  LearnerPlan(const LearnerOptions& options, MixtureFormula formula, StepSize step);

  LearnerOptions options_;
  MixtureFormula formula_;
  std::vector<const Family*> families_;
  StepSize step_;
};

class Learner {
 public:
  using Plan = std::shared_ptr<const LearnerPlan>;

  //   first_id  of its components
  // Errors: a dimension that is not of the plan's families. Of options: also those of the plan.
  static Result<Learner> make(Plan plan, Index dimension, std::uint64_t first_id = 1);
  static Result<Learner> make(const LearnerOptions& options, Index dimension, std::uint64_t first_id = 1);

  // Starts from a given model. Its effective sample size says how much it weighs: 0 is a mere guess, which the first
  // mini-batch replaces.
  // Errors: as `make`; parameters that are no distribution, or that do not fit the options.
  static Result<Learner> start_from(Plan plan, const Snapshot& model, std::uint64_t first_id = 1);
  static Result<Learner> start_from(const LearnerOptions& options, const Snapshot& model, std::uint64_t first_id = 1);

  // Goes on from a saved state.
  // Errors: as `make`; a state that does not fit the options.
  static Result<Learner> restore(Plan plan, LearnerState state);
  static Result<Learner> restore(const LearnerOptions& options, LearnerState state);

  // Learns points.
  //   batch    d as given; every point has at least one coordinate; coordinates within 1e150
  //   learned  added to
  void learn(const PointView& batch, bool with_responsibilities, Learned& learned);

  // Labels points and learns nothing. Requires a model.
  //   labels  added to
  void label(const PointView& batch, bool with_responsibilities, Labels& labels) const;

  // Learns what waits: seeds from the points there are, or closes the mini-batch early.
  //   learned  added to
  void flush(bool with_responsibilities, Learned& learned);

  // The same, alone.
  Learned learn(const PointView& batch, bool with_responsibilities);
  Labels label(const PointView& batch, bool with_responsibilities) const;
  Learned flush(bool with_responsibilities);

  // What `learn` needs for a short batch is fetched; see prefetch.h. The object itself is part of another.
  void prefetch(int step) const {
    if (step == 1) prefetch_numbers(ids_);
    if (stepwise_) stepwise_->prefetch(step);
  }

  Index dimension() const { return dimension_; }
  bool has_model() const { return stepwise_.has_value(); }
  bool needs_times() const { return plan_->step().needs_times(); }

  // Why no component of the mixture can have given this point (d coordinates, finite or NaN = missing); nothing if one
  // can. Such a point must not be learned.
  std::optional<std::string> refusal(std::span<const double> point) const;

  bool refuses_points() const;  // true if there are such points
  Index components() const { return plan_->formula().components(); }
  Index points_to_seed() const { return points_to_seed_; }          // that the first model needs
  Index points_waiting() const;                                     // in the buffer, or in an incomplete mini-batch
  std::uint64_t next_id() const { return next_id_; }                // no component has had it or a higher one
  const std::vector<std::uint64_t>& ids() const { return ids_; }    // K, by position in the mixture; once there is a model
  const StepwiseState& progress() const { return stepwise_->progress(); }  // requires a model

  // The model as it is now. Requires a model.
  Snapshot snapshot() const;

  LearnerState state() const;

 private:
  Learner(Plan plan, Index dimension, std::uint64_t first_id);

  void buffer(const PointView& batch, Index count);
  void seed(bool with_responsibilities, Learned& learned);
  void name_components();
  Eigen::VectorXd seed_retentions(const PointBatch& points) const;
  PointBatch buffered() const;

  Plan plan_;
  Index dimension_;
  Index points_to_seed_;
  PointBatch buffer_;   // with weights; with times if every point had one; may have room for more
  Index buffered_ = 0;  // points in it
  std::uint64_t next_id_;
  std::vector<std::uint64_t> ids_;
  std::optional<StepwiseEm> stepwise_;
};

}  // namespace emulsion
