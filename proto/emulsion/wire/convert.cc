// Reads downward: bytes and checks, then each message with its `read` (from protobuf) and `write` (to protobuf), then
// the Codec. Checks that fail name the field from the outside in, as in "model: components[1].gaussian.mean: ...".
#include "emulsion/wire/convert.h"

#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <bit>
#include <climits>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <type_traits>
#include <utility>

#include "emulsion/v1/control.pb.h"
#include "emulsion/v1/events.pb.h"
#include "emulsion/v1/labels.pb.h"
#include "emulsion/v1/model.pb.h"
#include "emulsion/v1/points.pb.h"
#include "emulsion/wire/quoted.h"
#include "emulsion/wire/topic.h"

namespace emulsion::wire {

struct Codec::Messages {
  v1::Points points;
  v1::Labels labels;
  v1::Model model;
  v1::Event event;
  v1::ControlRequest request;
  v1::ControlReply reply;
};

namespace {

static_assert(std::endian::native == std::endian::little, "bytes fields are little-endian and copied as they are");
static_assert(static_cast<int>(EventKind::resumed) == v1::EventKind_MAX);
static_assert(static_cast<int>(StreamPhase::paused) == v1::StreamPhase_MAX);
static_assert(static_cast<int>(CovarianceType::tied) == v1::CovarianceType_MAX);
static_assert(static_cast<int>(ControlErrorCode::failed) == v1::ControlErrorCode_MAX);

std::string text_of(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", number);
  return text;
}

// Puts the place of an error before it.
auto inside(std::string place) {
  return [place = std::move(place)](const Error& error) { return Error{place + error.message}; };
}

std::string element(const char* field, int index) { return std::string(field) + '[' + std::to_string(index) + "]."; }

template <typename Message>
Result<void> parse(std::string_view payload, Message& message) {
  if (payload.size() > INT_MAX || !message.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
    return fail(std::to_string(payload.size()) + " bytes that are not a message of type " + message.GetTypeName());
  }
  return {};
}

template <typename T>
std::vector<T> from_bytes(const std::string& bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

template <typename T>
void to_bytes(const std::vector<T>& values, std::string* bytes) {
  bytes->assign(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

// Words that may quote a path or the system. A message whose strings are not UTF-8 could not be read by anybody.
std::string utf8(const std::string& text) {
  using google::protobuf::internal::WireFormatLite;
  const bool valid =
      text.size() <= INT_MAX &&
      WireFormatLite::VerifyUtf8String(text.data(), static_cast<int>(text.size()), WireFormatLite::SERIALIZE, nullptr);
  return valid ? text : printable(text, text.max_size());
}

Result<void> check_stream(const std::string& stream) {
  if (is_stream_name(stream)) return {};
  return fail("stream: " + wire::quoted(stream) + ", expected 1 to 64 of the characters A-Z a-z 0-9 _ -");
}

Result<void> check_producer(const std::string& producer) {
  if (is_producer_name(producer)) return {};
  return fail("producer: " + wire::quoted(producer) + ", expected 1 to 64 of the characters A-Z a-z 0-9 . _ : -");
}

// ---- Points

Result<std::size_t> element_size(int type) {
  if (type == v1::ELEMENT_TYPE_F64) return sizeof(double);
  if (type == v1::ELEMENT_TYPE_F32) return sizeof(float);
  return fail("element_type: " + std::to_string(type) + ", expected 1 (f64) or 2 (f32)");
}

Result<void> check_shape(const v1::Points& message, std::size_t size) {
  const std::uint64_t rows = message.rows();
  const std::uint64_t cols = message.cols();
  if (cols > kMaxDimension) {
    return fail("cols: " + std::to_string(cols) + ", expected at most " + std::to_string(kMaxDimension));
  }
  if (rows > 0 && cols == 0) return fail("cols: 0, expected at least 1, as rows is " + std::to_string(rows));

  static_assert(kMaxDimension <= UINT64_MAX / UINT32_MAX / sizeof(double), "the product below cannot overflow");
  if (message.values().size() != rows * cols * size) {
    return fail("values: " + std::to_string(message.values().size()) + " bytes, expected " +
                std::to_string(rows * cols * size) + " (rows " + std::to_string(rows) + " x cols " +
                std::to_string(cols) + " x " + std::to_string(size) + " bytes)");
  }
  return {};
}

Result<void> check_count(const char* field, int count, std::uint32_t rows) {
  if (count == 0 || static_cast<std::uint32_t>(count) == rows) return {};
  return fail(std::string(field) + ": " + std::to_string(count) + " numbers, expected " +
              (rows == 0 ? "0" : "0 or " + std::to_string(rows)) + ", as rows is " + std::to_string(rows));
}

Result<void> check_weights(const v1::Points& message) {
  for (int i = 0; i < message.weights_size(); ++i) {
    if (!std::isfinite(message.weights(i)) || message.weights(i) <= 0) {
      return fail("weights[" + std::to_string(i) + "]: " + text_of(message.weights(i)) +
                  ", expected a finite number > 0");
    }
  }
  return {};
}

// Row-major rows x cols is column-major cols x rows: the numbers stay in their order.
Eigen::MatrixXd values_of(const v1::Points& message, std::size_t size) {
  Eigen::MatrixXd points(static_cast<Index>(message.cols()), static_cast<Index>(message.rows()));
  if (points.size() == 0) return points;
  const char* bytes = message.values().data();
  if (size == sizeof(double)) {
    std::memcpy(points.data(), bytes, message.values().size());
  } else {
    for (Index i = 0; i < points.size(); ++i) {
      float value;
      std::memcpy(&value, bytes + sizeof(float) * static_cast<std::size_t>(i), sizeof(float));
      points.data()[i] = value;
    }
  }
  return points;
}

Result<PointsMessage> read(const v1::Points& message) {
  if (auto ok = check_producer(message.producer()); !ok) return fail(ok.error().message);
  const auto size = element_size(message.element_type());
  if (!size) return fail(size.error().message);
  if (auto ok = check_shape(message, *size); !ok) return fail(ok.error().message);
  if (auto ok = check_count("unix_nanoseconds", message.unix_nanoseconds_size(), message.rows()); !ok) {
    return fail(ok.error().message);
  }
  if (auto ok = check_count("weights", message.weights_size(), message.rows()); !ok) return fail(ok.error().message);
  if (auto ok = check_weights(message); !ok) return fail(ok.error().message);

  PointsMessage result;
  result.producer = message.producer();
  result.session = message.session();
  result.sequence = message.sequence();
  result.batch.points = values_of(message, *size);
  result.batch.weights = Eigen::Map<const Eigen::VectorXd>(message.weights().data(), message.weights_size());
  result.batch.unix_nanoseconds.assign(message.unix_nanoseconds().begin(), message.unix_nanoseconds().end());
  result.end_of_stream = message.end_of_stream();
  result.single_precision = message.element_type() == v1::ELEMENT_TYPE_F32;
  return result;
}

void write(const PointsMessage& value, v1::Points& message) {
  const PointBatch& batch = value.batch;
  message.set_producer(value.producer);
  message.set_session(value.session);
  message.set_sequence(value.sequence);
  message.set_rows(static_cast<std::uint32_t>(batch.size()));
  message.set_cols(static_cast<std::uint32_t>(batch.dimension()));
  if (value.single_precision) {
    const Eigen::MatrixXf narrow = batch.points.cast<float>();
    message.set_element_type(v1::ELEMENT_TYPE_F32);
    message.set_values(narrow.data(), static_cast<std::size_t>(narrow.size()) * sizeof(float));
  } else {
    message.set_element_type(v1::ELEMENT_TYPE_F64);
    message.set_values(batch.points.data(), static_cast<std::size_t>(batch.points.size()) * sizeof(double));
  }
  message.mutable_unix_nanoseconds()->Add(batch.unix_nanoseconds.begin(), batch.unix_nanoseconds.end());
  message.mutable_weights()->Add(batch.weights.data(), batch.weights.data() + batch.weights.size());
  message.set_end_of_stream(value.end_of_stream);
}

// ---- Labels

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

// ---- Model

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

void write(const GaussianParameters& value, v1::Gaussian& message) {
  message.set_covariance_type(static_cast<v1::CovarianceType>(value.covariance_type));
  message.mutable_mean()->Add(value.mean.begin(), value.mean.end());
  message.mutable_covariance()->Add(value.covariance.begin(), value.covariance.end());
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

// ---- Event

Result<EventMessage> read(const v1::Event& message) {
  if (auto ok = check_stream(message.stream()); !ok) return fail(ok.error().message);
  if (message.kind() == 0 || !v1::EventKind_IsValid(message.kind())) {
    return fail("kind: " + std::to_string(message.kind()) + ", expected 1 to " + std::to_string(v1::EventKind_MAX));
  }
  if (!message.producer().empty()) {
    if (auto ok = check_producer(message.producer()); !ok) return fail(ok.error().message);
  }
  EventMessage result;
  result.stream = message.stream();
  result.topic_sequence = message.topic_sequence();
  result.daemon_session = message.daemon_session();
  result.kind = static_cast<EventKind>(message.kind());
  result.model_version = message.model_version();
  result.points_learned = message.points_learned();
  result.component_ids.assign(message.component_ids().begin(), message.component_ids().end());
  result.producer = message.producer();
  result.count = message.count();
  result.text = message.text();
  return result;
}

void write(const EventMessage& value, v1::Event& message) {
  message.set_stream(value.stream);
  message.set_topic_sequence(value.topic_sequence);
  message.set_daemon_session(value.daemon_session);
  message.set_kind(static_cast<v1::EventKind>(value.kind));
  message.set_model_version(value.model_version);
  message.set_points_learned(value.points_learned);
  message.mutable_component_ids()->Add(value.component_ids.begin(), value.component_ids.end());
  message.set_producer(value.producer);
  message.set_count(value.count);
  message.set_text(utf8(value.text));
}

// ---- Control: requests

Result<ControlRequest> read(const v1::ControlRequest& message) {
  ControlRequest result;
  result.request_id = message.request_id();
  switch (message.command_case()) {
    case v1::ControlRequest::kStatus:
      result.command = StatusRequest{message.status().stream()};
      break;
    case v1::ControlRequest::kList:
      result.command = ListRequest{};
      break;
    case v1::ControlRequest::kGetModel:
      result.command = GetModelRequest{message.get_model().stream()};
      break;
    case v1::ControlRequest::kSave:
      result.command = SaveRequest{message.save().stream()};
      break;
    case v1::ControlRequest::kReset:
      result.command = ResetRequest{message.reset().stream()};
      break;
    case v1::ControlRequest::kPause:
      result.command = PauseRequest{message.pause().stream()};
      break;
    case v1::ControlRequest::kResume:
      result.command = ResumeRequest{message.resume().stream()};
      break;
    case v1::ControlRequest::kFlush:
      result.command = FlushRequest{message.flush().stream()};
      break;
    case v1::ControlRequest::kShutdown:
      result.command = ShutdownRequest{};
      break;
    case v1::ControlRequest::COMMAND_NOT_SET:
      break;
  }
  return result;
}

// Writes whichever alternative a variant holds.
template <typename... Writers>
struct Overloaded : Writers... {
  using Writers::operator()...;
};
template <typename... Writers>
Overloaded(Writers...) -> Overloaded<Writers...>;

void write(const ControlRequest& value, v1::ControlRequest& message) {
  message.set_request_id(value.request_id);
  std::visit(Overloaded{
                 [](const std::monostate&) {},
                 [&](const StatusRequest& request) { message.mutable_status()->set_stream(request.stream); },
                 [&](const ListRequest&) { message.mutable_list(); },
                 [&](const GetModelRequest& request) { message.mutable_get_model()->set_stream(request.stream); },
                 [&](const SaveRequest& request) { message.mutable_save()->set_stream(request.stream); },
                 [&](const ResetRequest& request) { message.mutable_reset()->set_stream(request.stream); },
                 [&](const PauseRequest& request) { message.mutable_pause()->set_stream(request.stream); },
                 [&](const ResumeRequest& request) { message.mutable_resume()->set_stream(request.stream); },
                 [&](const FlushRequest& request) { message.mutable_flush()->set_stream(request.stream); },
                 [&](const ShutdownRequest&) { message.mutable_shutdown(); },
             },
             value.command);
}

// ---- Control: replies

RefusalCount read(const v1::RefusalCount& message) { return {message.stage(), message.reason(), message.count()}; }

void write(const RefusalCount& value, v1::RefusalCount& message) {
  message.set_stage(value.stage);
  message.set_reason(value.reason);
  message.set_count(value.count);
}

ProducerStatus read(const v1::ProducerStatus& message) {
  ProducerStatus result;
  result.producer = message.producer();
  result.session = message.session();
  result.last_sequence = message.last_sequence();
  result.messages = message.messages();
  result.rows_accepted = message.rows_accepted();
  result.rows_refused = message.rows_refused();
  result.messages_missing = message.messages_missing();
  result.messages_duplicate = message.messages_duplicate();
  result.messages_reordered = message.messages_reordered();
  result.restarts = message.restarts();
  return result;
}

void write(const ProducerStatus& value, v1::ProducerStatus& message) {
  message.set_producer(value.producer);
  message.set_session(value.session);
  message.set_last_sequence(value.last_sequence);
  message.set_messages(value.messages);
  message.set_rows_accepted(value.rows_accepted);
  message.set_rows_refused(value.rows_refused);
  message.set_messages_missing(value.messages_missing);
  message.set_messages_duplicate(value.messages_duplicate);
  message.set_messages_reordered(value.messages_reordered);
  message.set_restarts(value.restarts);
}

Result<StreamStatus> read(const v1::StreamStatus& message) {
  if (message.phase() == 0 || !v1::StreamPhase_IsValid(message.phase())) {
    return fail("phase: " + std::to_string(message.phase()) + ", expected 1 to " + std::to_string(v1::StreamPhase_MAX));
  }
  StreamStatus result;
  result.stream = message.stream();
  result.phase = static_cast<StreamPhase>(message.phase());
  result.dimension = message.dimension();
  result.components = message.components();
  result.model_version = message.model_version();
  result.points_accepted = message.points_accepted();
  result.points_learned = message.points_learned();
  result.points_labelled = message.points_labelled();
  result.points_waiting = message.points_waiting();
  result.points_to_seed = message.points_to_seed();
  result.points_paused = message.points_paused();
  result.batches = message.batches();
  result.updates_failed = message.updates_failed();
  result.repairs = message.repairs();
  result.effective_sample_size = message.effective_sample_size();
  result.mean_log_likelihood = message.mean_log_likelihood();
  for (const v1::RefusalCount& refusal : message.refusals()) result.refusals.push_back(read(refusal));
  for (const v1::ProducerStatus& producer : message.producers()) result.producers.push_back(read(producer));
  result.digest = message.digest();
  return result;
}

void write(const StreamStatus& value, v1::StreamStatus& message) {
  message.set_stream(value.stream);
  message.set_phase(static_cast<v1::StreamPhase>(value.phase));
  message.set_dimension(value.dimension);
  message.set_components(value.components);
  message.set_model_version(value.model_version);
  message.set_points_accepted(value.points_accepted);
  message.set_points_learned(value.points_learned);
  message.set_points_labelled(value.points_labelled);
  message.set_points_waiting(value.points_waiting);
  message.set_points_to_seed(value.points_to_seed);
  message.set_points_paused(value.points_paused);
  message.set_batches(value.batches);
  message.set_updates_failed(value.updates_failed);
  message.set_repairs(value.repairs);
  message.set_effective_sample_size(value.effective_sample_size);
  message.set_mean_log_likelihood(value.mean_log_likelihood);
  for (const RefusalCount& refusal : value.refusals) write(refusal, *message.add_refusals());
  for (const ProducerStatus& producer : value.producers) write(producer, *message.add_producers());
  message.set_digest(value.digest);
}

Result<StatusReply> read(const v1::StatusReply& message) {
  StatusReply result;
  result.version = message.version();
  result.uptime_seconds = message.uptime_seconds();
  result.messages_received = message.messages_received();
  for (const v1::RefusalCount& refusal : message.refusals()) result.refusals.push_back(read(refusal));
  result.messages_published = message.messages_published();
  for (int i = 0; i < message.streams_size(); ++i) {
    auto stream = read(message.streams(i)).map_error(inside(element("streams", i)));
    if (!stream) return fail(stream.error().message);
    result.streams.push_back(std::move(*stream));
  }
  result.daemon_session = message.daemon_session();
  return result;
}

void write(const StatusReply& value, v1::StatusReply& message) {
  message.set_version(value.version);
  message.set_uptime_seconds(value.uptime_seconds);
  message.set_messages_received(value.messages_received);
  for (const RefusalCount& refusal : value.refusals) write(refusal, *message.add_refusals());
  message.set_messages_published(value.messages_published);
  for (const StreamStatus& stream : value.streams) write(stream, *message.add_streams());
  message.set_daemon_session(value.daemon_session);
}

Result<ControlError> read(const v1::ControlError& message) {
  if (message.code() == 0 || !v1::ControlErrorCode_IsValid(message.code())) {
    return fail("code: " + std::to_string(message.code()) + ", expected 1 to " +
                std::to_string(v1::ControlErrorCode_MAX));
  }
  return ControlError{static_cast<ControlErrorCode>(message.code()), message.message()};
}

std::vector<std::string> strings(const google::protobuf::RepeatedPtrField<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

// Puts a part of a reply that was read into the reply.
template <typename T>
Result<void> take(Result<T> part, const char* field, ControlReply& reply) {
  if (!part) return fail(std::string(field) + "." + part.error().message);
  reply.result = std::move(*part);
  return {};
}

Result<GetModelReply> read(const v1::GetModelReply& message) {
  return read(message.model()).map_error(inside("model.")).map([](ModelMessage model) {
    return GetModelReply{std::move(model)};
  });
}

Result<ControlReply> read(const v1::ControlReply& message) {
  ControlReply reply;
  reply.request_id = message.request_id();
  Result<void> ok;
  switch (message.result_case()) {
    case v1::ControlReply::kError:
      ok = take(read(message.error()), "error", reply);
      break;
    case v1::ControlReply::kStatus:
      ok = take(read(message.status()), "status", reply);
      break;
    case v1::ControlReply::kGetModel:
      ok = take(read(message.get_model()), "get_model", reply);
      break;
    case v1::ControlReply::kList:
      reply.result = ListReply{strings(message.list().streams())};
      break;
    case v1::ControlReply::kSave:
      reply.result = SaveReply{strings(message.save().streams())};
      break;
    case v1::ControlReply::kReset:
      reply.result = ResetReply{};
      break;
    case v1::ControlReply::kPause:
      reply.result = PauseReply{};
      break;
    case v1::ControlReply::kResume:
      reply.result = ResumeReply{};
      break;
    case v1::ControlReply::kFlush:
      reply.result = FlushReply{message.flush().points()};
      break;
    case v1::ControlReply::kShutdown:
      reply.result = ShutdownReply{};
      break;
    case v1::ControlReply::RESULT_NOT_SET:
      return fail("result: none, or one that this version does not know");
  }
  if (!ok) return fail(ok.error().message);
  return reply;
}

void write(const ControlReply& value, v1::ControlReply& message) {
  message.set_request_id(value.request_id);
  std::visit(Overloaded{
                 [&](const ControlError& error) {
                   message.mutable_error()->set_code(static_cast<v1::ControlErrorCode>(error.code));
                   message.mutable_error()->set_message(utf8(error.message));
                 },
                 [&](const StatusReply& reply) { write(reply, *message.mutable_status()); },
                 [&](const ListReply& reply) {
                   message.mutable_list()->mutable_streams()->Assign(reply.streams.begin(), reply.streams.end());
                 },
                 [&](const GetModelReply& reply) { write(reply.model, *message.mutable_get_model()->mutable_model()); },
                 [&](const SaveReply& reply) {
                   message.mutable_save()->mutable_streams()->Assign(reply.streams.begin(), reply.streams.end());
                 },
                 [&](const ResetReply&) { message.mutable_reset(); },
                 [&](const PauseReply&) { message.mutable_pause(); },
                 [&](const ResumeReply&) { message.mutable_resume(); },
                 [&](const FlushReply& reply) { message.mutable_flush()->set_points(reply.points); },
                 [&](const ShutdownReply&) { message.mutable_shutdown(); },
             },
             value.result);
}

// ---- Codec

template <typename Message>
auto decode(const char* what, std::string_view payload, Message& message) {
  return parse(payload, message).and_then([&] { return read(message); }).map_error(inside(std::string(what) + ": "));
}

template <typename Value, typename Message>
std::string encode_into(const Value& value, Message& message) {
  message.Clear();
  write(value, message);
  std::string payload;
  message.SerializeToString(&payload);
  return payload;
}

// protobuf writes to stderr by itself when a string is not UTF-8: any peer could fill the log. The failure is returned.
void silence_protobuf() { [[maybe_unused]] static const auto previous = google::protobuf::SetLogHandler(nullptr); }

}  // namespace

Codec::Codec() : messages_(std::make_unique<Messages>()) { silence_protobuf(); }
Codec::~Codec() = default;
Codec::Codec(Codec&&) noexcept = default;
Codec& Codec::operator=(Codec&&) noexcept = default;

Result<PointsMessage> Codec::decode_points(std::string_view payload) {
  return decode("points", payload, messages_->points);
}
Result<LabelsMessage> Codec::decode_labels(std::string_view payload) {
  return decode("labels", payload, messages_->labels);
}
Result<ModelMessage> Codec::decode_model(std::string_view payload) {
  return decode("model", payload, messages_->model);
}
Result<EventMessage> Codec::decode_event(std::string_view payload) {
  return decode("event", payload, messages_->event);
}
Result<ControlRequest> Codec::decode_request(std::string_view payload) {
  return decode("request", payload, messages_->request);
}
Result<ControlReply> Codec::decode_reply(std::string_view payload) {
  return decode("reply", payload, messages_->reply);
}

std::string Codec::encode(const PointsMessage& message) { return encode_into(message, messages_->points); }
std::string Codec::encode(const LabelsMessage& message) { return encode_into(message, messages_->labels); }
std::string Codec::encode(const ModelMessage& message) { return encode_into(message, messages_->model); }
std::string Codec::encode(const EventMessage& message) { return encode_into(message, messages_->event); }
std::string Codec::encode(const ControlRequest& message) { return encode_into(message, messages_->request); }
std::string Codec::encode(const ControlReply& message) { return encode_into(message, messages_->reply); }

}  // namespace emulsion::wire
