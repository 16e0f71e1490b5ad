#include "daemon/memory_transport.h"

#include <algorithm>
#include <utility>

namespace emulsion::service {

std::optional<FrameView> MemorySource::receive() {
  if (received_ == frames_.size()) return std::nullopt;
  return frames_[received_++];
}

void MemorySource::settle(const FrameView&, Outcome outcome) {
  outcomes_.push_back(outcome);
  frames_.pop_front();
  --received_;
}

bool MemorySource::exhausted() const { return closed_ && received_ == frames_.size(); }

void MemorySource::close_intake() { closed_ = true; }

std::string MemorySource::describe() const { return "memory"; }

void MemorySource::answer(std::string_view peer, const FrameView& answer) {
  answers_.push_back(copy_of(answer));
  answers_.back().peer = peer;
}

bool MemorySource::push(const std::vector<std::string>& parts, const std::string& peer) {
  if (closed_) return false;
  Frame frame;
  if (acknowledges_) frame.peer = peer;
  if (!parts.empty()) frame.topic = parts[0];
  if (parts.size() == 2) {
    frame.payload = parts[1];
  } else {
    frame.topic.resize(std::min(frame.topic.size(), kFaultTopicBytes));
    frame.fault = frame_count_fault(parts.size());
  }
  frames_.push_back(std::move(frame));
  return true;
}

void MemorySink::send(const FrameView& frame) {
  sent_.push_back(copy_of(frame));
  for (Subscriber& subscriber : subscribers_) {
    if (frame.topic.starts_with(subscriber.prefix)) subscriber.inbox.push_back(copy_of(frame));
  }
}

std::set<std::string> MemorySink::new_subscriptions() { return std::exchange(new_subscriptions_, {}); }

std::deque<Frame>& MemorySink::subscribe(std::string prefix) {
  new_subscriptions_.insert(prefix);
  subscribers_.push_back({std::move(prefix), {}});
  return subscribers_.back().inbox;
}

std::optional<Request> MemoryControl::receive() {
  if (waiting_.empty()) return std::nullopt;
  Request request = std::move(waiting_.front());
  waiting_.pop_front();
  return request;
}

void MemoryControl::reply(const Request& request, std::string payload) {
  answers_.insert_or_assign(request.reply_to, std::move(payload));
}

std::uint64_t MemoryControl::ask(std::string payload) {
  const std::uint64_t ticket = ++tickets_;
  waiting_.push_back({std::to_string(ticket), std::move(payload)});
  return ticket;
}

std::optional<std::string> MemoryControl::answer(std::uint64_t ticket) {
  const auto found = answers_.find(std::to_string(ticket));
  if (found == answers_.end()) return std::nullopt;
  std::string payload = std::move(found->second);
  answers_.erase(found);
  return payload;
}

}  // namespace emulsion::service
