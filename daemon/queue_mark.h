// How many messages may wait in the queues of a socket. libzmq counts messages, not bytes: so as many may wait as fit if
// each is of a size that few exceed, and fewer once the first of them are larger.
//
// The mark falls only while few messages have gone through the socket, and never rises. The reader of a queue of libzmq
// 4.3.4 tells the writer how far it has read each time that half a mark of messages has been read, and only then. If it
// has read more than the new mark since it last told, the writer takes the queue for full, the reader finds it empty, and
// neither ever wakes the other again. A writer that waited at a lower mark is not woken when the mark rises either.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

namespace emulsion::service {

class QueueMark {
 public:
  QueueMark(int messages, std::int64_t bytes) : bytes_(bytes), messages_(std::min(messages, fit(kExpectedBytes))) {}

  int messages() const { return messages_; }

  // The new mark, if a message of this size, the next of the socket, lowers it.
  std::optional<int> lower(std::size_t message_bytes) {
    const std::int64_t earlier = earlier_++;
    const int lower = fit(static_cast<std::int64_t>(message_bytes));
    if (lower >= messages_ || earlier > lower / kShareOfMark) return std::nullopt;
    return messages_ = lower;
  }

 private:
  // What libzmq writes to a connection at once. A larger message, which alone lowers a mark, is not written in one go with
  // what comes behind it: whoever reads the queue has heard of the new mark by then.
  static constexpr std::int64_t kExpectedBytes = 8192;

  static constexpr std::int64_t kFewest = 16;  // so that a connection need not be woken for each

  // A reader tells for the first time after half a mark; it must not have read so many yet.
  static constexpr int kShareOfMark = 8;

  int fit(std::int64_t message_bytes) const {
    const std::int64_t messages = bytes_ / std::max<std::int64_t>(1, message_bytes);
    return static_cast<int>(std::clamp<std::int64_t>(messages, kFewest, std::numeric_limits<int>::max()));
  }

  std::int64_t bytes_;
  int messages_;
  std::int64_t earlier_ = 0;  // messages
};

}  // namespace emulsion::service
