// Models to values and back.
#include <algorithm>
#include <cmath>

#include "emulsion/wire/convert.h"
#include "emulsion/wire/convert_parts.h"
#include "emulsion/wire/quoted.h"
#include "emulsion/wire/topic.h"

namespace emulsion::wire {
namespace {

static_assert(static_cast<int>(CovarianceType::tied) == v1::CovarianceType_MAX);

std::uint32_t covariance_size(CovarianceType type, std::uint32_t dimension) {
  switch (type) {
    case CovarianceType::full:
    case CovarianceType::tied:
      return dimension * (dimension + 1) / 2;
    case CovarianceType::diagonal:
      return dimension;
    case CovarianceType::spherical:
      return 1;
  }
  return 0;
}

Result<void> check_numbers(const char* field, const google::protobuf::RepeatedField<double>& numbers,
                           std::uint32_t expected) {
  if (static_cast<std::uint32_t>(numbers.size()) != expected) {
    return fail(std::string(field) + ": " + std::to_string(numbers.size()) + " numbers, expected " +
                std::to_string(expected));
  }
  if (!std::all_of(numbers.begin(), numbers.end(), [](double number) { return std::isfinite(number); })) {
    return fail(std::string(field) + ": a number that is not finite");
  }
  return {};
}

Result<GaussianParameters> read(const v1::Gaussian& message, std::uint32_t dimension) {
  const int type = message.covariance_type();
  if (type == 0 || !v1::CovarianceType_IsValid(type)) {
    return fail("covariance_type: " + std::to_string(type) + ", expected 1 to " +
                std::to_string(v1::CovarianceType_MAX));
  }
  GaussianParameters result;
  result.covariance_type = static_cast<CovarianceType>(type);
  if (auto ok = check_numbers("mean", message.mean(), dimension); !ok) return fail(ok.error().message);
  if (auto ok = check_numbers("covariance", message.covariance(), covariance_size(result.covariance_type, dimension));
      !ok) {
    return fail(ok.error().message);
  }
  result.mean.assign(message.mean().begin(), message.mean().end());
  result.covariance.assign(message.covariance().begin(), message.covariance().end());
  return result;
}

Result<ComponentMessage> read(const v1::Component& message, std::uint32_t dimension) {
  if (message.id() == kNoComponent) return fail("id: 0, expected at least 1");
  if (!(message.weight() >= 0 && message.weight() <= 1)) {
    return fail("weight: " + text_of(message.weight()) + ", expected a number between 0 and 1");
  }
  if (!message.has_gaussian()) return fail("parameters: none, or a family that this version does not know");
  auto gaussian = read(message.gaussian(), dimension).map_error(inside("gaussian."));
  if (!gaussian) return fail(gaussian.error().message);

  ComponentMessage result;
  result.id = message.id();
  result.weight = message.weight();
  result.effective_sample_size = message.effective_sample_size();
  result.starved = message.starved();
  result.parents.assign(message.parents().begin(), message.parents().end());
  result.parameters = std::move(*gaussian);
  return result;
}

void write(const GaussianParameters& value, v1::Gaussian& message) {
  message.set_covariance_type(static_cast<v1::CovarianceType>(value.covariance_type));
  message.mutable_mean()->Add(value.mean.begin(), value.mean.end());
  message.mutable_covariance()->Add(value.covariance.begin(), value.covariance.end());
}

}  // namespace

Result<ModelMessage> read(const v1::Model& message) {
  if (auto ok = check_stream(message.stream()); !ok) return fail(ok.error().message);
  if (message.dimension() == 0 || message.dimension() > kMaxDimension) {
    return fail("dimension: " + std::to_string(message.dimension()) + ", expected 1 to " +
                std::to_string(kMaxDimension));
  }
  if (message.components().empty()) return fail("components: none, expected at least 1");

  ModelMessage result;
  result.stream = message.stream();
  result.topic_sequence = message.topic_sequence();
  result.daemon_session = message.daemon_session();
  result.version = message.version();
  result.dimension = message.dimension();
  result.points_learned = message.points_learned();
  result.effective_sample_size = message.effective_sample_size();
  result.mean_log_likelihood = message.mean_log_likelihood();
  for (int k = 0; k < message.components_size(); ++k) {
    auto component = read(message.components(k), message.dimension()).map_error(inside(element("components", k)));
    if (!component) return fail(component.error().message);
    result.components.push_back(std::move(*component));
  }
  for (int i = 0; i < message.sources_size(); ++i) {
    const v1::SourcePosition& source = message.sources(i);
    if (auto ok = check_producer(source.producer()).map_error(inside(element("sources", i))); !ok) {
      return fail(ok.error().message);
    }
    result.sources.push_back({source.producer(), source.session(), source.last_sequence()});
  }
  return result;
}

void write(const ModelMessage& value, v1::Model& message) {
  message.set_stream(value.stream);
  message.set_topic_sequence(value.topic_sequence);
  message.set_daemon_session(value.daemon_session);
  message.set_version(value.version);
  message.set_dimension(value.dimension);
  message.set_points_learned(value.points_learned);
  message.set_effective_sample_size(value.effective_sample_size);
  message.set_mean_log_likelihood(value.mean_log_likelihood);
  for (const ComponentMessage& component : value.components) {
    v1::Component& written = *message.add_components();
    written.set_id(component.id);
    written.set_weight(component.weight);
    written.set_effective_sample_size(component.effective_sample_size);
    written.set_starved(component.starved);
    written.mutable_parents()->Add(component.parents.begin(), component.parents.end());
    write(std::get<GaussianParameters>(component.parameters), *written.mutable_gaussian());
  }
  for (const SourcePosition& source : value.sources) {
    v1::SourcePosition& written = *message.add_sources();
    written.set_producer(source.producer);
    written.set_session(source.session);
    written.set_last_sequence(source.last_sequence);
  }
}

}  // namespace emulsion::wire
