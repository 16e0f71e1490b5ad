#include "emulsion/workers.h"

// The thread sanitizer cannot see into TBB as it is installed, and takes its hand-overs for races. In a build for it,
// plain threads share the same work, and it sees everything that the tasks touch.
#if defined(__SANITIZE_THREAD__)
#include <algorithm>
#include <thread>
#include <vector>
#else
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>
#endif

namespace emulsion {

#if defined(__SANITIZE_THREAD__)

struct Workers::Arena {
  explicit Arena(int count) : threads(count) {}

  void for_each(Index count, const TaskView& task) const {
    const Index step = std::min<Index>(threads, count);
    std::vector<std::jthread> running;
    for (Index first = 0; first < step; ++first) {
      running.emplace_back([=, &task] {
        for (Index i = first; i < count; i += step) task(i);
      });
    }
  }

  int threads;
};

#else

struct Workers::Arena {
  explicit Arena(int threads) : arena(threads) {
    // Otherwise TBB lets the first arena of the process decide for all, and complains on stderr.
    constexpr std::size_t kMostThreads = 256;
    static const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, kMostThreads);
  }

  void for_each(Index count, const TaskView& task) {
    arena.execute([&] { tbb::parallel_for(Index{0}, count, task, tbb::simple_partitioner{}); });
  }

  tbb::task_arena arena;
};

#endif

Workers::Workers(int threads) : threads_(threads), arena_(threads > 1 ? std::make_unique<Arena>(threads) : nullptr) {}
Workers::~Workers() = default;

void Workers::share(Index count, TaskView task) { arena_->for_each(count, task); }

}  // namespace emulsion
