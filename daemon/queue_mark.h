// How many messages may wait in the queues of a socket: fewer once they have been large. Never more again: libzmq 4.3.4 does
// not wake a connection that waited at a lower mark.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace emulsion::service {

class QueueMark {
 public:
  QueueMark(int messages, std::int64_t bytes) : messages_(messages), bytes_(bytes) {}

  // The new mark, if a message of this size lowers it.
  std::optional<int> lower(std::size_t message_bytes) {
    if (message_bytes <= largest_) return std::nullopt;
    largest_ = message_bytes;
    const std::int64_t fit = std::max(kFewest, bytes_ / static_cast<std::int64_t>(message_bytes));
    if (fit >= messages_) return std::nullopt;
    messages_ = static_cast<int>(fit);
    return messages_;
  }

 private:
  static constexpr std::int64_t kFewest = 16;  // so that a connection need not be woken for each

  int messages_;
  std::int64_t bytes_;
  std::size_t largest_ = 0;
};

}  // namespace emulsion::service
