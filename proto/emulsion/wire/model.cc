#include "emulsion/wire/model.h"

#include <array>

namespace emulsion::wire {
namespace {

struct FamilyName {
  CovarianceType type;
  const char* family;
};
constexpr std::array<FamilyName, 4> kFamilies = {{
    {CovarianceType::full, "gaussian(full)"},
    {CovarianceType::diagonal, "gaussian(diagonal)"},
    {CovarianceType::spherical, "gaussian(spherical)"},
    {CovarianceType::tied, "gaussian(tied)"},
}};

CovarianceType type_of(const std::string& family) {
  for (const FamilyName& entry : kFamilies)
    if (family == entry.family) return entry.type;
  return CovarianceType::full;
}

const char* family_of(CovarianceType type) {
  for (const FamilyName& entry : kFamilies)
    if (type == entry.type) return entry.family;
  return kFamilies.front().family;
}

Index covariance_size(CovarianceType type, Index d) {
  switch (type) {
    case CovarianceType::full:
    case CovarianceType::tied:
      return d * (d + 1) / 2;
    case CovarianceType::diagonal:
      return d;
    case CovarianceType::spherical:
      break;
  }
  return 1;
}

}  // namespace

ModelMessage to_message(const Snapshot& snapshot) {
  ModelMessage message;
  message.version = snapshot.version;
  message.dimension = static_cast<std::uint32_t>(snapshot.dimension);
  message.points_learned = snapshot.learned;
  message.effective_sample_size = snapshot.effective_sample_size;
  message.mean_log_likelihood = snapshot.mean_log_likelihood;
  for (const ComponentSnapshot& from : snapshot.components) {
    ComponentMessage component;
    component.id = from.id;
    component.weight = from.weight;
    component.effective_sample_size = from.effective_sample_size;
    component.starved = from.starved;
    component.parents = from.parents;
    // A Gaussian packs its parameters as the message does: the mean, then the covariance.
    GaussianParameters gaussian;
    gaussian.covariance_type = type_of(from.family);
    gaussian.mean.assign(from.parameters.begin(), from.parameters.begin() + snapshot.dimension);
    gaussian.covariance.assign(from.parameters.begin() + snapshot.dimension, from.parameters.end());
    component.parameters = std::move(gaussian);
    message.components.push_back(std::move(component));
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
    const auto& gaussian = std::get<GaussianParameters>(from.parameters);
    const auto mean_size = static_cast<Index>(gaussian.mean.size());
    const auto covariance_count = static_cast<Index>(gaussian.covariance.size());
    const Index expected = covariance_size(gaussian.covariance_type, snapshot.dimension);
    if (mean_size != snapshot.dimension)
      return fail("components[" + std::to_string(k) + "].mean: " + std::to_string(mean_size) + " numbers, expected " +
                  std::to_string(snapshot.dimension));
    if (covariance_count != expected)
      return fail("components[" + std::to_string(k) + "].covariance: " + std::to_string(covariance_count) + " numbers, expected " +
                  std::to_string(expected));
    ComponentSnapshot component;
    component.id = from.id;
    component.family = family_of(gaussian.covariance_type);
    component.weight = from.weight;
    component.effective_sample_size = from.effective_sample_size;
    component.starved = from.starved;
    component.parents = from.parents;
    component.parameters.resize(mean_size + covariance_count);
    component.parameters << Eigen::Map<const Eigen::VectorXd>(gaussian.mean.data(), mean_size),
        Eigen::Map<const Eigen::VectorXd>(gaussian.covariance.data(), covariance_count);
    snapshot.components.push_back(std::move(component));
  }
  return snapshot;
}

}  // namespace emulsion::wire
