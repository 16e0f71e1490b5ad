// The messages of the wire contract as plain values.
//
// One struct for each message of proto/emulsion/v1, with the same fields and meanings: the comments
// there are the contract. Everything outside convert.cc works with these and never sees protobuf.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "emulsion/points.h"

namespace emulsion::wire {

// Points of one producer, where somebody else keeps them; valid as long as what it looks at. Not yet checked against the
// stream: rows may hold NaN or infinities.
struct PointsMessageView {
  std::string_view producer;
  std::uint64_t session = 0;
  std::uint64_t sequence = 0;
  PointView points;
  bool end_of_stream = false;
};

// The same with points of its own.
struct PointsMessage {
  std::string producer;
  std::uint64_t session = 0;
  std::uint64_t sequence = 0;
  PointBatch batch;
  bool end_of_stream = false;
  bool single_precision = false;  // the values travel as ELEMENT_TYPE_F32: half the bytes, 7 digits

  operator PointsMessageView() const { return {producer, session, sequence, batch, end_of_stream}; }
};

// Which message of whom.
struct MessageIdentity {
  std::string_view producer;
  std::uint64_t session = 0;
  std::uint64_t sequence = 0;
};

// A producer of an acknowledged input asks how far its session has come.
struct HelloMessage {
  std::string producer;
  std::uint64_t session = 0;
  std::uint64_t question = 0;
};

// What the daemon answers.
struct AcknowledgementMessage {
  std::string stream;
  std::string producer;
  std::uint64_t session = 0;
  std::uint64_t daemon_session = 0;
  std::uint64_t next_sequence = 0;      // all lower ones are durable
  std::uint64_t expected_sequence = 0;  // applied next
  std::uint32_t credit = 0;
  std::uint64_t question = 0;  // 0: nobody asked
  bool out_of_order = false;
  std::string fault;  // empty: all is well
};

struct ModelSpan {
  std::uint64_t model_version = 0;
  std::uint32_t rows = 0;
};

inline constexpr std::uint64_t kNoComponent = 0;  // label of a refused row
inline constexpr double kNoDensity = std::numeric_limits<double>::quiet_NaN();

struct LabelsMessage {
  std::string stream;
  std::uint64_t topic_sequence = 0;
  std::uint64_t daemon_session = 0;
  std::string producer;
  std::uint64_t session = 0;
  std::uint64_t sequence = 0;
  std::vector<std::uint64_t> component_ids;  // one per row
  std::vector<double> log_densities;         // one per row
  std::vector<double> responsibilities;      // rows x K, row by row; or empty
  std::vector<ModelSpan> model_spans;
};

// One part of a component's parameters, as the family's layout names it.
struct ParameterMessage {
  std::string name;
  std::vector<double> values;
};

// Gaussian families travel as a Gaussian, all others as a Distribution; here they are alike.
struct ComponentMessage {
  std::uint64_t id = 0;
  double weight = 0;
  double effective_sample_size = 0;
  bool starved = false;
  std::vector<std::uint64_t> parents;
  std::string family = "gaussian(full)";
  std::vector<ParameterMessage> parameters;
  std::vector<double> means;      // d, along each coordinate
  std::vector<double> variances;  // d
};

struct SourcePosition {
  std::string producer;
  std::uint64_t session = 0;
  std::uint64_t last_sequence = 0;
};

struct ModelMessage {
  std::string stream;
  std::uint64_t topic_sequence = 0;
  std::uint64_t daemon_session = 0;
  std::uint64_t version = 0;
  std::uint32_t dimension = 0;
  std::uint64_t points_learned = 0;
  double effective_sample_size = 0;
  double mean_log_likelihood = 0;
  std::vector<ComponentMessage> components;
  std::vector<SourcePosition> sources;
  std::vector<std::string> columns;  // names of the coordinates, or none
};

enum class EventKind {
  seeded = 1,
  starved = 2,
  revived = 3,
  repaired = 4,
  update_failed = 5,
  rejected = 6,
  gap = 7,
  duplicate = 8,
  reordered = 9,
  restarted = 10,
  reset = 11,
  paused = 12,
  resumed = 13,
  imprecise = 14,
};

// The kind as a lower-case word, such as "update_failed".
const char* name(EventKind kind);

struct EventMessage {
  std::string stream;
  std::uint64_t topic_sequence = 0;
  std::uint64_t daemon_session = 0;
  EventKind kind = EventKind::seeded;
  std::uint64_t model_version = 0;
  std::uint64_t points_learned = 0;
  std::vector<std::uint64_t> component_ids;
  std::string producer;
  std::uint64_t count = 0;
  std::string text;
};

struct RefusalCount {
  std::string stage;
  std::string reason;
  std::uint64_t count = 0;
};

struct ProducerStatus {
  std::string producer;
  std::uint64_t session = 0;
  std::uint64_t last_sequence = 0;
  std::uint64_t messages = 0;
  std::uint64_t rows_accepted = 0;
  std::uint64_t rows_refused = 0;
  std::uint64_t messages_missing = 0;
  std::uint64_t messages_duplicate = 0;
  std::uint64_t messages_reordered = 0;
  std::uint64_t restarts = 0;
};

enum class StreamPhase { warming_up = 1, learning = 2, paused = 3 };

// The phase as a lower-case word, such as "warming_up".
const char* name(StreamPhase phase);

struct StreamStatus {
  std::string stream;
  StreamPhase phase = StreamPhase::warming_up;
  std::uint32_t dimension = 0;
  std::uint32_t components = 0;
  std::uint64_t model_version = 0;
  std::uint64_t points_accepted = 0;
  std::uint64_t points_learned = 0;
  std::uint64_t points_labelled = 0;
  std::uint64_t points_waiting = 0;
  std::uint64_t points_to_seed = 0;
  std::uint64_t points_paused = 0;
  std::uint64_t batches = 0;
  std::uint64_t updates_failed = 0;
  std::uint64_t repairs = 0;
  double effective_sample_size = 0;
  double mean_log_likelihood = 0;
  std::vector<RefusalCount> refusals;
  std::vector<ProducerStatus> producers;
  std::string digest;
  std::string state_digest;
};

// Requests. A stream name that is empty means every stream where the contract allows it.
struct StatusRequest { std::string stream; };
struct ListRequest {};
struct GetModelRequest { std::string stream; };
struct SaveRequest { std::string stream; };
struct ResetRequest { std::string stream; };
struct PauseRequest { std::string stream; };
struct ResumeRequest { std::string stream; };
struct FlushRequest { std::string stream; };
struct ShutdownRequest {};

struct ControlRequest {
  std::uint64_t request_id = 0;
  std::variant<std::monostate, StatusRequest, ListRequest, GetModelRequest, SaveRequest, ResetRequest,
               PauseRequest, ResumeRequest, FlushRequest, ShutdownRequest>
      command;  // monostate: none, or one that this version does not know
};

enum class ControlErrorCode { malformed = 1, unknown_command = 2, unknown_stream = 3, no_model = 4, failed = 5 };

struct ControlError {
  ControlErrorCode code = ControlErrorCode::failed;
  std::string message;
};

struct StatusReply {
  std::string version;
  double uptime_seconds = 0;
  std::uint64_t messages_received = 0;
  std::vector<RefusalCount> refusals;
  std::uint64_t messages_published = 0;
  std::vector<StreamStatus> streams;
  std::uint64_t daemon_session = 0;
  std::string degraded;
};
struct ListReply { std::vector<std::string> streams; };
struct GetModelReply { ModelMessage model; };
struct SaveReply { std::vector<std::string> streams; };
struct ResetReply {};
struct PauseReply {};
struct ResumeReply {};
struct FlushReply { std::uint64_t points = 0; };
struct ShutdownReply {};

struct ControlReply {
  std::uint64_t request_id = 0;
  std::variant<ControlError, StatusReply, ListReply, GetModelReply, SaveReply, ResetReply, PauseReply,
               ResumeReply, FlushReply, ShutdownReply>
      result;
};

}  // namespace emulsion::wire
