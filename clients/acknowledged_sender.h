// Sends the messages of one session and keeps each until the daemon has it in a checkpoint.
//
// Sends within the daemon's credit, asks how far the session has come where nothing is heard, and sends again what was
// lost on the way or with a daemon that was killed. docs/reliability.md has the protocol.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "clients/connection.h"
#include "clients/failure.h"

namespace emulsion::client {

struct AcknowledgedOptions {
  std::string endpoint;
  std::string stream;
  std::string producer;
  std::uint64_t session = 0;
  Milliseconds timeout{30000};  // longest wait without any progress

  // Called when the daemon begins to say why it can acknowledge nothing now, with its reason; again only if there was progress, or
  // another reason. May be empty.
  std::function<void(const std::string&)> on_fault = {};
};

// Call order: open send* finish
// Not thread-safe. Errors of all: kUnavailable: no progress within the timeout, with the daemon's reason if it has given
// one; kBadData: the daemon has lost what it had acknowledged; kInterrupted.
class AcknowledgedSender {
 public:
  // Connects, and asks how far the session has come. Errors: also kUsage, as of every open.
  static Attempt<AcknowledgedSender> open(const AcknowledgedOptions& options);
  ~AcknowledgedSender();
  AcknowledgedSender(AcknowledgedSender&&) noexcept;
  AcknowledgedSender& operator=(AcknowledgedSender&&) noexcept;

  // Everything below is durable: the next message to send, right after open.
  std::uint64_t durable() const;

  // Takes the payload of the next message; waits while as much is under way as may be.
  Attempt<void> send(std::string payload);

  // Waits until everything is durable, as long as there is progress.
  Attempt<void> finish(Milliseconds timeout);

  // Messages that were sent again, and starts of the daemon that were noticed.
  std::uint64_t sent_again() const;
  std::uint64_t restarts() const;

 private:
  struct State;
  explicit AcknowledgedSender(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace emulsion::client
