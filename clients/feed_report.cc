#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "clients/feed.h"
#include "clients/status_table.h"
#include "clients/table.h"

namespace emulsion::client {
namespace {

const wire::StreamStatus* find_stream(const wire::StatusReply& status, std::string_view name) {
  const auto found = std::find_if(status.streams.begin(), status.streams.end(),
                                  [name](const auto& stream) { return stream.stream == name; });
  return found == status.streams.end() ? nullptr : &*found;
}

wire::ProducerStatus find_producer(const wire::StreamStatus* stream, std::string_view name) {
  if (stream == nullptr) return {};
  const auto found = std::find_if(stream->producers.begin(), stream->producers.end(),
                                  [name](const auto& producer) { return producer.producer == name; });
  return found == stream->producers.end() ? wire::ProducerStatus{} : *found;
}

// Growth of a count; a reset of the stream starts it anew.
std::uint64_t growth(std::uint64_t before, std::uint64_t after) { return after >= before ? after - before : after; }

std::vector<wire::RefusalCount> growth(const std::vector<wire::RefusalCount>& before,
                                       const std::vector<wire::RefusalCount>& after) {
  std::map<std::pair<std::string, std::string>, std::uint64_t> old;
  for (const auto& refusal : before) old[{refusal.stage, refusal.reason}] += refusal.count;
  std::vector<wire::RefusalCount> grown;
  for (const auto& refusal : after) {
    const std::uint64_t more = growth(old[{refusal.stage, refusal.reason}], refusal.count);
    if (more > 0) grown.push_back({refusal.stage, refusal.reason, more});
  }
  return grown;
}

}  // namespace

FeedReport account(const wire::StatusReply& before, const wire::StatusReply& after, FeedReport sent) {
  const auto* old_stream = find_stream(before, sent.stream);
  const auto* new_stream = find_stream(after, sent.stream);
  const auto old_producer = find_producer(old_stream, sent.producer);
  const auto now = find_producer(new_stream, sent.producer);

  sent.accepted = growth(old_producer.rows_accepted, now.rows_accepted);
  sent.refused = growth(old_producer.rows_refused, now.rows_refused);
  const std::uint64_t messages = growth(old_producer.messages, now.messages);
  const std::uint64_t duplicates = growth(old_producer.messages_duplicate, now.messages_duplicate);

  const bool last_came = now.session == sent.session && now.last_sequence + 1 >= sent.next_sequence;
  // A duplicate is neither accepted nor refused, so that its rows never add up; its message does.
  const bool all_came = sent.accepted + sent.refused >= sent.rows || (duplicates > 0 && messages >= sent.messages);
  sent.confirmed = sent.messages == 0 || (last_came && all_came);

  const std::uint64_t known = std::min(sent.rows, sent.accepted + sent.refused);
  sent.repeated = sent.confirmed ? sent.rows - known : 0;

  sent.dimension = new_stream != nullptr ? new_stream->dimension : 0;
  sent.reasons.clear();
  if (sent.refused > 0 && new_stream != nullptr) {
    sent.reasons = growth(old_stream ? old_stream->refusals : std::vector<wire::RefusalCount>{}, new_stream->refusals);
  }
  return sent;
}

FeedReport account_stalled(const wire::StatusReply& before, const wire::StatusReply& after, FeedReport sent) {
  FeedReport report = account(before, after, sent);
  if (report.confirmed) return report;

  const auto* old_stream = find_stream(before, sent.stream);
  const auto* new_stream = find_stream(after, sent.stream);
  const std::uint64_t known =
      growth(find_producer(old_stream, sent.producer).messages, find_producer(new_stream, sent.producer).messages);
  auto reasons = growth(before.refusals, after.refusals);
  if (new_stream != nullptr && known == 0) {
    const auto more =
        growth(old_stream ? old_stream->refusals : std::vector<wire::RefusalCount>{}, new_stream->refusals);
    reasons.insert(reasons.end(), more.begin(), more.end());
  }
  std::uint64_t refused_messages = 0;
  for (const auto& reason : reasons) refused_messages += reason.stage == "row" ? 0 : reason.count;
  if (refused_messages > 0 && known + refused_messages >= sent.messages) {
    report.confirmed = true;
    report.refused = sent.rows - std::min(sent.rows, report.accepted);
    report.reasons.insert(report.reasons.end(), reasons.begin(), reasons.end());
  }
  return report;
}

std::string closing_line(const FeedReport& report) {
  std::string line = fmt::format("sent {} in {} to \"{}\"", counted(report.rows, "row"),
                                 counted(report.messages, "message"), report.stream);
  if (report.acknowledged) {
    line += report.durable >= report.next_sequence ? ": all durable"
                                                   : fmt::format(": {} of {} of the session are durable", report.durable, counted(report.next_sequence, "message"));
    if (report.durable_before > 0) line += fmt::format(", {} had been before", counted(report.durable_before, "message"));
    if (report.sent_again > 0) line += fmt::format(", {} sent again", report.sent_again);
    if (!report.confirmed) return line;
  } else if (!report.confirmed) {
    return line + ": not confirmed";
  }
  line += fmt::format("{}{} accepted, {} refused", report.acknowledged ? "; " : ": ", report.accepted, report.refused);
  if (!report.reasons.empty()) line += " (" + refusal_list(report.reasons) + ")";
  const bool of_dimension = std::any_of(report.reasons.begin(), report.reasons.end(),
                                        [](const wire::RefusalCount& refusal) { return refusal.reason == "bad_dimension"; });
  if (of_dimension && report.dimension > 0) line += fmt::format(", as the stream is of points of {}", counted(report.dimension, "coordinate"));
  if (report.repeated > 0) line += fmt::format(", {} had come before", report.repeated);
  return line;
}

std::string closing_json(const FeedReport& report, std::uint64_t skipped) {
  using Json = nlohmann::ordered_json;
  Json json = {{"stream", report.stream},   {"producer", report.producer},
               {"session", report.session}, {"next_sequence", report.next_sequence},
               {"rows", report.rows},       {"messages", report.messages},
               {"skipped", skipped},        {"confirmed", report.confirmed}};
  if (report.acknowledged) {
    json["durable"] = report.durable;
    json["durable_before"] = report.durable_before;
    json["sent_again"] = report.sent_again;
    json["restarts"] = report.restarts;
  }
  if (report.confirmed) {
    Json reasons = Json::array();
    for (const auto& reason : report.reasons) {
      reasons.push_back({{"stage", reason.stage}, {"reason", reason.reason}, {"count", reason.count}});
    }
    json["accepted"] = report.accepted;
    json["refused"] = report.refused;
    json["repeated"] = report.repeated;
    json["refusals"] = reasons;
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

int exit_code_of(const FeedReport& report) {
  return report.confirmed && report.refused > 0 ? exit_code::kBadData : exit_code::kOk;
}

}  // namespace emulsion::client
