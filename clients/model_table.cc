#include "clients/model_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <variant>

namespace emulsion::client {
namespace {

constexpr std::size_t kMostCoordinates = 24;    // that a table shows
constexpr std::size_t kMostForCorrelation = 5;  // 10 pairs

const wire::GaussianParameters& gaussian(const wire::ComponentMessage& component) {
  return std::get<wire::GaussianParameters>(component.parameters);
}

bool has_correlations(const wire::GaussianParameters& parameters) {
  return parameters.covariance_type == wire::CovarianceType::full ||
         parameters.covariance_type == wire::CovarianceType::tied;
}

// Entry (i, j), i >= j.
double covariance(const wire::GaussianParameters& parameters, std::size_t i, std::size_t j) {
  if (has_correlations(parameters)) return parameters.covariance[i * (i + 1) / 2 + j];
  if (i != j) return 0;
  return parameters.covariance[parameters.covariance_type == wire::CovarianceType::diagonal ? i : 0];
}

std::string signed_number(double correlation) {
  const std::string text = fmt::format("{:+.2f}", correlation);
  return text == "-0.00" ? "+0.00" : text;
}

}  // namespace

std::vector<std::pair<double, double>> coordinates(const wire::ComponentMessage& component) {
  const auto& parameters = gaussian(component);
  std::vector<std::pair<double, double>> pairs;
  for (std::size_t i = 0; i < parameters.mean.size(); ++i) {
    pairs.emplace_back(parameters.mean[i], std::sqrt(covariance(parameters, i, i)));
  }
  return pairs;
}

double correlation(const wire::ComponentMessage& component, std::size_t i, std::size_t j) {
  const auto& parameters = gaussian(component);
  return covariance(parameters, i, j) / std::sqrt(covariance(parameters, i, i) * covariance(parameters, j, j));
}

std::string component_table(const wire::ModelMessage& model, const std::vector<std::string>& columns, std::size_t width) {
  const auto name = [&](std::size_t i) { return i < columns.size() ? columns[i] : fmt::format("x{}", i); };
  const std::size_t dimension = model.dimension;
  const std::size_t shown = std::min(dimension, kMostCoordinates);
  const auto& components = model.components;
  const bool correlated = shown <= kMostForCorrelation &&
                          std::any_of(components.begin(), components.end(),
                                      [](const auto& component) { return has_correlations(gaussian(component)); });
  const bool starved =
      std::any_of(components.begin(), components.end(), [](const auto& component) { return component.starved; });

  std::vector<std::vector<std::pair<double, double>>> pairs;
  for (const auto& component : components) pairs.push_back(coordinates(component));
  std::vector<std::vector<std::string>> spreads;  // by coordinate, then component
  for (std::size_t i = 0; i < shown; ++i) {
    std::vector<std::pair<double, double>> column;
    for (const auto& of_component : pairs) column.push_back(of_component[i]);
    spreads.push_back(with_spread(column));
  }

  Table table;
  table.column("component", Align::right);
  table.column("weight", Align::right);
  table.column("points", Align::right);
  for (std::size_t i = 0; i < shown; ++i) table.column(fmt::format("{} ± sd", name(i)), Align::right);
  for (std::size_t i = 1; correlated && i < shown; ++i) {
    for (std::size_t j = 0; j < i; ++j) table.column(fmt::format("r({},{})", name(j), name(i)), Align::right);
  }
  if (starved) table.column("note", Align::left);

  for (std::size_t k = 0; k < components.size(); ++k) {
    const auto& component = components[k];
    std::vector<std::string> cells{std::to_string(component.id), fmt::format("{:.3f}", component.weight),
                                   significant(component.effective_sample_size, 3)};
    for (std::size_t i = 0; i < shown; ++i) cells.push_back(spreads[i][k]);
    for (std::size_t i = 1; correlated && i < shown; ++i) {
      for (std::size_t j = 0; j < i; ++j) cells.push_back(signed_number(correlation(component, i, j)));
    }
    if (starved) cells.push_back(component.starved ? "starved" : "");
    table.row(std::move(cells));
  }

  std::string text = table.render(width);
  if (shown < dimension) {
    text += fmt::format("{} of {} coordinates; --json shows all\n", shown, dimension);
  }
  return text;
}

std::string model_table(const wire::ModelMessage& model, std::size_t width) {
  return fmt::format("stream \"{}\": model {}, learned from {}, {} effective; {} nats/point\n", model.stream, model.version,
                     counted(model.points_learned, "point"), significant(model.effective_sample_size, 3),
                     significant(model.mean_log_likelihood, 4)) +
         component_table(model, {}, width);
}

std::string model_csv_heading(std::size_t dimension) {
  std::string line = "stream,model_version,points_learned,component,weight,effective_sample_size,starved";
  for (std::size_t i = 0; i < dimension; ++i) line += fmt::format(",mean_{}", i);
  for (std::size_t i = 0; i < dimension; ++i) line += fmt::format(",sd_{}", i);
  return line + "\n";
}

std::string model_csv(const wire::ModelMessage& model) {
  std::string text;
  for (const auto& component : model.components) {
    fmt::format_to(std::back_inserter(text), "{},{},{},{},{},{},{}", model.stream, model.version, model.points_learned,
                   component.id, component.weight, component.effective_sample_size, component.starved ? 1 : 0);
    const auto pairs = coordinates(component);
    for (const auto& pair : pairs) fmt::format_to(std::back_inserter(text), ",{}", pair.first);
    for (const auto& pair : pairs) fmt::format_to(std::back_inserter(text), ",{}", pair.second);
    text.push_back('\n');
  }
  return text;
}

}  // namespace emulsion::client
