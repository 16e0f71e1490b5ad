#include "clients/acknowledged_sender.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "clients/interrupt.h"
#include "emulsion/wire/convert.h"
#include "emulsion/wire/topic.h"

namespace emulsion::client {
namespace {

using Clock = std::chrono::steady_clock;

// How long nothing is heard before the daemon is asked: at first, and where nothing gets on; and the least time between
// two questions, or two attempts to reach it.
constexpr Milliseconds kSilence{100};
constexpr Milliseconds kLongestSilence{1000};
constexpr Milliseconds kBetweenQuestions{5};

constexpr std::size_t kShownFaultBytes = 500;

}  // namespace

struct AcknowledgedSender::State {
  AcknowledgedOptions options;
  Conversation conversation;
  std::string points_topic, hello_topic, answer_topic;
  wire::Codec codec;

  // Messages that are not durable: `durable` is the sequence of the first, `next` of the one to be sent next.
  std::deque<std::string> window;
  std::uint64_t durable = 0;
  std::uint64_t next = 0;
  std::uint64_t highest = 0;  // behind the last that was ever sent
  std::uint64_t credit = 0;
  std::uint64_t daemon_session = 0;
  std::string fault;
  bool known = false;  // the daemon has said how far the session has come

  // Questions without an answer since the last that made us go back: what had been sent then, and was durable.
  struct Asked {
    std::uint64_t next = 0, durable = 0;
  };
  std::map<std::uint64_t, Asked> questions;
  std::uint64_t last_question = 0;
  bool connected = true;  // as far as the last attempt to send tells
  Milliseconds silence = kSilence;
  Clock::time_point asked{};
  Clock::time_point heard{};
  Clock::time_point progress = Clock::now();

  std::uint64_t sent_again = 0;
  std::uint64_t restarts = 0;

  State(const AcknowledgedOptions& given, Conversation connection) : options(given), conversation(std::move(connection)) {
    points_topic = wire::to_string({options.stream, wire::TopicKind::points});
    hello_topic = wire::to_string({options.stream, wire::TopicKind::hello});
    answer_topic = wire::to_string({options.stream, wire::TopicKind::acknowledgement});
  }

  std::uint64_t end() const { return durable + window.size(); }

  void transmit() {
    while (known && next < end() && next - durable < credit) {
      connected = conversation.send(points_topic, window[next - durable]);
      if (!connected) return;
      if (next < highest) ++sent_again;
      highest = std::max(highest, ++next);
    }
  }

  void ask(Clock::time_point now) {
    asked = now;
    const std::uint64_t question = last_question + 1;
    connected = conversation.send(hello_topic, codec.encode(wire::HelloMessage{options.producer, options.session, question}));
    if (!connected) return;
    silence = std::min(2 * silence, kLongestSilence);
    last_question = question;
    questions[question] = {next, durable};
    if (questions.size() > 64) questions.erase(questions.begin());
  }

  void take_fault(const std::string& reason) {
    if (reason.empty() || reason == fault) return;
    fault = reason;
    if (options.on_fault) options.on_fault(wire::printable(fault, kShownFaultBytes));
  }

  // Takes in what the daemon says.
  Attempt<void> hear(const wire::AcknowledgementMessage& said) {
    if (said.stream != options.stream || said.producer != options.producer || said.session != options.session) return {};
    heard = Clock::now();
    credit = said.credit;
    const bool restarted = known && said.daemon_session != daemon_session;
    daemon_session = said.daemon_session;
    if (restarted) ++restarts;

    if (said.question != 0) {
      const auto question = questions.find(said.question);
      if (question != questions.end()) {
        const Asked then = question->second;
        questions.erase(questions.begin(), std::next(question));
        if (!known) {
          known = true;
          durable = next = highest = said.next_sequence;
          progress = heard;
          take_fault(said.fault);
          return {};
        }
        if (said.next_sequence < then.durable && said.fault.empty()) {
          return fail(exit_code::kBadData, fmt::format("the daemon had acknowledged all messages of session {} before {}, and now expects {}: "
                                                       "its state is lost or an older one; start again to send everything anew",
                                                       options.session, then.durable, said.next_sequence));
        }
        // What had been sent and has not arrived is lost.
        if (said.expected_sequence < then.next) {
          next = std::min(next, std::max(durable, said.expected_sequence));
          questions.clear();
        }
      }
    }
    if (!known) {
      take_fault(said.fault);
      return {};
    }
    if (said.next_sequence > durable) {
      const std::uint64_t settled = std::min(said.next_sequence, end());
      window.erase(window.begin(), window.begin() + static_cast<std::ptrdiff_t>(settled - durable));
      durable = settled;
      next = std::max(next, durable);
      progress = heard;
      silence = kSilence;
      fault.clear();
    }
    take_fault(said.fault);
    if ((said.out_of_order || restarted) && questions.empty() && heard - asked >= kBetweenQuestions) ask(heard);
    return {};
  }

  // Sends what may be sent, and listens until something is heard or `deadline`.
  Attempt<void> turn(Deadline deadline) {
    transmit();
    const auto now = Clock::now();
    const Milliseconds pause = connected ? silence : kBetweenQuestions;
    if ((!known || !window.empty()) && now - std::max(asked, heard) >= pause) ask(now);
    auto delivery = conversation.receive(std::min(deadline, now + (connected ? kSilence / 2 : kBetweenQuestions)));
    for (; delivery; delivery = conversation.receive(Clock::now())) {
      if (delivery->topic != answer_topic) continue;
      auto said = codec.decode_acknowledgement(delivery->payload);
      if (!said) {
        return fail(exit_code::kUnavailable, fmt::format("what answers at {} is not this version of emulsiond: {}", options.endpoint,
                                                         said.error().message));
      }
      if (auto good = hear(*said); !good) return good;
    }
    if (interrupted()) return fail(exit_code::kInterrupted, "interrupted");
    return {};
  }

  Attempt<void> silent(Milliseconds timeout) const {
    const double seconds = std::chrono::duration<double>(timeout).count();
    if (!fault.empty()) return fail(exit_code::kUnavailable, fmt::format("no progress within {:g} s: {}", seconds, wire::printable(fault, kShownFaultBytes)));
    if (!known)
      return fail(exit_code::kUnavailable, fmt::format("no answer from {} within {:g} s; is emulsiond running, and is this its acknowledged input?",
                                                       options.endpoint, seconds));
    return fail(exit_code::kUnavailable,
                fmt::format("message {} was not acknowledged within {:g} s; all before it are durable", durable, seconds));
  }

  // Turns until the condition holds, as long as there is progress.
  template <typename Condition>
  Attempt<void> until(Condition condition, Milliseconds timeout) {
    while (!condition()) {
      if (auto turned = turn(Clock::now() + kSilence); !turned) return turned;
      if (Clock::now() - progress > timeout && !condition()) return silent(timeout);
    }
    return {};
  }
};

AcknowledgedSender::AcknowledgedSender(std::unique_ptr<State> state) : state_(std::move(state)) {}
AcknowledgedSender::~AcknowledgedSender() = default;
AcknowledgedSender::AcknowledgedSender(AcknowledgedSender&&) noexcept = default;
AcknowledgedSender& AcknowledgedSender::operator=(AcknowledgedSender&&) noexcept = default;

Attempt<AcknowledgedSender> AcknowledgedSender::open(const AcknowledgedOptions& options) {
  auto conversation = Conversation::open(options.endpoint);
  if (!conversation) return tl::unexpected(std::move(conversation.error()));
  auto state = std::make_unique<State>(options, std::move(*conversation));
  if (auto known = state->until([&] { return state->known; }, options.timeout); !known) return tl::unexpected(std::move(known.error()));
  return AcknowledgedSender(std::move(state));
}

std::uint64_t AcknowledgedSender::durable() const { return state_->durable; }
std::uint64_t AcknowledgedSender::sent_again() const { return state_->sent_again; }
std::uint64_t AcknowledgedSender::restarts() const { return state_->restarts; }

Attempt<void> AcknowledgedSender::send(std::string payload) {
  State& state = *state_;
  if (state.window.empty()) state.progress = Clock::now();  // nothing was waited for until now
  state.window.push_back(std::move(payload));
  if (auto turned = state.turn(Clock::now()); !turned) return turned;
  return state.until([&] { return state.window.size() < std::max<std::uint64_t>(state.credit, 1); }, state.options.timeout);
}

Attempt<void> AcknowledgedSender::finish(Milliseconds timeout) {
  State& state = *state_;
  state.progress = Clock::now();
  return state.until([&] { return state.window.empty(); }, timeout);
}

}  // namespace emulsion::client
