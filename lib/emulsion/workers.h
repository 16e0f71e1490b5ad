// Threads that share independent pieces of work.
#pragma once

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
  template <typename Task>
  void for_each(Index count, const Task& task) {
    if (threads_ == 1 || count <= 1) {
      for (Index i = 0; i < count; ++i) task(i);
      return;
    }
    share(count, {&task, [](const void* of, Index i) { (*static_cast<const Task*>(of))(i); }});
  }

 private:
  struct Arena;

  // A task that somebody else keeps: unlike a std::function, it needs no memory of its own.
  struct TaskView {
    const void* task;
    void (*call)(const void*, Index);
    void operator()(Index i) const { call(task, i); }
  };
  void share(Index count, TaskView task);

  int threads_;
  std::unique_ptr<Arena> arena_;  // none with one thread
};

}  // namespace emulsion
