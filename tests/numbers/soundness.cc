#include "numbers/soundness.h"

#include <cmath>

#include "emulsion/snapshot.h"
#include "emulsion/wire/model.h"

namespace emulsion::testing {
namespace {

constexpr double kTolerance = 1e-12;

std::string fault_of(const Snapshot& model) {
  double sum = 0;
  for (const ComponentSnapshot& component : model.components) {
    if (!(component.weight >= 0)) return "a weight of " + std::to_string(component.weight);
    sum += component.weight;
    for (const double number : component.parameters)
      if (!std::isfinite(number)) return component.family + ": a parameter of " + std::to_string(number);
  }
  if (!(std::abs(sum - 1) <= kTolerance)) return "weights of sum 1 + " + std::to_string(sum - 1);
  if (const auto mixture = mixture_of(model); !mixture) return mixture.error().message;
  return {};
}

std::string fault_of(const wire::LabelsMessage& labels, std::size_t components) {
  const std::size_t rows = labels.component_ids.size();
  for (std::size_t row = 0; row < rows; ++row) {
    if (labels.component_ids[row] == wire::kNoComponent) continue;
    if (!std::isfinite(labels.log_densities[row])) return "a log density of " + std::to_string(labels.log_densities[row]);
    if (labels.responsibilities.empty()) continue;
    double sum = 0;
    for (std::size_t k = 0; k < components; ++k) {
      const double share = labels.responsibilities[row * components + k];
      if (!(share >= 0)) return "a responsibility of " + std::to_string(share);
      sum += share;
    }
    if (!(std::abs(sum - 1) <= kTolerance)) return "responsibilities of sum 1 + " + std::to_string(sum - 1);
  }
  return {};
}

}  // namespace

std::string fault_of(const Mixture& mixture) { return fault_of(snapshot_of(mixture)); }

std::string fault_of(const service::Stream& stream, const service::StreamOutput& output) {
  if (!stream.has_model()) return {};
  const auto model = wire::to_snapshot(stream.model());
  if (!model) return model.error().message;
  if (std::string fault = fault_of(*model); !fault.empty()) return fault;
  for (const wire::LabelsMessage& labels : output.labels)
    if (std::string fault = fault_of(labels, model->components.size()); !fault.empty()) return fault;
  return {};
}

service::StreamOptions eager_options(const std::string& family, Index components) {
  service::StreamOptions options;
  options.learner.components = components;
  options.learner.family = family;
  options.learner.batch_points = 16;
  options.learner.seed.points = 24;
  options.learner.seed.restarts = 1;
  options.learner.seed.passes = 2;
  options.model_interval_seconds = 0;
  options.publish_responsibilities = true;
  return options;
}

}  // namespace emulsion::testing
