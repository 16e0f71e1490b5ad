#include "emulsion/wire/model.h"

#include "emulsion/families.h"

namespace emulsion::wire {
namespace {

Result<Eigen::VectorXd> packed(const ComponentMessage& component, const std::vector<ParameterPart>& layout) {
  Index size = 0;
  for (const ParameterPart& part : layout) size += part.size;
  Eigen::VectorXd parameters(size);
  if (component.parameters.size() != layout.size())
    return fail("parameters: " + std::to_string(component.parameters.size()) + " parts, expected " + std::to_string(layout.size()));
  Index first = 0;
  for (std::size_t p = 0; p < layout.size(); ++p) {
    const ParameterMessage& given = component.parameters[p];
    if (given.name != layout[p].name) return fail("parameters: \"" + given.name + "\", expected \"" + layout[p].name + "\"");
    const auto count = static_cast<Index>(given.values.size());
    if (count != layout[p].size)
      return fail(given.name + ": " + std::to_string(count) + " numbers, expected " + std::to_string(layout[p].size));
    parameters.segment(first, count) = Eigen::Map<const Eigen::VectorXd>(given.values.data(), count);
    first += count;
  }
  return parameters;
}

Eigen::VectorXd vector_of(const std::vector<double>& values) {
  return Eigen::Map<const Eigen::VectorXd>(values.data(), static_cast<Index>(values.size()));
}

}  // namespace

ModelMessage to_message(const Snapshot& snapshot) {
  ModelMessage message;
  message.version = snapshot.version;
  message.dimension = static_cast<std::uint32_t>(snapshot.dimension);
  message.points_learned = snapshot.learned;
  message.effective_sample_size = snapshot.effective_sample_size;
  message.mean_log_likelihood = snapshot.mean_log_likelihood;
  message.components.reserve(snapshot.components.size());
  std::vector<ParameterPart> layout;  // of the component before, and mostly of this one too
  const std::string* family = nullptr;
  for (const ComponentSnapshot& from : snapshot.components) {
    if (family == nullptr || *family != from.family) layout = (*find_family(from.family))->layout(snapshot.dimension);
    family = &from.family;
    ComponentMessage& component = message.components.emplace_back();
    component.id = from.id;
    component.weight = from.weight;
    component.effective_sample_size = from.effective_sample_size;
    component.starved = from.starved;
    component.parents = from.parents;
    component.family = from.family;
    const double* next = from.parameters.data();
    component.parameters.reserve(layout.size());
    for (const ParameterPart& part : layout) {
      component.parameters.push_back({part.name, {next, next + part.size}});
      next += part.size;
    }
    component.means.assign(from.means.begin(), from.means.end());
    component.variances.assign(from.variances.begin(), from.variances.end());
  }
  return message;
}

Result<Snapshot> to_snapshot(const ModelMessage& message) {
  Snapshot snapshot;
  snapshot.dimension = static_cast<Index>(message.dimension);
  snapshot.version = message.version;
  snapshot.learned = message.points_learned;
  snapshot.effective_sample_size = message.effective_sample_size;
  snapshot.mean_log_likelihood = message.mean_log_likelihood;
  for (std::size_t k = 0; k < message.components.size(); ++k) {
    const ComponentMessage& from = message.components[k];
    const std::string place = "components[" + std::to_string(k) + "]";
    const auto family = find_family(from.family);
    if (!family) return fail(place + ".family: " + family.error().message);
    if (const auto checked = (*family)->check_dimension(snapshot.dimension); !checked)
      return fail(place + ".family: " + checked.error().message);
    auto parameters = packed(from, (*family)->layout(snapshot.dimension));
    if (!parameters) return fail(place + "." + parameters.error().message);
    ComponentSnapshot component;
    component.id = from.id;
    component.family = (*family)->name();
    component.weight = from.weight;
    component.effective_sample_size = from.effective_sample_size;
    component.starved = from.starved;
    component.parents = from.parents;
    component.parameters = std::move(*parameters);
    component.means = vector_of(from.means);
    component.variances = vector_of(from.variances);
    snapshot.components.push_back(std::move(component));
  }
  return snapshot;
}

}  // namespace emulsion::wire
