// The last frame of every topic that late subscribers are owed.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/transport.h"

namespace emulsion::service {

class RetainedFrames {
 public:
  void keep(const Frame& frame) { frames_.insert_or_assign(frame.topic, frame); }

  void drop(std::string_view topic) {
    const auto found = frames_.find(topic);
    if (found != frames_.end()) frames_.erase(found);
  }

  // Every frame whose topic starts with one of the prefixes, once each, by topic.
  std::vector<Frame> matching(const std::set<std::string, std::less<>>& prefixes) const {
    std::map<std::string_view, const Frame*> found;
    for (const std::string& prefix : prefixes) {
      for (auto it = frames_.lower_bound(prefix); it != frames_.end() && it->first.starts_with(prefix); ++it) {
        found.emplace(it->first, &it->second);
      }
    }
    std::vector<Frame> frames;
    frames.reserve(found.size());
    for (const auto& [topic, frame] : found) frames.push_back(*frame);
    return frames;
  }

 private:
  std::map<std::string, Frame, std::less<>> frames_;
};

}  // namespace emulsion::service
