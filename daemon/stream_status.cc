// What a stream says about itself: its model, its status, its state.
#include "daemon/stream.h"
#include "emulsion/wire/model.h"

namespace emulsion::service {

wire::ModelMessage Stream::model() const {
  wire::ModelMessage message = wire::to_message(learner_->snapshot());
  message.stream = name_;
  message.sources = sources_.positions();
  message.columns = plan_->options().columns;
  return message;
}

wire::StreamStatus Stream::status() const {
  wire::StreamStatus status;
  status.stream = name_;
  status.components = static_cast<std::uint32_t>(plan_->learner()->formula().components());
  status.points_accepted = points_accepted_;
  status.points_labelled = points_labelled_;
  status.points_paused = points_paused_;
  status.refusals = refusals_.list();
  status.producers = sources_.status();
  if (!learner_) return status;

  status.dimension = static_cast<std::uint32_t>(learner_->dimension());
  status.points_waiting = static_cast<std::uint64_t>(learner_->points_waiting());
  status.points_to_seed = static_cast<std::uint64_t>(learner_->points_to_seed());
  if (!learner_->has_model()) return status;

  const StepwiseState& progress = learner_->progress();
  status.phase = paused_ ? wire::StreamPhase::paused : wire::StreamPhase::learning;
  status.model_version = progress.version;
  status.points_learned = progress.learned;
  status.batches = progress.batches;
  status.updates_failed = progress.updates_failed;
  status.repairs = progress.repairs;
  status.effective_sample_size = progress.statistics.weight;
  if (progress.statistics.weight > 0) status.mean_log_likelihood = progress.statistics.log_likelihood / progress.statistics.weight;
  return status;
}

std::string Stream::digest() const { return learner_ ? wire::digest(learner_->state()) : std::string(); }

std::string Stream::state_digest() const { return wire::effect_digest(state()); }

wire::StreamState Stream::state() const {
  wire::StreamState state;
  state.stream = name_;
  if (learner_) state.learner = learner_->state();
  state.producers = sources_.state();
  state.waiting = queue_.waiting();
  state.refusals = refusals_.list();
  state.points_accepted = points_accepted_;
  state.points_labelled = points_labelled_;
  state.points_paused = points_paused_;
  state.paused = paused_;
  state.next_component_id = next_component_id_;
  state.configuration = plan_->configuration();
  return state;
}

}  // namespace emulsion::service
