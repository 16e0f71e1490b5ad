// Models to values and back.
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "emulsion/wire/convert.h"
#include "emulsion/wire/convert_parts.h"
#include "emulsion/wire/quoted.h"
#include "emulsion/wire/topic.h"

namespace emulsion::wire {
namespace {

constexpr int kLongestFamily = 4096;     // bytes of a family's name: a product over many coordinates is long
constexpr int kLongestParameter = 4200;  // the same with the name of a part
constexpr int kLongestColumn = 256;

// The Gaussian families and how their covariances travel.
struct GaussianFamily {
  v1::CovarianceType type;
  const char* name;
};
constexpr std::array<GaussianFamily, 4> kGaussians = {{
    {v1::COVARIANCE_TYPE_FULL, "gaussian(full)"},
    {v1::COVARIANCE_TYPE_DIAGONAL, "gaussian(diagonal)"},
    {v1::COVARIANCE_TYPE_SPHERICAL, "gaussian(spherical)"},
    {v1::COVARIANCE_TYPE_TIED, "gaussian(tied)"},
}};
static_assert(kGaussians.size() == v1::CovarianceType_MAX);

std::uint32_t covariance_size(v1::CovarianceType type, std::uint32_t dimension) {
  switch (type) {
    case v1::COVARIANCE_TYPE_DIAGONAL:
      return dimension;
    case v1::COVARIANCE_TYPE_SPHERICAL:
      return 1;
    default:
      return dimension * (dimension + 1) / 2;
  }
}

// The variance along coordinate i.
double variance(v1::CovarianceType type, const std::vector<double>& covariance, std::size_t i) {
  switch (type) {
    case v1::COVARIANCE_TYPE_DIAGONAL:
      return covariance[i];
    case v1::COVARIANCE_TYPE_SPHERICAL:
      return covariance[0];
    default:
      return covariance[i * (i + 3) / 2];
  }
}

Result<std::vector<double>> numbers(const char* field, const google::protobuf::RepeatedField<double>& numbers,
                                    std::optional<std::uint32_t> expected) {
  if (expected && static_cast<std::uint32_t>(numbers.size()) != *expected) {
    return fail(std::string(field) + ": " + std::to_string(numbers.size()) + " numbers, expected " +
                std::to_string(*expected));
  }
  if (!std::all_of(numbers.begin(), numbers.end(), [](double number) { return std::isfinite(number); })) {
    return fail(std::string(field) + ": a number that is not finite");
  }
  return std::vector<double>(numbers.begin(), numbers.end());
}

Result<std::string> name(const char* field, const std::string& text, int longest) {
  if (text.empty() || static_cast<int>(text.size()) > longest) {
    return fail(std::string(field) + ": " + std::to_string(text.size()) + " bytes, expected 1 to " +
                std::to_string(longest));
  }
  return text;
}

Result<void> read(const v1::Gaussian& message, std::uint32_t dimension, ComponentMessage& result) {
  const auto known = std::find_if(kGaussians.begin(), kGaussians.end(),
                                  [&](const GaussianFamily& each) { return each.type == message.covariance_type(); });
  if (known == kGaussians.end()) {
    return fail("covariance_type: " + std::to_string(message.covariance_type()) + ", expected 1 to " +
                std::to_string(v1::CovarianceType_MAX));
  }
  auto mean = numbers("mean", message.mean(), dimension);
  if (!mean) return fail(mean.error().message);
  auto covariance = numbers("covariance", message.covariance(), covariance_size(known->type, dimension));
  if (!covariance) return fail(covariance.error().message);
  result.family = known->name;
  result.means = *mean;
  for (std::size_t i = 0; i < dimension; ++i) result.variances.push_back(variance(known->type, *covariance, i));
  result.parameters = {{"mean", std::move(*mean)}, {"covariance", std::move(*covariance)}};
  return {};
}

Result<void> read(const v1::Distribution& message, std::uint32_t dimension, ComponentMessage& result) {
  auto family = name("family", message.family(), kLongestFamily);
  if (!family) return fail(family.error().message);
  result.family = std::move(*family);
  for (int i = 0; i < message.parameters_size(); ++i) {
    const v1::Parameter& parameter = message.parameters(i);
    auto part = name("name", parameter.name(), kLongestParameter).map_error(inside(element("parameters", i)));
    if (!part) return fail(part.error().message);
    auto values = numbers("values", parameter.values(), std::nullopt).map_error(inside(element("parameters", i)));
    if (!values) return fail(values.error().message);
    result.parameters.push_back({std::move(*part), std::move(*values)});
  }
  auto mean = numbers("mean", message.mean(), dimension);
  if (!mean) return fail(mean.error().message);
  auto variances = numbers("variance", message.variance(), dimension);
  if (!variances) return fail(variances.error().message);
  result.means = std::move(*mean);
  result.variances = std::move(*variances);
  return {};
}

Result<ComponentMessage> read(const v1::Component& message, std::uint32_t dimension) {
  if (message.id() == kNoComponent) return fail("id: 0, expected at least 1");
  if (!(message.weight() >= 0 && message.weight() <= 1)) {
    return fail("weight: " + text_of(message.weight()) + ", expected a number between 0 and 1");
  }
  ComponentMessage result;
  result.id = message.id();
  result.weight = message.weight();
  result.effective_sample_size = message.effective_sample_size();
  result.starved = message.starved();
  result.parents.assign(message.parents().begin(), message.parents().end());
  switch (message.parameters_case()) {
    case v1::Component::kGaussian:
      if (auto ok = read(message.gaussian(), dimension, result).map_error(inside("gaussian.")); !ok)
        return fail(ok.error().message);
      break;
    case v1::Component::kDistribution:
      if (auto ok = read(message.distribution(), dimension, result).map_error(inside("distribution.")); !ok)
        return fail(ok.error().message);
      break;
    case v1::Component::PARAMETERS_NOT_SET:
      return fail("parameters: none, or of a kind that this version does not know");
  }
  return result;
}

void write(const std::vector<double>& values, google::protobuf::RepeatedField<double>& field) {
  field.Add(values.begin(), values.end());
}

void write(const ComponentMessage& value, v1::Component& message) {
  message.set_id(value.id);
  message.set_weight(value.weight);
  message.set_effective_sample_size(value.effective_sample_size);
  message.set_starved(value.starved);
  message.mutable_parents()->Add(value.parents.begin(), value.parents.end());
  const auto gaussian = std::find_if(kGaussians.begin(), kGaussians.end(),
                                     [&](const GaussianFamily& each) { return each.name == value.family; });
  if (gaussian != kGaussians.end()) {
    v1::Gaussian& written = *message.mutable_gaussian();
    written.set_covariance_type(gaussian->type);
    for (const ParameterMessage& part : value.parameters)
      write(part.values, part.name == "mean" ? *written.mutable_mean() : *written.mutable_covariance());
    return;
  }
  v1::Distribution& written = *message.mutable_distribution();
  written.set_family(value.family);
  for (const ParameterMessage& part : value.parameters) {
    v1::Parameter& parameter = *written.add_parameters();
    parameter.set_name(part.name);
    write(part.values, *parameter.mutable_values());
  }
  write(value.means, *written.mutable_mean());
  write(value.variances, *written.mutable_variance());
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
  if (message.columns_size() != 0 && message.columns_size() != static_cast<int>(message.dimension())) {
    return fail("columns: " + std::to_string(message.columns_size()) + " names, expected none or " +
                std::to_string(message.dimension()));
  }
  for (int i = 0; i < message.columns_size(); ++i) {
    auto column = name("name", message.columns(i), kLongestColumn).map_error(inside(element("columns", i)));
    if (!column) return fail(column.error().message);
    result.columns.push_back(std::move(*column));
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
  for (const ComponentMessage& component : value.components) write(component, *message.add_components());
  for (const std::string& column : value.columns) message.add_columns(column);
  for (const SourcePosition& source : value.sources) {
    v1::SourcePosition& written = *message.add_sources();
    written.set_producer(source.producer);
    written.set_session(source.session);
    written.set_last_sequence(source.last_sequence);
  }
}

}  // namespace emulsion::wire
