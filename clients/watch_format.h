// What `emulsion watch` prints for each message of the daemon.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "emulsion/wire/messages.h"

namespace emulsion::client {

enum class OutputFormat {
  table,  // for people
  json,   // one object a line; the fields are those of emulsion/v1, a number that is not finite is null
  csv,    // one line for each component, row or event, under a heading
};

// "table", "json" or "csv"; anything else is a bug.
OutputFormat output_format(const std::string& text);

// Lines above the first message of a kind; empty where there are none.
std::string labels_heading(OutputFormat format);
std::string events_heading(OutputFormat format);
std::string models_heading(OutputFormat format, const wire::ModelMessage& first);

// Lines that end in a newline.
std::string format_labels(const wire::LabelsMessage& labels, OutputFormat format);
std::string format_event(const wire::EventMessage& event, OutputFormat format);
std::string format_model(const wire::ModelMessage& model, OutputFormat format);

// The model version of every row.
std::vector<std::uint64_t> row_versions(const wire::LabelsMessage& labels);

}  // namespace emulsion::client
