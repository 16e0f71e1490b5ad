// Replies of the daemon to values and back.
#include "emulsion/wire/convert_parts.h"
#include "emulsion/wire/quoted.h"
#include "emulsion/wire/topic.h"

namespace emulsion::wire {
namespace {

static_assert(static_cast<int>(StreamPhase::paused) == v1::StreamPhase_MAX);
static_assert(static_cast<int>(ControlErrorCode::failed) == v1::ControlErrorCode_MAX);

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
  result.state_digest = message.state_digest();
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
  message.set_state_digest(value.state_digest);
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
  result.degraded = message.degraded();
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
  message.set_degraded(value.degraded);
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
  return wire::read(message.model()).map_error(inside("model.")).map([](ModelMessage model) {
    return GetModelReply{std::move(model)};
  });
}

}  // namespace

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

}  // namespace emulsion::wire
