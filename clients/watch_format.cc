#include "clients/watch_format.h"

#include <fmt/format.h>

#include <cassert>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>

#include "clients/model_table.h"
#include "clients/table.h"
#include "emulsion/wire/model_json.h"
#include "emulsion/wire/topic.h"

namespace emulsion::client {
namespace {

using Json = nlohmann::ordered_json;

std::string one_line(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

// RFC 4180: always in quotes, so that a comma in the text does no harm.
std::string csv_text(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : wire::printable(text, 500)) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

std::string labels_json(const wire::LabelsMessage& labels) {
  Json spans = Json::array();
  for (const auto& span : labels.model_spans) {
    spans.push_back({{"model_version", span.model_version}, {"rows", span.rows}});
  }
  Json json = {{"stream", labels.stream},
               {"topic_sequence", labels.topic_sequence},
               {"daemon_session", labels.daemon_session},
               {"producer", labels.producer},
               {"session", labels.session},
               {"sequence", labels.sequence},
               {"rows", labels.component_ids.size()},
               {"component_ids", labels.component_ids},
               {"log_densities", labels.log_densities}};
  if (!labels.responsibilities.empty()) json["responsibilities"] = labels.responsibilities;
  json["model_spans"] = spans;
  return one_line(json);
}

}  // namespace

OutputFormat output_format(const std::string& text) {
  assert(text == "table" || text == "json" || text == "csv");
  if (text == "json") return OutputFormat::json;
  return text == "csv" ? OutputFormat::csv : OutputFormat::table;
}

std::vector<std::uint64_t> row_versions(const wire::LabelsMessage& labels) {
  std::vector<std::uint64_t> versions;
  versions.reserve(labels.component_ids.size());
  for (const auto& span : labels.model_spans) versions.insert(versions.end(), span.rows, span.model_version);
  versions.resize(labels.component_ids.size());
  return versions;
}

std::string labels_heading(OutputFormat format) {
  if (format == OutputFormat::csv) return "producer,session,sequence,row,component,log_density,model_version\n";
  if (format == OutputFormat::json) return "";
  return fmt::format("{:<16}  {:<16}  {:>8}  {:>6}  {:>9}  {:>18}  {:>8}\n", "stream", "producer", "sequence", "row",
                     "component", "log density (nats)", "model");
}

std::string events_heading(OutputFormat format) {
  if (format != OutputFormat::csv) return "";
  return "stream,kind,model_version,points_learned,components,producer,count,text\n";
}

std::string models_heading(OutputFormat format, const wire::ModelMessage& first) {
  return format == OutputFormat::csv ? model_csv_heading(first.dimension) : "";
}

std::string format_labels(const wire::LabelsMessage& labels, OutputFormat format) {
  if (format == OutputFormat::json) return labels_json(labels);
  const auto versions = row_versions(labels);
  std::string text;
  const std::string stream = fit(wire::printable(labels.stream), 16);
  const std::string producer = fit(wire::printable(labels.producer), 16);
  const auto out = std::back_inserter(text);
  for (std::size_t row = 0; row < labels.component_ids.size(); ++row) {
    const std::uint64_t component = labels.component_ids[row];
    const double log_density = labels.log_densities[row];
    if (format == OutputFormat::csv) {
      fmt::format_to(out, "{},{},{},{},{},{},{}\n", labels.producer, labels.session, labels.sequence, row, component,
                     log_density, versions[row]);
    } else {
      const std::string label = component == wire::kNoComponent ? "refused" : std::to_string(component);
      fmt::format_to(out, "{:<16}  {:<16}  {:>8}  {:>6}  {:>9}  {:>18}  {:>8}\n", stream, producer, labels.sequence,
                     row, label, significant(log_density, 5), versions[row]);
    }
  }
  return text;
}

std::string format_event(const wire::EventMessage& event, OutputFormat format) {
  if (format == OutputFormat::json) {
    return one_line({{"stream", event.stream},
                     {"topic_sequence", event.topic_sequence},
                     {"daemon_session", event.daemon_session},
                     {"kind", wire::name(event.kind)},
                     {"model_version", event.model_version},
                     {"points_learned", event.points_learned},
                     {"component_ids", event.component_ids},
                     {"producer", event.producer},
                     {"count", event.count},
                     {"text", event.text}});
  }
  if (format == OutputFormat::csv) {
    return fmt::format("{},{},{},{},{},{},{},{}\n", event.stream, wire::name(event.kind), event.model_version,
                       event.points_learned, fmt::join(event.component_ids, " "), event.producer, event.count,
                       csv_text(event.text));
  }
  return fmt::format("{}: {} after {}: {}\n", wire::printable(event.stream), wire::name(event.kind),
                     counted(event.points_learned, "point"), wire::printable(event.text, 500));
}

std::string format_model(const wire::ModelMessage& model, OutputFormat format) {
  if (format == OutputFormat::json) return wire::to_json(model) + "\n";
  if (format == OutputFormat::csv) return model_csv(model);
  return model_table(model) + "\n";
}

}  // namespace emulsion::client
