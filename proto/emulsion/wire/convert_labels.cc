// Labels to values and back.
#include "emulsion/wire/convert_parts.h"
#include "emulsion/wire/quoted.h"
#include "emulsion/wire/topic.h"

namespace emulsion::wire {
namespace {

Result<void> check_bytes(const char* field, const std::string& bytes, std::uint64_t rows) {
  if (bytes.size() == rows * 8) return {};
  return fail(std::string(field) + ": " + std::to_string(bytes.size()) + " bytes, expected " +
              std::to_string(rows * 8) + " (rows " + std::to_string(rows) + " x 8 bytes)");
}

Result<void> check_responsibilities(const std::string& bytes, std::uint64_t rows) {
  if (bytes.empty() || (rows > 0 && bytes.size() % (rows * 8) == 0)) return {};
  return fail("responsibilities: " + std::to_string(bytes.size()) + " bytes, expected a multiple of " +
              std::to_string(rows * 8) + " (rows " + std::to_string(rows) + " x 8 bytes)");
}

Result<void> check_spans(const v1::Labels& message) {
  std::uint64_t sum = 0;
  for (const v1::ModelSpan& span : message.model_spans()) {
    if (span.rows() == 0) return fail("model_spans: a span of 0 rows, expected at least 1");
    sum += span.rows();
  }
  if (sum == message.rows()) return {};
  return fail("model_spans: " + std::to_string(sum) + " rows in all, expected " + std::to_string(message.rows()));
}

}  // namespace

Result<LabelsMessage> read(const v1::Labels& message) {
  if (auto ok = check_stream(message.stream()); !ok) return fail(ok.error().message);
  if (auto ok = check_producer(message.producer()); !ok) return fail(ok.error().message);
  if (auto ok = check_bytes("component_ids", message.component_ids(), message.rows()); !ok) {
    return fail(ok.error().message);
  }
  if (auto ok = check_bytes("log_densities", message.log_densities(), message.rows()); !ok) {
    return fail(ok.error().message);
  }
  if (auto ok = check_responsibilities(message.responsibilities(), message.rows()); !ok) {
    return fail(ok.error().message);
  }
  if (auto ok = check_spans(message); !ok) return fail(ok.error().message);

  LabelsMessage result;
  result.stream = message.stream();
  result.topic_sequence = message.topic_sequence();
  result.daemon_session = message.daemon_session();
  result.producer = message.producer();
  result.session = message.session();
  result.sequence = message.sequence();
  result.component_ids = from_bytes<std::uint64_t>(message.component_ids());
  result.log_densities = from_bytes<double>(message.log_densities());
  result.responsibilities = from_bytes<double>(message.responsibilities());
  for (const v1::ModelSpan& span : message.model_spans()) {
    result.model_spans.push_back({span.model_version(), span.rows()});
  }
  return result;
}

void write(const LabelsMessage& value, v1::Labels& message) {
  message.set_stream(value.stream);
  message.set_topic_sequence(value.topic_sequence);
  message.set_daemon_session(value.daemon_session);
  message.set_producer(value.producer);
  message.set_session(value.session);
  message.set_sequence(value.sequence);
  message.set_rows(static_cast<std::uint32_t>(value.component_ids.size()));
  to_bytes(value.component_ids, message.mutable_component_ids());
  to_bytes(value.log_densities, message.mutable_log_densities());
  to_bytes(value.responsibilities, message.mutable_responsibilities());
  for (const ModelSpan& span : value.model_spans) {
    v1::ModelSpan& written = *message.add_model_spans();
    written.set_model_version(span.model_version);
    written.set_rows(span.rows);
  }
}

}  // namespace emulsion::wire
