#include "emulsion/wire/model_json.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "emulsion/wire/convert.h"
#include "emulsion/wire/quoted.h"
#include "emulsion/wire/topic.h"

namespace emulsion::wire {
namespace {

using Json = nlohmann::ordered_json;
using Type = CovarianceType;

constexpr double kWeightTolerance = 1e-6;    // of the sum of the weights: six digits are what people write
constexpr double kSymmetryTolerance = 1e-9;  // of a covariance, in standard deviations of both coordinates

constexpr std::pair<Type, const char*> kFamilies[] = {
    {Type::full, "gaussian(full)"},
    {Type::diagonal, "gaussian(diagonal)"},
    {Type::spherical, "gaussian(spherical)"},
    {Type::tied, "gaussian(tied)"},
};

const char* family_of(Type type) {
  for (const auto& [known, family] : kFamilies) {
    if (known == type) return family;
  }
  return "unknown";
}

// ---- Writing

Eigen::MatrixXd matrix_of(const GaussianParameters& gaussian) {
  const auto d = static_cast<Index>(gaussian.mean.size());
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(d, d);
  std::size_t next = 0;
  for (Index i = 0; i < d; ++i) {
    switch (gaussian.covariance_type) {
      case Type::full:
      case Type::tied:
        for (Index j = 0; j <= i; ++j) matrix(i, j) = matrix(j, i) = gaussian.covariance[next++];
        break;
      case Type::diagonal:
        matrix(i, i) = gaussian.covariance[next++];
        break;
      case Type::spherical:
        matrix(i, i) = gaussian.covariance[0];
        break;
    }
  }
  return matrix;
}

Json json_of(const Eigen::MatrixXd& matrix) {
  Json rows = Json::array();
  for (const auto& row : matrix.rowwise()) rows.push_back(std::vector<double>(row.begin(), row.end()));
  return rows;
}

Json json_of(const ComponentMessage& component) {
  const auto& gaussian = std::get<GaussianParameters>(component.parameters);
  return {
      {"id", component.id},
      {"family", family_of(gaussian.covariance_type)},
      {"weight", component.weight},
      {"effective_sample_size", component.effective_sample_size},
      {"starved", component.starved},
      {"parents", component.parents},
      {"parameters", {{"mean", gaussian.mean}, {"covariance", json_of(matrix_of(gaussian))}}},
  };
}

// ---- Reading

// Thrown and caught in this file alone.
struct Refusal {
  std::string message;
};

std::string text_of(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", number);
  return text;
}

// A value and where it stands.
class Node {
 public:
  Node(const Json& json, std::string place) : json_(json), place_(std::move(place)) {}

  [[noreturn]] void refuse(const std::string& problem) const {
    throw Refusal{place_.empty() ? problem : place_ + ": " + problem};
  }

  bool has(const char* key) const { return json_.contains(key); }

  Node at(const char* key) const {
    const std::string place = place_.empty() ? key : place_ + '.' + key;
    const auto found = json_.find(key);
    if (found == json_.end()) throw Refusal{place + ": missing"};
    return {*found, place};
  }

  const Node& object() const {
    if (!json_.is_object()) refuse_type("an object");
    return *this;
  }

  std::vector<Node> elements(const char* expected) const {
    if (!json_.is_array()) refuse_type(expected);
    std::vector<Node> nodes;
    for (const Json& element : json_) nodes.emplace_back(element, place_ + '[' + std::to_string(nodes.size()) + ']');
    return nodes;
  }

  double number() const {
    if (!json_.is_number()) refuse_type("a number");
    return json_.get<double>();
  }

  std::uint64_t count() const {
    if (!json_.is_number_unsigned()) refuse_type("a whole number >= 0");
    return json_.get<std::uint64_t>();
  }

  bool flag() const {
    if (!json_.is_boolean()) refuse_type("true or false");
    return json_.get<bool>();
  }

  std::string text() const {
    if (!json_.is_string()) refuse_type("a text");
    return json_.get<std::string>();
  }

  std::vector<double> numbers() const {
    std::vector<double> result;
    for (const Node& element : elements("an array of numbers")) result.push_back(element.number());
    return result;
  }

  double number_or_nan() const { return json_.is_null() ? std::nan("") : number(); }

 private:
  [[noreturn]] void refuse_type(const std::string& expected) const {
    const std::string found =
        json_.is_structured() ? std::string("an ") + json_.type_name() : printable(json_.dump(), 40);
    refuse(found + ", expected " + expected);
  }

  const Json& json_;
  std::string place_;
};

Type read_family(const Node& component) {
  if (!component.has("family")) return Type::full;
  const Node node = component.at("family");
  const std::string family = node.text();
  for (const auto& [type, known] : kFamilies) {
    if (family == known) return type;
  }
  node.refuse(wire::quoted(family) +
              ", expected gaussian(full), gaussian(diagonal), gaussian(spherical) or gaussian(tied)");
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
    if (matrix(i, i) <= 0) node.refuse("variance " + at(i, i) + " is " + text_of(matrix(i, i)) + ", expected > 0");
  }
  for (Index i = 0; i < matrix.rows(); ++i) {
    for (Index j = 0; j < i; ++j) {
      const double scale = std::sqrt(matrix(i, i)) * std::sqrt(matrix(j, j));
      if (std::abs(matrix(i, j) - matrix(j, i)) > kSymmetryTolerance * scale) {
        node.refuse("not symmetric: " + at(i, j) + " is " + text_of(matrix(i, j)) + ", " + at(j, i) + " is " +
                    text_of(matrix(j, i)));
      }
    }
  }
  if (matrix.llt().info() != Eigen::Success) node.refuse("not positive definite");
}

// The numbers that the wire has for a family, which may hold fewer than the matrix.
std::vector<double> pack(const Node& node, const Eigen::MatrixXd& matrix, Type type) {
  std::vector<double> packed;
  if (type == Type::full || type == Type::tied) {
    for (Index i = 0; i < matrix.rows(); ++i) {
      for (Index j = 0; j <= i; ++j) packed.push_back(matrix(i, j));
    }
    return packed;
  }
  if (!matrix.isDiagonal(0)) node.refuse(std::string("has covariances, which ") + family_of(type) + " does not");
  const Eigen::VectorXd variances = matrix.diagonal();
  if (type == Type::diagonal) return {variances.begin(), variances.end()};
  if ((variances.array() != variances[0]).any()) {
    node.refuse(std::string("has different variances, which ") + family_of(type) + " does not");
  }
  return {variances[0]};
}

ComponentMessage read_component(const Node& node, std::uint64_t position, std::optional<std::uint32_t>& dimension) {
  ComponentMessage component;
  component.id = node.object().has("id") ? node.at("id").count() : position + 1;
  if (component.id == kNoComponent) node.at("id").refuse("0, expected at least 1");
  component.weight = node.at("weight").number();
  if (!(component.weight > 0 && component.weight <= 1)) {
    node.at("weight").refuse(text_of(component.weight) + ", expected a number in (0, 1]");
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
  GaussianParameters gaussian;
  gaussian.covariance_type = read_family(node);
  gaussian.mean = parameters.at("mean").numbers();
  if (!dimension) dimension = static_cast<std::uint32_t>(std::min<std::size_t>(gaussian.mean.size(), UINT32_MAX));
  if (*dimension == 0 || *dimension > kMaxDimension) {
    parameters.at("mean").refuse(std::to_string(*dimension) + " numbers, expected 1 to " +
                                 std::to_string(kMaxDimension));
  }
  if (gaussian.mean.size() != *dimension) {
    parameters.at("mean").refuse(std::to_string(gaussian.mean.size()) + " numbers, expected " +
                                 std::to_string(*dimension));
  }
  const Node covariance = parameters.at("covariance");
  const Eigen::MatrixXd matrix = read_square(covariance, *dimension);
  check_covariance(covariance, matrix);
  gaussian.covariance = pack(covariance, matrix, gaussian.covariance_type);
  component.parameters = std::move(gaussian);
  return component;
}

// What only the components together can get wrong.
void check_together(const std::vector<Node>& nodes, const std::vector<ComponentMessage>& components) {
  double sum = 0;
  const GaussianParameters* tied = nullptr;
  for (std::size_t k = 0; k < components.size(); ++k) {
    sum += components[k].weight;
    for (std::size_t other = 0; other < k; ++other) {
      if (components[other].id == components[k].id) {
        nodes[k].refuse("id " + std::to_string(components[k].id) + " is also that of components[" +
                        std::to_string(other) + "]");
      }
    }
    const auto& gaussian = std::get<GaussianParameters>(components[k].parameters);
    if (gaussian.covariance_type != Type::tied) continue;
    if (tied != nullptr && tied->covariance != gaussian.covariance) {
      nodes[k].refuse("another covariance than a component before, but gaussian(tied) shares one");
    }
    tied = &gaussian;
  }
  if (std::abs(sum - 1) > kWeightTolerance) {
    throw Refusal{"components: weights sum to " + text_of(sum) + ", expected 1 within 1e-6"};
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
  return message;
}

}  // namespace

std::string to_json(const ModelMessage& message) {
  Json components = Json::array();
  for (const ComponentMessage& component : message.components) components.push_back(json_of(component));
  const Json json = {
      {"stream", message.stream},
      {"version", message.version},
      {"dimension", message.dimension},
      {"points", message.points_learned},
      {"effective_sample_size", message.effective_sample_size},
      {"mean_log_likelihood", message.mean_log_likelihood},
      {"components", std::move(components)},
  };
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
