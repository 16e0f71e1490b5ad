// Threads that share independent pieces of work.
#pragma once

#include <functional>
#include <memory>

#include "emulsion/points.h"

namespace emulsion {

// A few threads. Not thread-safe: one thread gives the work.
class Workers {
 public:
  // threads >= 1; the calling thread is one of them.
  explicit Workers(int threads);
  ~Workers();

  int threads() const { return threads_; }

  // Calls task(0) ... task(count - 1), each once, in any order and on any thread; returns when all are done.
  void for_each(Index count, const std::function<void(Index)>& task);

 private:
  struct Arena;
  int threads_;
  std::unique_ptr<Arena> arena_;  // none with one thread
};

}  // namespace emulsion
