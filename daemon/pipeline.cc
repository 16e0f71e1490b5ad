#include "daemon/pipeline.h"

#include <algorithm>

#include "daemon/log.h"
#include "emulsion/prefetch.h"
#include "emulsion/wire/topic.h"

namespace emulsion::service {
namespace {

// So many frames of one source before the others, and the requests, have their turn. Those that are handled together hold
// each other up, so they also end with the one that makes so many bytes complete: few where they are learned one after the
// other, more where several threads want streams to learn. An answer that is ready waits for others so long at most, and for the
// message that is under way then.
constexpr std::size_t kFramesPerTurn = 64;
constexpr std::size_t kBytesPerRun = 65536;
constexpr std::size_t kBytesPerSharedRun = 1048576;
constexpr auto kLongestWait = std::chrono::microseconds(100);

constexpr int kRequestsPerTurn = 16;
constexpr int kStreamsPerTurn = 256;
constexpr auto kSavingPerTurn = std::chrono::milliseconds(2);  // and at least one stream
constexpr auto kHealthInterval = std::chrono::milliseconds(200);

}  // namespace

Pipeline::Pipeline(Parts parts, double save_interval_seconds)
    : sources_(std::move(parts.sources)),
      sink_(parts.sink),
      control_(parts.control),
      streams_(parts.streams),
      board_(parts.board),
      now_(std::move(parts.now)),
      started_(now_()),
      started_at_(std::chrono::system_clock::now()),
      save_interval_(seconds_to_duration(save_interval_seconds)),
      last_save_(started_),
      last_post_(started_ - kHealthInterval),
      publisher_(parts.sink, parts.daemon_session),
      acknowledgements_(parts.acknowledgements, parts.daemon_session),
      desk_(
          streams_, publisher_, counts_, [this] { return std::chrono::duration<double>(now_() - started_).count(); },
          [this](StreamEntry& entry, StreamOutput& output) { publish(entry, output); }),
      workers_(parts.threads),
      jobs_(kFramesPerTurn),
      codecs_(jobs_.size()),
      warnings_(5, std::chrono::seconds(1), now_) {
  for (auto& [name, entry] : streams_.all())
    if (entry.unpublished) enqueue(entry, started_);
}

bool Pipeline::step() {
  // First, so that who has subscribed is owed no model that is yet to be made.
  bool more = answer_subscribers(now_());
  for (FrameSource* source : sources_) more |= receive_from(*source);
  more |= answer_requests();
  const Time now = now_();
  more |= publish_due_models(now);
  more |= commit_due_streams(now);
  more |= save_due_states(now);
  more |= gather_status();
  if (now - last_post_ >= kHealthInterval) post_health(now);
  return more;
}

bool Pipeline::drain() {
  set_ready(false, "draining");
  for (FrameSource* source : sources_) source->close_intake();
  do {
    step();
  } while (!sources_exhausted());
  for (auto& [name, entry] : streams_.all()) {
    if (!streams_.has_store()) {
      StreamOutput output;
      entry.stream.flush(output);
      publish(entry, output);
    }
    if (entry.unpublished && entry.stream.has_model() && publisher_.has_model_reader(name)) publish_or_wait(entry, take_model(entry, now_()));
  }
  for (StreamEntry* entry : acknowledgements_.waiting()) commit(*entry);
  const bool saved = save_all();
  post_health(now_());
  return saved;
}

bool Pipeline::sources_exhausted() const {
  return std::all_of(sources_.begin(), sources_.end(), [](const FrameSource* source) { return source->exhausted(); });
}

void Pipeline::set_ready(bool ready, std::string reason) {
  ready_ = ready;
  not_ready_reason_ = std::move(reason);
  post_health(now_());
}

bool Pipeline::receive_from(FrameSource& source) {
  for (std::size_t taken = 0; taken < kFramesPerTurn;) {
    const std::size_t received = receive_run(source, kFramesPerTurn - taken);
    if (received == 0) return false;
    const std::span<Job> run(jobs_.data(), received);
    handle(run, source);
    for (const Job& job : run) source.settle(job.frame, job.outcome);
    taken += received;
  }
  return true;
}

std::size_t Pipeline::bytes_per_run() const { return workers_.threads() == 1 ? kBytesPerRun : kBytesPerSharedRun; }

// Receives frames that are there, to be handled together; returns how many.
std::size_t Pipeline::receive_run(FrameSource& source, std::size_t most) {
  std::size_t received = 0;
  for (std::size_t bytes = 0; received < most && bytes < bytes_per_run(); ++received) {
    const auto frame = source.receive();
    if (!frame) break;
    jobs_[received].frame = *frame;
    bytes += frame->payload.size();
  }
  counts_.messages_received += received;
  return received;
}

void Pipeline::handle(std::span<Job> run, FrameSource& source) {
  by_stream_.clear();
  for (Job& job : run) {
    job.outcome = Outcome::refused;
    job.entry = address(job, source);
    if (job.entry == nullptr) continue;
    const auto same = std::find_if(by_stream_.begin(), by_stream_.end(), [&](const auto& jobs) { return jobs.front()->entry == job.entry; });
    if (same != by_stream_.end()) {
      same->push_back(&job);
    } else {
      auto& jobs = by_stream_.add();
      jobs.clear();
      jobs.push_back(&job);
    }
  }
  if (workers_.threads() == 1 || by_stream_.size() == 1) return work_in_turn(run, source);
  workers_.for_each(static_cast<Index>(by_stream_.size()), [this, acknowledged = source.acknowledges()](Index i) {
    const auto stream = static_cast<std::size_t>(i);
    for (Job* job : by_stream_[stream]) work(*job, acknowledged, codecs_[stream]);
  });
  finish(run, source);
}

// One message after the other, and published before others if it has waited long enough.
void Pipeline::work_in_turn(std::span<Job> run, FrameSource& source) {
  if (by_stream_.size() > 1)
    for (int step = 1; step < kPrefetchSteps; ++step)
      for (const auto& jobs : by_stream_) jobs.front()->entry->stream.prefetch(step);
  std::size_t finished = 0;
  Time since = now_();
  for (std::size_t i = 0; i < run.size(); ++i) {
    if (run[i].entry == nullptr) continue;
    const Time now = work(run[i], source.acknowledges(), codecs_.front());
    if (now - since < kLongestWait) continue;
    finish(run.subspan(finished, i + 1 - finished), source);
    finished = i + 1;
    since = now;
  }
  finish(run.subspan(finished), source);
}

// The stream that a frame belongs to. Null if it is of none; it is then refused.
StreamEntry* Pipeline::address(Job& job, FrameSource& source) {
  const FrameView& frame = job.frame;
  job.producer.clear();
  job.fault.clear();
  job.hello.reset();
  if (log::enabled(log::Level::trace))
    log::trace("received: topic \"{}\", {} bytes", wire::printable(frame.topic), frame.payload.size());
  if (!frame.fault.empty()) return refuse("bad_frames", std::string(frame.fault));
  const auto topic = wire::parse_topic(frame.topic);
  if (!topic) return refuse("bad_topic", topic.error().message);
  if (topic->kind == wire::TopicKind::hello && source.acknowledges()) return greet(job, *topic);
  if (topic->kind != wire::TopicKind::points)
    return refuse("bad_topic", "topic \"" + wire::printable(frame.topic) + "\": expected one of points");
  if (StreamEntry* known = streams_.find(topic->stream)) {
    prefetch_object(*known);
    return known;
  }
  // Only points make a stream: what cannot be read takes none of the places.
  const auto message = codecs_.front().view_points(frame.payload);
  if (!message) return refuse("malformed", message.error().message);
  const auto made = streams_.find_or_create(topic->stream);
  if (made) return *made;
  job.producer = message->producer;
  job.session = message->session;
  job.fault = made.error().text;
  return refuse(made.error().reason, made.error().text);
}

// Takes note of a question, which is answered once everything before it has been handled.
StreamEntry* Pipeline::greet(Job& job, const wire::Topic& topic) {
  auto hello = codecs_.front().decode_hello(job.frame.payload);
  if (!hello) return refuse("malformed", hello.error().message + " (stream \"" + std::string(topic.stream) + "\")");
  job.outcome = Outcome::question;
  job.producer = hello->producer;
  job.session = hello->session;
  job.hello = std::move(*hello);
  return nullptr;
}

// What threads share: nothing here touches anything but the job, its stream and the codec. Returns when the message was learned.
Pipeline::Time Pipeline::work(Job& job, bool acknowledged, wire::Codec& codec) const {
  StreamEntry& entry = *job.entry;
  job.output.clear();
  const auto message = codec.view_points(job.frame.payload);
  const Time before = now_();
  take(job, acknowledged, codec, message);
  const Time now = now_();
  if (message) entry.observe(std::chrono::duration<double>(now - before).count(), job.output);
  entry.unpublished |= job.output.model_changed;
  job.model = take_due_model(entry, now);
  return now;
}

// Gives a message to its stream.
void Pipeline::take(Job& job, bool acknowledged, wire::Codec& codec, const Result<wire::PointsMessageView>& message) const {
  Stream& stream = job.entry->stream;
  const std::uint64_t credit = acknowledgements_.credit();
  std::optional<wire::MessageIdentity> identity;
  if (message)
    identity = {message->producer, message->session, message->sequence};
  else if (acknowledged)
    identity = codec.refused_points();

  if (message && acknowledged)
    job.outcome = stream.take_in_order(*message, credit, job.output);
  else if (message)
    job.outcome = stream.take(*message, job.output);
  else if (identity)
    job.outcome = stream.refuse_in_order(*identity, credit, "malformed", message.error().message, job.output);
  else
    stream.refuse("malformed", message.error().message, job.output);

  if (message && !job.frame.mark.empty() && job.outcome != Outcome::duplicate) stream.set_mark(message->producer, job.frame.mark);
  if (!acknowledged || !identity) return;
  job.producer = identity->producer;
  job.session = identity->session;
  // What was refused and has not taken its turn will be refused again.
  if (job.outcome == Outcome::refused && stream.position(job.producer, job.session).expected <= identity->sequence && !job.output.events.empty())
    job.fault = job.output.events.back().text;
}

// Answers a question, or sees to it that the producer of a message is answered after the next commit.
void Pipeline::acknowledge(Job& job, FrameSource& source) {
  if (job.producer.empty()) return;
  const auto topic = wire::parse_topic(job.frame.topic);
  Acknowledgements::Whom whom{&source, std::string(job.frame.peer), job.producer, job.session, job.outcome == Outcome::ahead, job.fault};
  if (job.hello)
    acknowledgements_.answer(topic->stream, streams_.find(topic->stream), whom, job.hello->question);
  else if (job.entry == nullptr)
    acknowledgements_.answer(topic->stream, nullptr, whom, 0);
  else
    acknowledgements_.note(*job.entry, std::move(whom), now_());
}

// Publishes what has been worked on, in its order.
void Pipeline::finish(std::span<Job> jobs, FrameSource& source) {
  for (Job& job : jobs) {
    if (job.entry != nullptr) finish(job);
    if (source.acknowledges()) acknowledge(job, source);
  }
}

void Pipeline::finish(Job& job) {
  const std::string& name = job.entry->stream.name();
  for (const wire::EventMessage& event : job.output.events)
    if (event.kind == wire::EventKind::rejected || event.kind == wire::EventKind::imprecise)
      log::warning_limited(warnings_, name, "stream {}: {}", name, event.text);
  streams_.changed(*job.entry);
  publisher_.publish(name, job.output, job.entry->published);
  publish_or_wait(*job.entry, std::exchange(job.model, std::nullopt));
  // Long messages come alone, or last in a run; a first model answers all that have waited.
  const std::size_t kept = &job == &jobs_.front() ? wire::kKeptBytes : bytes_per_run();
  if (job.frame.payload.size() > kept || job.output.seeded) job.output = {};
}

StreamEntry* Pipeline::refuse(const std::string& reason, const std::string& text) {
  counts_.refusals.count("message", reason);
  log::warning_limited(warnings_, reason, "message refused: {}", text);
  return nullptr;
}

bool Pipeline::answer_requests() {
  for (int i = 0; i < kRequestsPerTurn; ++i) {
    const auto request = control_.receive();
    if (!request) return false;
    control_.reply(*request, desk_.answer(*request));
  }
  return true;
}

// Commits the streams that are due, some in each step.
bool Pipeline::commit_due_streams(Time now) {
  for (const Time end = now + kSavingPerTurn; StreamEntry* entry = acknowledgements_.next_due(now);) {
    commit(*entry);
    if (now_() >= end) break;
  }
  return acknowledgements_.due() && *acknowledgements_.due() <= now;
}

// What is only heard again is durable already, and needs no checkpoint.
void Pipeline::commit(StreamEntry& entry) {
  const Time begun = now_();
  if (!entry.stream.has_undurable() || save(entry))
    acknowledgements_.committed(entry, begun, now_());
  else
    acknowledgements_.failed(entry, "stream \"" + entry.stream.name() + "\": its state cannot be saved; the daemon's log says why", now_());
}

// When a round of saves is due, or one has failed a while ago, all that has changed until then is saved, some streams in each step.
bool Pipeline::save_due_states(Time now) {
  if (saves_left_ == 0) {
    const std::chrono::steady_clock::duration interval = streams_.saves().failing() ? SaveHealth::kRetry : save_interval_;
    if (interval.count() == 0 || now - last_save_ < interval) return false;
    last_save_ = now;
    saves_left_ = streams_.to_save();
  }
  for (const Time end = now + kSavingPerTurn; saves_left_ > 0; --saves_left_) {
    StreamEntry* entry = streams_.next_to_save();
    if (entry != nullptr) save(*entry);
    if (now_() >= end) {
      --saves_left_;
      break;
    }
  }
  return saves_left_ > 0;
}

bool Pipeline::save_all() {
  bool saved_all = true;
  for (saves_left_ = streams_.to_save(); saves_left_ > 0; --saves_left_) saved_all &= save(*streams_.next_to_save());
  return saved_all;
}

bool Pipeline::save(StreamEntry& entry) {
  const auto saved = streams_.save(entry);
  if (saved) return true;
  log::error("stream {}: not saved: {}", entry.stream.name(), saved.error().message);
  streams_.changed(entry);  // for the next round
  last_save_ = now_();      // after which it is tried again
  return false;
}

void Pipeline::post_health(Time now) {
  last_post_ = now;
  board_.post(health(now));
  log::report_suppressed(warnings_);
}

Health Pipeline::health(Time now) const {
  if (ready_ && degraded()) return {now, true, false, "degraded: " + streams_.saves().reason()};
  return {now, true, ready_, not_ready_reason_};
}

bool Pipeline::gather_status() {
  if (!status_) {
    if (!board_.asked()) return false;
    status_.emplace();
    next_in_status_ = streams_.all().cbegin();
  }
  for (int i = 0; i < kStreamsPerTurn && next_in_status_ != streams_.all().cend(); ++i, ++next_in_status_) {
    const auto& [name, entry] = *next_in_status_;
    status_->reply.streams.push_back(entry.stream.status());
    status_->details[name] = {entry.configured,       entry.em_step_seconds,  entry.stream.components_starved(),
                              entry.published.models, entry.published.labels, entry.published.events};
  }
  if (next_in_status_ != streams_.all().cend()) return true;
  wire::StatusReply reply = desk_.daemon_status();
  reply.streams = std::move(status_->reply.streams);
  status_->reply = std::move(reply);
  status_->started = started_at_;
  status_->health = health(now_());
  status_->saves = streams_.saves();
  board_.post(std::move(*status_));
  status_.reset();
  return false;
}

std::chrono::steady_clock::duration Pipeline::seconds_to_duration(double seconds) {
  return std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(seconds));
}

}  // namespace emulsion::service
