// What a source keeps of the frames that it has given and that are not settled yet.
#pragma once

#include <list>
#include <utility>

namespace emulsion::service {

// A queue whose elements keep their address, and which allocates only when it becomes longer than it ever was.
template <typename Kept>
class Unsettled {
 public:
  Kept& add(Kept kept) {
    if (spare_.empty()) spare_.emplace_back();
    waiting_.splice(waiting_.end(), spare_, spare_.begin());
    return waiting_.back() = std::move(kept);
  }

  // Lets go of the oldest one.
  void drop_first() {
    waiting_.front() = Kept();
    spare_.splice(spare_.begin(), waiting_, waiting_.begin());
  }

 private:
  std::list<Kept> waiting_;
  std::list<Kept> spare_;
};

}  // namespace emulsion::service
