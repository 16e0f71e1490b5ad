#include "daemon/pipeline.h"

#include <algorithm>

#include "daemon/log.h"
#include "emulsion/wire/topic.h"

namespace emulsion::service {
namespace {

// So many frames of one source before the others, and the requests, have their turn.
constexpr int kFramesPerTurn = 64;
constexpr int kRequestsPerTurn = 16;
constexpr auto kStatusInterval = std::chrono::milliseconds(200);

}  // namespace

Pipeline::Pipeline(Parts parts, double save_interval_seconds)
    : sources_(std::move(parts.sources)),
      control_(parts.control),
      streams_(parts.streams),
      board_(parts.board),
      now_(std::move(parts.now)),
      started_(now_()),
      started_at_(std::chrono::system_clock::now()),
      save_interval_(seconds_to_duration(save_interval_seconds)),
      last_save_(started_),
      last_post_(started_ - kStatusInterval),
      publisher_(parts.sink, parts.daemon_session),
      desk_(streams_, publisher_, counts_, [this] { return std::chrono::duration<double>(now_() - started_).count(); }),
      warnings_(5, std::chrono::seconds(1), now_) {}

bool Pipeline::step() {
  bool more = false;
  for (FrameSource* source : sources_) more |= receive_from(*source);
  more |= answer_requests();
  for (auto& [name, entry] : streams_.all()) publish_model(entry, false);
  if (save_interval_.count() > 0 && now_() - last_save_ >= save_interval_) save_states();
  if (now_() - last_post_ >= kStatusInterval) post_status();
  return more;
}

bool Pipeline::drain() {
  set_ready(false, "draining");
  for (FrameSource* source : sources_) source->close_intake();
  do {
    step();
  } while (!sources_exhausted());
  if (!streams_.has_store()) {
    for (auto& [name, entry] : streams_.all()) {
      StreamOutput output;
      entry.stream.flush(output);
      entry.unpublished |= output.model_changed;
      publisher_.publish(std::move(output));
    }
  }
  for (auto& [name, entry] : streams_.all()) publish_model(entry, true);
  const bool saved = save_states();
  post_status();
  return saved;
}

bool Pipeline::sources_exhausted() const {
  return std::all_of(sources_.begin(), sources_.end(), [](const FrameSource* source) { return source->exhausted(); });
}

void Pipeline::set_ready(bool ready, std::string reason) {
  ready_ = ready;
  not_ready_reason_ = std::move(reason);
  post_status();
}

bool Pipeline::receive_from(FrameSource& source) {
  for (int i = 0; i < kFramesPerTurn; ++i) {
    const auto frame = source.receive();
    if (!frame) return false;
    ++counts_.messages_received;
    source.settle(*frame, handle(*frame));
  }
  return true;
}

Outcome Pipeline::handle(const Frame& frame) {
  if (log::enabled(log::Level::trace))
    log::trace("received: topic \"{}\", {} bytes", wire::printable(frame.topic), frame.payload.size());
  if (!frame.fault.empty()) {
    refuse("bad_frames", frame.fault);
    return Outcome::refused;
  }
  const auto topic = wire::parse_topic(frame.topic);
  if (!topic || topic->kind != wire::TopicKind::points) {
    refuse("bad_topic", topic ? "topic \"" + wire::printable(frame.topic) + "\": expected one of points" : topic.error().message);
    return Outcome::refused;
  }
  auto message = codec_.decode_points(frame.payload);
  // Only points make a stream: what cannot be read takes none of the places.
  if (!message && streams_.find(topic->stream) == nullptr) {
    refuse("malformed", message.error().message);
    return Outcome::refused;
  }
  const auto found = streams_.find_or_create(topic->stream);
  if (!found) {
    refuse(found.error().reason, found.error().text);
    return Outcome::refused;
  }
  StreamEntry& entry = **found;
  StreamOutput output;
  Outcome outcome = Outcome::refused;
  if (message) {
    const Time before = now_();
    outcome = entry.stream.take(std::move(*message), output);
    entry.observe(std::chrono::duration<double>(now_() - before).count(), output);
  } else {
    entry.stream.refuse("malformed", message.error().message, output);
  }
  entry.unsaved = true;
  entry.unpublished |= output.model_changed;
  for (const wire::EventMessage& event : output.events)
    if (event.kind == wire::EventKind::rejected)
      log::warning_limited(warnings_, topic->stream, "stream {}: {}", topic->stream, event.text);
  publisher_.publish(std::move(output));
  publish_model(entry, false);
  return outcome;
}

void Pipeline::refuse(const std::string& reason, const std::string& text) {
  counts_.refusals.count("message", reason);
  log::warning_limited(warnings_, reason, "message refused: {}", text);
}

bool Pipeline::answer_requests() {
  for (int i = 0; i < kRequestsPerTurn; ++i) {
    const auto request = control_.receive();
    if (!request) return false;
    control_.reply(*request, desk_.answer(*request));
  }
  return true;
}

// A model that has changed is published when its interval is over, or at once.
void Pipeline::publish_model(StreamEntry& entry, bool at_once) {
  if (!entry.unpublished || !entry.stream.has_model()) return;
  const Time now = now_();
  const auto interval = seconds_to_duration(entry.stream.options().model_interval_seconds);
  if (!at_once && entry.model_published && now - *entry.model_published < interval) return;
  publisher_.publish(entry.stream.model());
  entry.model_published = now;
  entry.unpublished = false;
}

bool Pipeline::save_states() {
  last_save_ = now_();
  bool saved_all = true;
  for (auto& [name, entry] : streams_.all()) {
    const auto saved = streams_.save(entry);
    if (saved) continue;
    saved_all = false;
    log::error("stream {}: not saved: {}", name, saved.error().message);
  }
  return saved_all;
}

void Pipeline::post_status() {
  last_post_ = now_();
  ServiceStatus status;
  status.reply = desk_.status({}, false);
  for (const auto& [name, entry] : streams_.all()) {
    const Publisher::Counts published = publisher_.counts(name);
    status.details[name] = {entry.configured, entry.em_step_seconds, entry.stream.components_starved(),
                            published.models, published.labels,      published.events};
  }
  status.started = started_at_;
  status.pipeline_tick = last_post_;
  status.ready = ready_;
  status.not_ready_reason = not_ready_reason_;
  board_.post(std::move(status));
  log::report_suppressed(warnings_);
}

std::chrono::steady_clock::duration Pipeline::seconds_to_duration(double seconds) {
  return std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(seconds));
}

}  // namespace emulsion::service
