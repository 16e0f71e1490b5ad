#include "bench/load.h"

#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "bench/stopwatch.h"
#include "emulsion/wire/topic.h"

namespace emulsion::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kPatienceMilliseconds = 30000;

// A payload of this many bytes and more is handed to ZeroMQ without a copy.
constexpr std::size_t kLargeBytes = 1024;

std::string stream_name(std::size_t i) { return "s" + std::to_string(i); }

}  // namespace

MessageMaker::MessageMaker(DataSet data, Eigen::Index rows, std::size_t streams) : data_(std::move(data)), sequences_(streams, 0) {
  message_.producer = "bench";
  message_.session = static_cast<std::uint64_t>(Clock::now().time_since_epoch().count());
  message_.batch.points.resize(data_.dimension(), rows);
  for (std::size_t i = 0; i < streams; ++i)
    topics_.push_back(wire::to_string({stream_name(i), wire::TopicKind::points}));
}

std::vector<Outgoing> MessageMaker::make(std::size_t count) {
  std::vector<Outgoing> messages;
  messages.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    messages.push_back(next_of(next_stream_));
    next_stream_ = (next_stream_ + 1) % topics_.size();
  }
  return messages;
}

Outgoing MessageMaker::next_of(std::size_t stream) {
  for (Eigen::Index i = 0; i < message_.batch.size(); ++i) {
    message_.batch.points.col(i) = data_.points.col(next_point_);
    next_point_ = (next_point_ + 1) % data_.size();
  }
  message_.sequence = sequences_[stream]++;
  return {topics_[stream], codec_.encode(message_)};
}

LoadLine::LoadLine(const std::string& input, const std::string& output) {
  for (zmq::socket_t* socket : {&points_, &answers_}) socket->set(zmq::sockopt::linger, 0);
  answers_.set(zmq::sockopt::rcvhwm, 0);
  answers_.set(zmq::sockopt::sndhwm, 0);  // of subscriptions
  points_.set(zmq::sockopt::sndtimeo, kPatienceMilliseconds);
  answers_.connect(output);
  points_.connect(input);
}

void LoadLine::subscribe(std::size_t streams, MessageMaker& maker) {
  // Subscriptions take effect in their order, so an answer of s0 says that all are in force.
  for (std::size_t i = streams; i-- > 0;)
    answers_.set(zmq::sockopt::subscribe, wire::to_string({stream_name(i), wire::TopicKind::labels}));
  const Stopwatch watch;
  constexpr int kBetweenMilliseconds = 100;
  do {
    if (watch.seconds() * 1000 > kPatienceMilliseconds) throw std::runtime_error("no labels come back");
    send(hellos_.emplace_back(maker.hello()));
  } while (!receive(kBetweenMilliseconds));
  while (receive(5 * kBetweenMilliseconds)) {
  }
}

double LoadLine::throughput(const std::vector<Outgoing>& messages) {
  const Stopwatch watch;
  std::jthread sender([&] {
    for (const Outgoing& message : messages)
      if (!send(message)) return;
  });
  for (std::size_t i = 0; i < messages.size(); ++i) expect_answer(i, messages.size());
  return watch.seconds();
}

std::vector<double> LoadLine::latencies(const std::vector<Outgoing>& messages, double rate) {
  const auto start = Clock::now() + std::chrono::milliseconds(20);
  const auto due = [&](std::size_t i) {
    return start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(static_cast<double>(i) / rate));
  };
  std::jthread sender([&] {
    prctl(PR_SET_TIMERSLACK, 1);  // nanosecond: wake when it is due
    for (std::size_t i = 0; i < messages.size(); ++i) {
      std::this_thread::sleep_until(due(i));
      if (!send(messages[i])) return;
    }
  });
  std::vector<double> seconds;
  seconds.reserve(messages.size());
  for (std::size_t i = 0; i < messages.size(); ++i) {
    expect_answer(i, messages.size());
    seconds.push_back(std::chrono::duration<double>(Clock::now() - due(i)).count());
  }
  return seconds;
}

bool LoadLine::send(const Outgoing& message) {
  if (!points_.send(zmq::buffer(message.topic), zmq::send_flags::sndmore)) return false;
  if (message.payload.size() < kLargeBytes) return points_.send(zmq::buffer(message.payload), zmq::send_flags::none).has_value();
  const auto kept_by_the_caller = [](void*, void*) {};
  zmq::message_t payload(const_cast<char*>(message.payload.data()), message.payload.size(), kept_by_the_caller);
  return points_.send(payload, zmq::send_flags::none).has_value();
}

bool LoadLine::receive(int timeout_milliseconds) {
  answers_.set(zmq::sockopt::rcvtimeo, timeout_milliseconds);
  zmq::message_t part;
  if (!answers_.recv(part)) return false;
  while (part.more()) static_cast<void>(answers_.recv(part));
  answer_bytes_ = part.size();
  return true;
}

void LoadLine::expect_answer(std::size_t number, std::size_t count) {
  if (receive(kPatienceMilliseconds)) return;
  throw std::runtime_error("answer " + std::to_string(number) + " of " + std::to_string(count) + " did not come");
}

}  // namespace emulsion::bench
