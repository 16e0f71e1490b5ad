// The transport without sockets: for tests, and proof that the seam holds.
//
// Each class has the side that the pipeline sees, and the side of the peer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/transport.h"

namespace emulsion::service {

// Frames that a test pushes.
class MemorySource : public FrameSource {
 public:
  explicit MemorySource(bool acknowledges = false) : acknowledges_(acknowledges) {}

  std::optional<FrameView> receive() override;
  void settle(const FrameView& frame, Outcome outcome) override;
  bool exhausted() const override;
  void close_intake() override;
  std::string describe() const override;
  bool acknowledges() const override { return acknowledges_; }
  void answer(std::string_view peer, const FrameView& answer) override;

  // A message of a peer, as it came off a network: two parts make a frame, any other number a fault.
  // False if the intake is closed; the message is then gone.
  bool push(const std::vector<std::string>& parts, const std::string& peer = "peer");

  // What became of the frames received so far, in order.
  const std::vector<Outcome>& outcomes() const { return outcomes_; }

  // What the peers were told since the last call, in order; each frame has its peer.
  std::vector<Frame> take_answers() { return std::exchange(answers_, {}); }

 private:
  bool acknowledges_;
  std::vector<Frame> answers_;
  std::deque<Frame> frames_;      // not settled, in the order of pushing
  std::size_t received_ = 0;      // of these
  std::vector<Outcome> outcomes_;
  bool closed_ = false;
};

// Frames that a test reads.
class MemorySink : public FrameSink {
 public:
  void send(const FrameView& frame) override;
  bool has_reader(std::string_view) const override { return true; }  // the test itself
  std::set<std::string> new_subscriptions() override;

  // Every frame that was sent, in order.
  const std::vector<Frame>& sent() const { return sent_; }

  // What a subscriber to `prefix` gets from now on. Lives as long as the sink.
  std::deque<Frame>& subscribe(std::string prefix);

 private:
  struct Subscriber {
    std::string prefix;
    std::deque<Frame> inbox;
  };
  std::vector<Frame> sent_;
  std::deque<Subscriber> subscribers_;  // a deque, because references into it stay valid
  std::set<std::string> new_subscriptions_;
};

// Requests that a test asks.
class MemoryControl : public ControlChannel {
 public:
  std::optional<Request> receive() override;
  void reply(const Request& request, std::string payload) override;

  // Asks; the ticket fetches the answer.
  std::uint64_t ask(std::string payload);

  // The answer, once; nothing while there is none.
  std::optional<std::string> answer(std::uint64_t ticket);

 private:
  std::uint64_t tickets_ = 0;
  std::deque<Request> waiting_;
  std::map<std::string, std::string> answers_;  // by ticket
};

}  // namespace emulsion::service
