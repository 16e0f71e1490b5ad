// Threads that share independent pieces of work.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "emulsion/points.h"

namespace emulsion {

// A few threads. Not thread-safe: one thread gives the work.
class Workers {
 public:
  // threads >= 1; the calling thread is one of them.
  explicit Workers(int threads);
  ~Workers();

  // The calling thread by itself.
  static Workers& alone();

  int threads() const { return threads_; }

  // Calls task(0) ... task(count - 1), each once, on any thread and in any order; returns when all are done. From one call to the next
  // a task mostly stays on its thread.
  template <typename Task>
  void for_each(Index count, const Task& task) {
    if (threads_ == 1 || count <= 1) {
      for (Index i = 0; i < count; ++i) task(i);
      return;
    }
    share(count, {&task, [](const void* of, Index i) { (*static_cast<const Task*>(of))(i); }});
  }

  // The same, and calls then(0) ... then(count - 1) in exactly this order, one at a time, each when its task is done: on any thread,
  // while others are at work.
  template <typename Task, typename Then>
  void for_each(Index count, const Task& task, const Then& then) {
    if (threads_ == 1 || count <= 1) {
      for (Index i = 0; i < count; ++i) {
        task(i);
        then(i);
      }
      return;
    }
    Turns turns(count);
    for_each(count, [&](Index i) {
      task(i);
      turns.done(i, then);
    });
  }

 private:
  struct Arena;
  struct Queue;

  // Whose turn it is among tasks that end in any order.
  class Turns {
   public:
    explicit Turns(Index count) : done_(static_cast<std::size_t>(count), false) {}

    // Calls `then` for this task and all that have waited for it; unless somebody does so already, who then goes on with them.
    template <typename Then>
    void done(Index task, const Then& then) {
      std::unique_lock lock(mutex_);
      done_[static_cast<std::size_t>(task)] = true;
      if (taken_) return;
      taken_ = true;
      for (; next_ < done_.size() && done_[next_]; ++next_) {
        lock.unlock();
        then(static_cast<Index>(next_));
        lock.lock();
      }
      taken_ = false;
    }

   private:
    std::mutex mutex_;
    std::vector<bool> done_;
    std::size_t next_ = 0;  // the one whose turn it is
    bool taken_ = false;    // somebody calls for it
  };

  // A task that somebody else keeps: unlike a std::function, it needs no memory of its own.
  struct TaskView {
    const void* task;
    void (*call)(const void*, Index);
    void operator()(Index i) const { call(task, i); }
  };
  void share(Index count, TaskView task);

  int threads_;
  std::unique_ptr<Arena> arena_;  // none with one thread
  std::vector<Queue> queues_;     // one for each thread; none with one thread
};

}  // namespace emulsion
