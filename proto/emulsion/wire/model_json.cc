#include "emulsion/wire/model_json.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "emulsion/families.h"
#include "emulsion/wire/convert.h"
#include "emulsion/wire/json_node.h"
#include "emulsion/wire/quoted.h"
#include "emulsion/wire/topic.h"

namespace emulsion::wire {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kWeightTolerance = 1e-6;    // of the sum of the weights: six digits are what people write
constexpr double kSymmetryTolerance = 1e-9;  // of a covariance, in standard deviations of both coordinates

// "gaussian(full)[0,1].mean" is the part "mean" of a factor; "mean" alone has no factor.
std::pair<std::string, std::string> split_name(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string::npos) return {"", name};
  return {name.substr(0, dot), name.substr(dot + 1)};
}

// ---- Writing

Json json_of(const ParameterPart& part, const std::vector<double>& values) {
  if (part.shape == PartShape::scalar) return values.front();
  if (!part.is_matrix()) return values;
  Json rows = Json::array();
  const Eigen::MatrixXd matrix = matrix_of(part, values.data());
  for (const auto& row : matrix.rowwise()) rows.push_back(std::vector<double>(row.begin(), row.end()));
  return rows;
}

// The parts of a family, below the names of its factors; of one that is not known here, lists under whole names.
struct Layout {
  std::vector<ParameterPart> parts;
  bool known = true;
};

Layout layout_of(const ComponentMessage& component, Index dimension) {
  Layout layout;
  std::vector<ParameterPart>& parts = layout.parts;
  if (const auto family = find_family(component.family)) parts = (*family)->layout(dimension);
  const bool fits = std::equal(parts.begin(), parts.end(), component.parameters.begin(), component.parameters.end(),
                               [](const ParameterPart& part, const ParameterMessage& given) {
                                 return part.name == given.name && part.size == static_cast<Index>(given.values.size());
                               });
  if (fits) return layout;
  layout.known = false;
  parts.clear();
  for (const ParameterMessage& given : component.parameters)
    parts.push_back({given.name, PartShape::vector, static_cast<Index>(given.values.size()), 0});
  return layout;
}

Json json_of(const ComponentMessage& component, Index dimension) {
  Json parameters = Json::object();
  const Layout layout = layout_of(component, dimension);
  for (std::size_t p = 0; p < layout.parts.size(); ++p) {
    const ParameterPart& part = layout.parts[p];
    const auto [factor, name] = layout.known ? split_name(part.name) : std::pair(std::string(), part.name);
    (factor.empty() ? parameters : parameters[factor])[name] = json_of(part, component.parameters[p].values);
  }
  return {
      {"id", component.id},
      {"family", component.family},
      {"weight", component.weight},
      {"effective_sample_size", component.effective_sample_size},
      {"starved", component.starved},
      {"parents", component.parents},
      {"parameters", std::move(parameters)},
  };
}

// ---- Reading

const Family& read_family(const Node& component) {
  const auto family = find_family(component.has("family") ? component.at("family").text() : "gaussian(full)");
  if (!family) component.at("family").refuse(family.error().message);
  return **family;
}

Eigen::MatrixXd read_square(const Node& node, Index d) {
  const std::string expected = std::to_string(d) + " x " + std::to_string(d);
  std::vector<std::vector<double>> rows;
  for (const Node& row : node.elements("an array of rows")) rows.push_back(row.numbers());

  const auto has_length = [](std::size_t length) {
    return [length](const std::vector<double>& row) { return row.size() == length; };
  };
  const std::size_t cols = rows.empty() ? 0 : rows[0].size();
  if (!std::all_of(rows.begin(), rows.end(), has_length(cols))) {
    node.refuse("rows of different lengths, expected " + expected);
  }
  if (static_cast<Index>(rows.size()) != d || static_cast<Index>(cols) != d) {
    node.refuse(std::to_string(rows.size()) + " x " + std::to_string(cols) + ", expected " + expected);
  }
  Eigen::MatrixXd matrix(d, d);
  for (Index i = 0; i < d; ++i) matrix.row(i) = Eigen::Map<const Eigen::RowVectorXd>(rows[i].data(), d);
  return matrix;
}

void check_covariance(const Node& node, const Eigen::MatrixXd& matrix) {
  const auto at = [](Index i, Index j) { return '[' + std::to_string(i) + "][" + std::to_string(j) + ']'; };
  for (Index i = 0; i < matrix.rows(); ++i) {
    if (matrix(i, i) <= 0) node.refuse("variance " + at(i, i) + " is " + number_text(matrix(i, i)) + ", expected > 0");
  }
  for (Index i = 0; i < matrix.rows(); ++i) {
    for (Index j = 0; j < i; ++j) {
      const double scale = std::sqrt(matrix(i, i)) * std::sqrt(matrix(j, j));
      if (std::abs(matrix(i, j) - matrix(j, i)) > kSymmetryTolerance * scale) {
        node.refuse("not symmetric: " + at(i, j) + " is " + number_text(matrix(i, j)) + ", " + at(j, i) + " is " +
                    number_text(matrix(j, i)));
      }
    }
  }
  if (matrix.llt().info() != Eigen::Success) node.refuse("not positive definite");
}

// The numbers of a part, which may be fewer than those of its matrix.
std::vector<double> pack(const Node& node, const Eigen::MatrixXd& matrix, const ParameterPart& part, const Family& family) {
  std::vector<double> packed;
  if (part.shape == PartShape::symmetric) {
    for (Index i = 0; i < matrix.rows(); ++i) {
      for (Index j = 0; j <= i; ++j) packed.push_back(matrix(i, j));
    }
    return packed;
  }
  if (!matrix.isDiagonal(0)) node.refuse("has covariances, which " + family.name() + " does not");
  const Eigen::VectorXd variances = matrix.diagonal();
  if (part.shape == PartShape::diagonal) return {variances.begin(), variances.end()};
  if ((variances.array() != variances[0]).any()) node.refuse("has different variances, which " + family.name() + " does not");
  return {variances[0]};
}

std::vector<double> read_part(const Node& node, const ParameterPart& part, const Family& family) {
  if (part.is_matrix()) {
    const Eigen::MatrixXd matrix = read_square(node, part.order);
    check_covariance(node, matrix);
    return pack(node, matrix, part, family);
  }
  if (node.is_number() && part.size == 1) return {node.number()};
  if (part.shape == PartShape::scalar) return {node.number()};
  std::vector<double> values = node.numbers();
  if (static_cast<Index>(values.size()) != part.size)
    node.refuse(std::to_string(values.size()) + " numbers, expected " + std::to_string(part.size));
  return values;
}

// Where a part stands: in `parameters`, below its factor if it has one.
Node part_node(const Node& parameters, const ParameterPart& part) {
  const auto [factor, name] = split_name(part.name);
  return factor.empty() ? parameters.at(name) : parameters.at(factor).object().at(name);
}

// The dimension of a model that does not say it, from its first component: a product knows its own, and others have lists
// as long.
std::uint32_t read_dimension(const Node& parameters, const Family& family) {
  if (family.name().ends_with(']')) {
    for (Index d = 1; d <= static_cast<Index>(kMaxDimension); ++d)
      if (family.check_dimension(d)) return static_cast<std::uint32_t>(d);
  }
  for (const ParameterPart& part : family.layout(1)) {
    if (part.shape != PartShape::vector) continue;
    const Node node = part_node(parameters, part);
    const std::size_t size = node.is_number() ? 1 : node.numbers().size();
    const std::size_t dimension = size / static_cast<std::size_t>(part.size);
    if (dimension == 0 || dimension > kMaxDimension)
      node.refuse(std::to_string(size) + " numbers, expected " + std::to_string(part.size) + " to " +
                  std::to_string(static_cast<std::size_t>(kMaxDimension) * static_cast<std::size_t>(part.size)));
    return static_cast<std::uint32_t>(dimension);
  }
  throw Refusal{"dimension: missing"};
}

ComponentMessage read_component(const Node& node, std::uint64_t position, std::optional<std::uint32_t>& dimension) {
  ComponentMessage component;
  component.id = node.object().has("id") ? node.at("id").count() : position + 1;
  if (component.id == kNoComponent) node.at("id").refuse("0, expected at least 1");
  component.weight = node.at("weight").number();
  if (!(component.weight > 0 && component.weight <= 1)) {
    node.at("weight").refuse(number_text(component.weight) + ", expected a number in (0, 1]");
  }
  if (node.has("effective_sample_size")) {
    component.effective_sample_size = node.at("effective_sample_size").number_or_nan();
  }
  if (node.has("starved")) component.starved = node.at("starved").flag();
  if (node.has("parents")) {
    for (const Node& parent : node.at("parents").elements("an array of ids")) {
      component.parents.push_back(parent.count());
    }
  }

  const Node parameters = node.has("parameters") ? node.at("parameters").object() : node;
  const Family& family = read_family(node);
  component.family = family.name();
  if (!dimension) dimension = read_dimension(parameters, family);
  if (const auto checked = family.check_dimension(*dimension); !checked) node.refuse(checked.error().message);
  std::vector<double> packed;
  for (const ParameterPart& part : family.layout(*dimension)) {
    component.parameters.push_back({part.name, read_part(part_node(parameters, part), part, family)});
    const std::vector<double>& values = component.parameters.back().values;
    packed.insert(packed.end(), values.begin(), values.end());
  }
  const auto bank = family.unpack(Eigen::Map<const Eigen::VectorXd>(packed.data(), static_cast<Index>(packed.size())), *dimension);
  if (!bank) {
    const std::string_view first = "component 1: ";  // there is no other
    const std::string& problem = bank.error().message;
    const std::size_t at = problem.find(first);
    node.refuse(at == std::string::npos ? problem : problem.substr(0, at) + problem.substr(at + first.size()));
  }
  const Eigen::VectorXd means = (*bank)->means();
  const Eigen::VectorXd variances = (*bank)->variances();
  component.means.assign(means.begin(), means.end());
  component.variances.assign(variances.begin(), variances.end());
  return component;
}

// What only the components together can get wrong.
void check_together(const std::vector<Node>& nodes, const std::vector<ComponentMessage>& components) {
  double sum = 0;
  const ComponentMessage* tied = nullptr;
  for (std::size_t k = 0; k < components.size(); ++k) {
    sum += components[k].weight;
    for (std::size_t other = 0; other < k; ++other) {
      if (components[other].id == components[k].id) {
        nodes[k].refuse("id " + std::to_string(components[k].id) + " is also that of components[" +
                        std::to_string(other) + "]");
      }
    }
    if (components[k].family != "gaussian(tied)") continue;
    if (tied != nullptr && tied->parameters.back().values != components[k].parameters.back().values) {
      nodes[k].refuse("another covariance than a component before, but gaussian(tied) shares one");
    }
    tied = &components[k];
  }
  if (std::abs(sum - 1) > kWeightTolerance) {
    throw Refusal{"components: weights sum to " + number_text(sum) + ", expected 1 within 1e-6"};
  }
}

Json parse(std::string_view text) {
  try {
    return Json::parse(text);
  } catch (const Json::exception& error) {
    const std::string_view what = error.what();  // "[json.exception.parse_error.101] parse error at line ..."
    const std::size_t end = what.find("] ");
    throw Refusal{"not JSON: " + printable(end == std::string_view::npos ? what : what.substr(end + 2), 200)};
  }
}

ModelMessage read_model(const Node& root) {
  ModelMessage message;
  std::optional<std::uint32_t> dimension;
  if (root.object().has("stream")) {
    message.stream = root.at("stream").text();
    if (!message.stream.empty() && !is_stream_name(message.stream)) {
      root.at("stream").refuse(wire::quoted(message.stream) + ", expected 1 to 64 of the characters A-Z a-z 0-9 _ -");
    }
  }
  if (root.has("version")) message.version = root.at("version").count();
  if (root.has("points")) message.points_learned = root.at("points").count();
  if (root.has("effective_sample_size")) {
    message.effective_sample_size = root.at("effective_sample_size").number_or_nan();
  }
  if (root.has("mean_log_likelihood")) message.mean_log_likelihood = root.at("mean_log_likelihood").number_or_nan();
  if (root.has("dimension")) {
    const std::uint64_t given = root.at("dimension").count();
    if (given == 0 || given > kMaxDimension) {
      root.at("dimension").refuse(std::to_string(given) + ", expected 1 to " + std::to_string(kMaxDimension));
    }
    dimension = static_cast<std::uint32_t>(given);
  }

  const std::vector<Node> nodes = root.at("components").elements("an array of components");
  if (nodes.empty()) root.at("components").refuse("none, expected at least 1");
  for (const Node& node : nodes)
    message.components.push_back(read_component(node, message.components.size(), dimension));
  check_together(nodes, message.components);
  message.dimension = *dimension;
  if (root.has("columns")) {
    for (const Node& column : root.at("columns").elements("an array of names")) message.columns.push_back(column.text());
    if (message.columns.size() != *dimension)
      root.at("columns").refuse(std::to_string(message.columns.size()) + " names, expected " + std::to_string(*dimension));
  }
  return message;
}

}  // namespace

std::string to_json(const ModelMessage& message) {
  Json components = Json::array();
  for (const ComponentMessage& component : message.components) components.push_back(json_of(component, message.dimension));
  Json json = {
      {"stream", message.stream},
      {"version", message.version},
      {"dimension", message.dimension},
      {"points", message.points_learned},
      {"effective_sample_size", message.effective_sample_size},
      {"mean_log_likelihood", message.mean_log_likelihood},
      {"components", std::move(components)},
  };
  if (!message.columns.empty()) json["columns"] = message.columns;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<ModelMessage> model_from_json(std::string_view text) {
  try {
    const Json json = parse(text);
    return read_model(Node(json, ""));
  } catch (const Refusal& refusal) {
    return fail(refusal.message);
  }
}

}  // namespace emulsion::wire
