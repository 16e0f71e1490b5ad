#include "clients/feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <random>
#include <utility>

#include "clients/acknowledged_sender.h"
#include "clients/interrupt.h"
#include "emulsion/wire/convert.h"
#include "emulsion/wire/topic.h"

namespace emulsion::client {
namespace {

using Clock = std::chrono::steady_clock;

// How often the daemon is asked whether it has everything: first, and at most.
constexpr Milliseconds kFirstQuestion{5};
constexpr Milliseconds kRarestQuestion{250};

// Without progress for so long, refusals that the daemon could not assign to a producer are taken for ours.
constexpr std::chrono::seconds kStalled{1};

// What Ctrl-C leaves for the last questions.
constexpr Milliseconds kAfterInterrupt{2000};

std::uint64_t random_session() {
  std::random_device random;
  std::uint64_t session = 0;
  while (session == 0) session = (std::uint64_t{random()} << 32) | random();
  return session;
}

}  // namespace

void add_feed_flags(Flags& flags, FeedOptions& options, FeedFlags& given) {
  flags.text("stream", &options.stream, "NAME", "stream that the points belong to");
  flags.text("producer", &options.producer, "NAME", "who sends: producers are told apart and counted by name");
  flags.whole("session", &options.session, 1, std::numeric_limits<std::uint64_t>::max(), "N",
              "number of this run of the producer (default: random)");
  flags.whole("first-sequence", &options.first_sequence, 0, std::numeric_limits<std::uint64_t>::max() - 1, "N",
              "number of the first message; together with --session it continues an earlier feed (default 0)");
  flags.whole("batch", &options.batch_rows, 1, 1000000, "ROWS", "rows of one message");
  flags.number("rate", &options.points_per_second, 1e-6, 1e12, "POINTS/S",
               "points a second (default: as fast as the daemon takes them)");
  flags.toggle("float32", &options.single_precision, "send 4-byte numbers: half the bytes, 7 digits");
  flags.toggle(
      "no-end", &given.no_end,
      "more will come later: the last message does not end the stream. With the end, a stream that still waits "
      "for its first points starts with those that it has");
  flags.toggle("no-confirm", &given.no_confirm, "do not ask the daemon what has become of the rows");
  flags.number("timeout", &options.timeout_seconds, 0.001, 86400, "SECONDS", "longest wait without any progress");
  flags.toggle("acknowledged", &options.acknowledged,
               "until every message is in a checkpoint of the daemon, whatever crashes in between: each is learned exactly once. What "
               "is durable of the session already is not sent again");
  flags.endpoint("acknowledged-input", &options.endpoints.acknowledged, "EMULSION_CLIENT_ACKNOWLEDGED", "where the daemon takes points with --acknowledged");
  flags.choice("socket", &given.socket, {"push", "publish"},
               "push goes to one daemon and waits for it; publish goes to every subscriber");
  flags.toggle("bind", &given.bind, "bind --input, for a daemon that connects to us");
  flags.endpoint("input", &options.endpoints.input, "EMULSION_CLIENT_INPUT", "where the daemon takes points");
  flags.endpoint("control", &options.endpoints.control, "EMULSION_CLIENT_CONTROL", "where the daemon answers");
}

Attempt<void> finish_feed_flags(const FeedFlags& given, FeedOptions& options) {
  options.socket = given.socket == "publish" ? SenderKind::publish : SenderKind::push;
  options.bind = given.bind;
  options.end_of_stream = !given.no_end;
  options.confirm = !given.no_confirm;
  if (!wire::is_stream_name(options.stream)) {
    return fail(exit_code::kUsage,
                fmt::format("--stream: \"{}\" is not a name; allowed: 1 to 64 of A-Z a-z 0-9 _ and -",
                            wire::printable(options.stream)));
  }
  if (!wire::is_producer_name(options.producer)) {
    return fail(exit_code::kUsage,
                fmt::format("--producer: \"{}\" is not a name; allowed: 1 to 64 of A-Z a-z 0-9 . _ : and -",
                            wire::printable(options.producer)));
  }
  if (options.acknowledged && (given.bind || options.socket == SenderKind::publish))
    return fail(exit_code::kUsage, "--acknowledged: connects to --acknowledged-input; --bind and --socket are of the other inputs");
  if (options.acknowledged && options.first_sequence > 0)
    return fail(exit_code::kUsage, "--first-sequence: with --acknowledged the daemon says where the session goes on");
  if (options.first_sequence > 0 && options.session == 0) {
    return fail(exit_code::kUsage, "--first-sequence: continues a session, which --session must name");
  }
  return {};
}

struct Feed::State {
  FeedOptions options;
  std::string topic;
  Milliseconds timeout;
  std::optional<ControlConnection> control;
  std::optional<PointSender> sender;
  std::optional<AcknowledgedSender> acknowledged;
  wire::Codec codec;
  wire::StatusReply before;
  FeedReport report;
  std::function<void(const FeedReport&)> progress;
  Clock::time_point start = Clock::now();

  // The rows that wait for their message to be full, one after another.
  Index dimension = 0;
  Index held_rows = 0;
  std::vector<double> values;
  std::vector<double> weights;
  std::vector<std::int64_t> times;

  Attempt<wire::StatusReply> status(Milliseconds wait) {
    auto reply = control->ask_for<wire::StatusReply>(wire::StatusRequest{options.stream}, wait);
    if (!reply && reply.error().answered == wire::ControlErrorCode::unknown_stream) {
      return control->ask_for<wire::StatusReply>(wire::StatusRequest{}, wait);  // it comes to be with its first message
    }
    return reply;
  }

  // Sends what is held, even if that is nothing.
  Attempt<void> send(bool end) {
    if (acknowledged && report.next_sequence < report.durable_before) {
      ++report.next_sequence;
      release();
      return {};
    }
    if (options.points_per_second > 0) {
      const std::chrono::duration<double> due(static_cast<double>(report.rows) / options.points_per_second);
      if (!pause_until(start + std::chrono::duration_cast<Clock::duration>(due))) {
        return fail(exit_code::kInterrupted, "interrupted");
      }
    }
    wire::PointsMessage message;
    message.producer = options.producer;
    message.session = report.session;
    message.sequence = report.next_sequence;
    message.batch.points = Eigen::Map<const Eigen::MatrixXd>(values.data(), dimension, held_rows);
    message.batch.weights = Eigen::Map<const Eigen::VectorXd>(weights.data(), static_cast<Index>(weights.size()));
    message.batch.unix_nanoseconds = times;
    message.end_of_stream = end;
    message.single_precision = options.single_precision;
    auto sent = acknowledged ? acknowledged->send(codec.encode(message)) : sender->send(topic, codec.encode(message), timeout);
    if (!sent && !acknowledged) return sent;

    // An acknowledged sender has taken it, and may have sent it, also where it was interrupted then.
    report.rows += static_cast<std::uint64_t>(held_rows);
    ++report.messages;
    ++report.next_sequence;
    release();
    take_note();
    if (sent && progress) progress(report);
    return sent;
  }

  void release() {
    held_rows = 0;
    values.clear();
    weights.clear();
    times.clear();
  }

  void take_note() {
    if (!acknowledged) return;
    report.durable = acknowledged->durable();
    report.sent_again = acknowledged->sent_again();
    report.restarts = acknowledged->restarts();
  }

  // Waits until everything is durable, and asks once what it has come to.
  Attempt<FeedReport> finish_acknowledged() {
    auto finished = acknowledged->finish(timeout);
    take_note();
    if (!finished) return tl::unexpected(std::move(finished.error()));
    if (!options.confirm) return report;
    auto after = status(timeout);
    if (!after) return tl::unexpected(std::move(after.error()));
    FeedReport accounted = account(before, *after, report);
    accounted.confirmed = true;
    accounted.repeated = 0;
    return accounted;
  }

  // True if these rows cannot go into one message with those that are held.
  bool differs(const PointBatch& batch) const {
    return held_rows > 0 && (batch.dimension() != dimension || (batch.weights.size() > 0) != !weights.empty() ||
                             batch.has_times() != !times.empty());
  }

  void hold(const PointBatch& batch, Index first, Index rows) {
    dimension = batch.dimension();
    const double* begin = batch.points.data() + first * dimension;
    values.insert(values.end(), begin, begin + rows * dimension);
    if (batch.weights.size() > 0) {
      weights.insert(weights.end(), batch.weights.data() + first, batch.weights.data() + first + rows);
    }
    if (batch.has_times()) {
      const auto time = batch.unix_nanoseconds.begin() + first;
      times.insert(times.end(), time, time + rows);
    }
    held_rows += rows;
  }
};

Feed::Feed(std::unique_ptr<State> state) : state_(std::move(state)) {}
Feed::~Feed() = default;
Feed::Feed(Feed&&) noexcept = default;
Feed& Feed::operator=(Feed&&) noexcept = default;

Attempt<Feed> Feed::open(const FeedOptions& options) {
  auto state = std::make_unique<State>();
  state->options = options;
  state->topic = wire::to_string(wire::Topic{options.stream, wire::TopicKind::points});
  state->timeout = Milliseconds(static_cast<std::int64_t>(options.timeout_seconds * 1000));
  state->report.stream = options.stream;
  state->report.producer = options.producer;
  state->report.session = options.session != 0 ? options.session : random_session();
  state->report.next_sequence = options.first_sequence;

  if (!options.acknowledged) {
    auto sender = PointSender::open({options.endpoints.input, options.socket, options.bind});
    if (!sender) return tl::unexpected(std::move(sender.error()));
    state->sender.emplace(std::move(*sender));
  }
  if (options.confirm) {
    auto control = ControlConnection::open(options.endpoints.control);
    if (!control) return tl::unexpected(std::move(control.error()));
    state->control.emplace(std::move(*control));
    auto before = state->status(state->timeout);
    if (!before) return tl::unexpected(std::move(before.error()));
    state->before = std::move(*before);
  }
  if (options.acknowledged) {
    auto acknowledged = AcknowledgedSender::open(
        {options.endpoints.acknowledged, options.stream, options.producer, state->report.session, state->timeout, options.on_fault});
    if (!acknowledged) return tl::unexpected(std::move(acknowledged.error()));
    state->acknowledged.emplace(std::move(*acknowledged));
    state->report.acknowledged = true;
    state->report.durable = state->report.durable_before = state->acknowledged->durable();
  } else if (auto there = state->sender->wait_for_peer(state->topic, state->timeout); !there) {
    return tl::unexpected(std::move(there.error()));
  }
  state->start = Clock::now();
  return Feed(std::move(state));
}

Attempt<void> Feed::push(const PointBatch& batch) {
  State& state = *state_;
  const auto full = static_cast<Index>(state.options.batch_rows);
  for (Index first = 0; first < batch.size();) {
    if (state.held_rows == full || state.differs(batch)) {
      if (auto sent = state.send(false); !sent) return sent;
    }
    const Index rows = std::min(full - state.held_rows, batch.size() - first);
    state.hold(batch, first, rows);
    first += rows;
    if (interrupted()) return fail(exit_code::kInterrupted, "interrupted");
  }
  return {};
}

Attempt<void> Feed::flush() { return state_->held_rows > 0 ? state_->send(false) : Attempt<void>(); }

Attempt<FeedReport> Feed::finish(bool complete) {
  State& state = *state_;
  state.options.end_of_stream &= complete;
  const bool broken_off = take_interrupt();
  if (broken_off) {
    state.timeout = std::min(state.timeout, kAfterInterrupt);
    state.options.points_per_second = 0;
  }
  const bool only_the_mark = state.report.messages > 0 && state.options.end_of_stream;
  // Rows that were held when the user broke off: an acknowledged session goes on with the whole message.
  const bool keep_back = broken_off && state.acknowledged.has_value();
  if (!keep_back && (state.held_rows > 0 || only_the_mark)) {
    if (auto sent = state.send(state.options.end_of_stream); !sent) return tl::unexpected(std::move(sent.error()));
  }
  if (state.acknowledged) return state.finish_acknowledged();
  if (!state.options.confirm) {
    if (auto closed = state.sender->close(state.timeout); !closed) return tl::unexpected(std::move(closed.error()));
    return state.report;
  }

  Clock::time_point last_progress = Clock::now();
  std::uint64_t known = 0;
  for (Milliseconds wait = kFirstQuestion;; wait = std::min(2 * wait, kRarestQuestion)) {
    auto status = state.status(state.timeout);
    if (!status) return tl::unexpected(std::move(status.error()));
    const Clock::time_point now = Clock::now();
    FeedReport report = account(state.before, *status, state.report);
    if (report.accepted + report.refused != known) {
      known = report.accepted + report.refused;
      last_progress = now;
    }
    if (!report.confirmed && now - last_progress > kStalled) {
      report = account_stalled(state.before, *status, state.report);
    }
    if (report.confirmed) return report;
    if (now - last_progress > state.timeout) {
      return fail(
          exit_code::kUnavailable,
          fmt::format("{} of {} rows were accepted and {} refused when the daemon stopped taking more for {:g} s",
                      report.accepted, report.rows, report.refused,
                      std::chrono::duration<double>(state.timeout).count()));
    }
    if (!pause_until(now + wait)) return fail(exit_code::kInterrupted, "interrupted");
  }
}

const FeedReport& Feed::sent() const { return state_->report; }

void Feed::on_progress(std::function<void(const FeedReport&)> callback) { state_->progress = std::move(callback); }

}  // namespace emulsion::client
