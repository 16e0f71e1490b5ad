#include "clients/model_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "emulsion/wire/topic.h"

namespace emulsion::client {
namespace {

constexpr std::size_t kMostCoordinates = 24;    // that a table shows
constexpr std::size_t kLongestFamily = 64;      // bytes of a family's name that are shown
constexpr std::size_t kMostForCorrelation = 5;  // 10 pairs

// The lower triangle of a covariance, or of another scale, over all coordinates; null where there is none.
const std::vector<double>* triangle(const wire::ComponentMessage& component) {
  const std::size_t d = component.means.size();
  for (const wire::ParameterMessage& part : component.parameters) {
    const bool scale = part.name == "covariance" || part.name == "scale";
    if (scale && d > 1 && part.values.size() == d * (d + 1) / 2) return &part.values;
  }
  return nullptr;
}

bool is_gaussian(const wire::ComponentMessage& component) { return component.family.starts_with("gaussian(") && component.family.ends_with(')'); }

// The parameters that mean and deviation do not show, as in "shape 2.01, rate 0.5".
std::string parameters_text(const wire::ComponentMessage& component) {
  constexpr std::size_t kMostNumbers = 3;  // of one part
  constexpr std::array kShown = {"mean", "covariance", "location", "scale", "direction", "lowest", "highest"};
  std::string text;
  for (const wire::ParameterMessage& part : component.parameters) {
    const std::string name = part.name.substr(part.name.rfind('.') + 1);
    if (std::find(kShown.begin(), kShown.end(), name) != kShown.end()) continue;
    text += (text.empty() ? "" : ", ") + wire::printable(name, 32);
    std::replace(text.begin(), text.end(), '_', ' ');
    for (std::size_t i = 0; i < std::min(kMostNumbers, part.values.size()); ++i) text += " " + significant(part.values[i], 3);
    if (part.values.size() > kMostNumbers) text += " …";
  }
  return text;
}

std::string signed_number(double correlation) {
  const std::string text = fmt::format("{:+.2f}", correlation);
  return text == "-0.00" ? "+0.00" : text;
}

}  // namespace

std::vector<std::pair<double, double>> coordinates(const wire::ComponentMessage& component) {
  std::vector<std::pair<double, double>> pairs;
  for (std::size_t i = 0; i < component.means.size(); ++i)
    pairs.emplace_back(component.means[i], std::sqrt(component.variances[i]));
  return pairs;
}

double correlation(const wire::ComponentMessage& component, std::size_t i, std::size_t j) {
  const std::vector<double>* numbers = triangle(component);
  if (numbers == nullptr) return 0;
  const auto entry = [&](std::size_t row, std::size_t column) { return (*numbers)[row * (row + 1) / 2 + column]; };
  return entry(i, j) / std::sqrt(entry(i, i) * entry(j, j));
}

std::string column_name(const wire::ModelMessage& model, std::size_t i) {
  return i < model.columns.size() ? wire::printable(model.columns[i], 32) : "x" + std::to_string(i);
}

std::string component_table(const wire::ModelMessage& model, std::size_t width) {
  const std::size_t dimension = model.dimension;
  const std::size_t shown = std::min(dimension, kMostCoordinates);
  const auto& components = model.components;
  const bool correlated = shown <= kMostForCorrelation &&
                          std::any_of(components.begin(), components.end(),
                                      [](const auto& component) { return triangle(component) != nullptr; });
  const bool families = !std::all_of(components.begin(), components.end(), is_gaussian);
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
  if (families) table.column("family", Align::left);
  table.column("weight", Align::right);
  table.column("points", Align::right);
  for (std::size_t i = 0; i < shown; ++i) table.column(column_name(model, i) + " ± sd", Align::right);
  for (std::size_t i = 1; correlated && i < shown; ++i) {
    for (std::size_t j = 0; j < i; ++j) table.column(fmt::format("r({},{})", column_name(model, j), column_name(model, i)), Align::right);
  }
  if (families) table.column("parameters", Align::left);
  if (starved) table.column("note", Align::left);

  for (std::size_t k = 0; k < components.size(); ++k) {
    const auto& component = components[k];
    std::vector<std::string> cells{std::to_string(component.id)};
    if (families) cells.push_back(wire::printable(component.family, kLongestFamily));
    cells.push_back(fmt::format("{:.3f}", component.weight));
    cells.push_back(significant(component.effective_sample_size, 3));
    for (std::size_t i = 0; i < shown; ++i) cells.push_back(spreads[i][k]);
    for (std::size_t i = 1; correlated && i < shown; ++i) {
      for (std::size_t j = 0; j < i; ++j) cells.push_back(signed_number(correlation(component, i, j)));
    }
    if (families) cells.push_back(parameters_text(component));
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
         component_table(model, width);
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
