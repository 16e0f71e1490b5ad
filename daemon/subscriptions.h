// Which topics somebody reads.
#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

namespace emulsion::service {

// A set of prefixes of topics.
class Subscriptions {
 public:
  void add(std::string_view prefix) { prefixes_.emplace(prefix); }
  void remove(std::string_view prefix) {
    const auto found = prefixes_.find(prefix);
    if (found != prefixes_.end()) prefixes_.erase(found);
  }

  // True if the topic begins with one of them. Takes a few looks into the set, however many there are.
  bool match(std::string_view topic) const {
    // In order, the nearest one that is not behind the topic begins with every prefix of the topic that is there: so only
    // what both begin with can still be one.
    for (std::string_view part = topic;;) {
      auto after = prefixes_.upper_bound(part);
      if (after == prefixes_.begin()) return false;
      const std::string& nearest = *--after;
      const auto common = static_cast<std::size_t>(
          std::mismatch(nearest.begin(), nearest.end(), part.begin(), part.end()).first - nearest.begin());
      if (common == nearest.size()) return true;
      part = part.substr(0, common);
    }
  }

 private:
  std::set<std::string, std::less<>> prefixes_;
};

}  // namespace emulsion::service
