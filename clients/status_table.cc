#include "clients/status_table.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "emulsion/wire/state.h"
#include "emulsion/wire/topic.h"

namespace emulsion::client {
namespace {

using Json = nlohmann::ordered_json;

std::string waiting(const wire::StreamStatus& stream) {
  if (stream.phase != wire::StreamPhase::warming_up || stream.points_to_seed == 0)
    return std::to_string(stream.points_waiting);
  return fmt::format("{} of {}", stream.points_waiting, stream.points_to_seed);
}

std::string likelihood(const wire::StreamStatus& stream) {
  return stream.model_version == 0 ? "-" : significant(stream.mean_log_likelihood, 4);
}

Json to_json(const std::vector<wire::RefusalCount>& refusals) {
  Json list = Json::array();
  for (const auto& refusal : refusals) {
    list.push_back({{"stage", refusal.stage}, {"reason", refusal.reason}, {"count", refusal.count}});
  }
  return list;
}

Json to_json(const wire::ProducerStatus& producer) {
  return {{"producer", producer.producer},
          {"session", producer.session},
          {"last_sequence", producer.last_sequence},
          {"messages", producer.messages},
          {"rows_accepted", producer.rows_accepted},
          {"rows_refused", producer.rows_refused},
          {"messages_missing", producer.messages_missing},
          {"messages_duplicate", producer.messages_duplicate},
          {"messages_reordered", producer.messages_reordered},
          {"restarts", producer.restarts}};
}

Json to_json(const wire::StreamStatus& stream) {
  Json producers = Json::array();
  for (const auto& producer : stream.producers) producers.push_back(to_json(producer));
  return {{"stream", stream.stream},
          {"phase", wire::name(stream.phase)},
          {"dimension", stream.dimension},
          {"components", stream.components},
          {"model_version", stream.model_version},
          {"points_accepted", stream.points_accepted},
          {"points_learned", stream.points_learned},
          {"points_labelled", stream.points_labelled},
          {"points_waiting", stream.points_waiting},
          {"points_to_seed", stream.points_to_seed},
          {"points_paused", stream.points_paused},
          {"batches", stream.batches},
          {"updates_failed", stream.updates_failed},
          {"repairs", stream.repairs},
          {"effective_sample_size", stream.effective_sample_size},
          {"mean_log_likelihood", stream.mean_log_likelihood},
          {"refusals", to_json(stream.refusals)},
          {"producers", producers},
          {"digest", stream.digest},
          {"state_digest", stream.state_digest}};
}

}  // namespace

std::uint64_t rows_refused(const wire::StreamStatus& stream) {
  std::uint64_t sum = 0;
  for (const auto& producer : stream.producers) sum += producer.rows_refused;
  return sum;
}

std::uint64_t messages_missing(const wire::StreamStatus& stream) {
  std::uint64_t sum = 0;
  for (const auto& producer : stream.producers) sum += producer.messages_missing;
  return sum;
}

std::string refusal_list(const std::vector<wire::RefusalCount>& refusals) {
  std::vector<std::string> words;
  for (const auto& refusal : refusals) {
    if (refusal.count == 0) continue;
    words.push_back(fmt::format("{}: {}", wire::printable(refusal.reason), counted(refusal.count, wire::printable(refusal.stage))));
  }
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string status_table(const wire::StatusReply& status, std::size_t width) {
  std::string text = fmt::format("emulsiond {}, up {}: {} in, {} out\n", wire::printable(status.version),
                                 short_time(status.uptime_seconds), counted(status.messages_received, "message"),
                                 status.messages_published);
  if (!status.degraded.empty()) text += "degraded: " + wire::printable(status.degraded, 600) + "\n";
  if (const std::string refused = refusal_list(status.refusals); !refused.empty()) {
    text += "refused before they reached a stream: " + refused + "\n";
  }
  if (status.streams.empty()) return text + "no streams yet; `emulsion send FILE` makes one\n";

  Table table;
  table.column("stream", Align::left);
  table.column("phase", Align::left);
  for (const char* heading :
       {"d", "K", "model", "accepted", "learned", "waiting", "refused", "missing", "nats/point"}) {
    table.column(heading, Align::right);
  }
  for (const auto& stream : status.streams) {
    table.row({wire::printable(stream.stream), wire::name(stream.phase), std::to_string(stream.dimension),
               std::to_string(stream.components), std::to_string(stream.model_version),
               std::to_string(stream.points_accepted), std::to_string(stream.points_learned), waiting(stream),
               std::to_string(rows_refused(stream)), std::to_string(messages_missing(stream)), likelihood(stream)});
  }
  return text + table.render(width);
}

std::string stream_table(const wire::StreamStatus& stream, std::size_t width) {
  std::string text = fmt::format("stream \"{}\": {}\n", wire::printable(stream.stream), wire::name(stream.phase));
  Table facts;
  facts.column("count", Align::left);
  facts.column("value", Align::right);
  const auto fact = [&facts](const char* what, const std::string& value) { facts.row({what, value}); };
  fact("coordinates of a point", std::to_string(stream.dimension));
  fact("components", std::to_string(stream.components));
  fact("model version", std::to_string(stream.model_version));
  fact("rows accepted", std::to_string(stream.points_accepted));
  fact("rows learned", std::to_string(stream.points_learned));
  fact("rows labelled", std::to_string(stream.points_labelled));
  fact("rows waiting", waiting(stream));
  fact("rows not learned while paused", std::to_string(stream.points_paused));
  fact("mini-batches learned", std::to_string(stream.batches));
  fact("updates failed", std::to_string(stream.updates_failed));
  fact("covariances repaired", std::to_string(stream.repairs));
  fact("effective sample size (points)", significant(stream.effective_sample_size, 4));
  fact("mean log likelihood (nats/point)", likelihood(stream));
  text += facts.render(width);
  std::vector<wire::RefusalCount> refusals = stream.refusals;
  std::uint64_t early = 0;  // of no concern, as their producers send them again
  for (const auto& refusal : refusals) early += refusal.reason == wire::kOutOfOrder ? refusal.count : 0;
  std::erase_if(refusals, [](const auto& refusal) { return refusal.reason == wire::kOutOfOrder; });
  if (const std::string refused = refusal_list(refusals); !refused.empty()) text += "refused: " + refused + "\n";
  if (early > 0) text += counted(early, "message") + " came before their turn, and were asked for again\n";
  if (!stream.digest.empty()) text += "digest: " + wire::printable(stream.digest) + "\n";
  if (!stream.state_digest.empty()) text += "state digest: " + wire::printable(stream.state_digest) + "\n";
  if (stream.producers.empty()) return text;

  Table producers;
  producers.column("producer", Align::left);
  for (const char* heading :
       {"messages", "accepted", "refused", "missing", "twice", "late", "restarts", "last", "session"}) {
    producers.column(heading, Align::right);
  }
  for (const auto& producer : stream.producers) {
    producers.row({wire::printable(producer.producer), std::to_string(producer.messages),
                   std::to_string(producer.rows_accepted), std::to_string(producer.rows_refused),
                   std::to_string(producer.messages_missing), std::to_string(producer.messages_duplicate),
                   std::to_string(producer.messages_reordered), std::to_string(producer.restarts),
                   std::to_string(producer.last_sequence), std::to_string(producer.session)});
  }
  return text + "\n" + producers.render(width);
}

std::string waits_for_model(const wire::StreamStatus& stream) {
  if (stream.points_to_seed == 0) {  // how many depends on the dimension of the first
    return fmt::format("stream \"{}\" waits for its first points", wire::printable(stream.stream));
  }
  std::string text = fmt::format("stream \"{}\" waits for its first model: {} points", wire::printable(stream.stream),
                                 waiting(stream));
  if (stream.points_waiting > 0) {
    text += fmt::format("; `emulsion flush {}` starts with what there is", wire::printable(stream.stream));
  }
  return text;
}

std::string status_json(const wire::StatusReply& status) {
  Json streams = Json::array();
  for (const auto& stream : status.streams) streams.push_back(to_json(stream));
  const Json json = {{"version", status.version},
                     {"uptime_seconds", status.uptime_seconds},
                     {"messages_received", status.messages_received},
                     {"refusals", to_json(status.refusals)},
                     {"messages_published", status.messages_published},
                     {"streams", streams},
                     {"daemon_session", status.daemon_session},
                     {"degraded", status.degraded}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace emulsion::client
