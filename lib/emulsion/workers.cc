#include "emulsion/workers.h"

#include <algorithm>
#include <atomic>

// The thread sanitizer cannot see into TBB as it is installed, and takes its hand-overs for races. In a build for it,
// plain threads share the same work, and it sees everything that the tasks touch.
#if defined(__SANITIZE_THREAD__)
#include <thread>
#else
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>
#endif

namespace emulsion {

#if defined(__SANITIZE_THREAD__)

struct Workers::Arena {
  explicit Arena(int) {}

  // On each of so many threads.
  template <typename Work>
  void run(int threads, const Work& work) {
    std::vector<std::jthread> running;
    for (int thread = 0; thread < threads; ++thread) running.emplace_back(work);
  }
};

#else

struct Workers::Arena {
  explicit Arena(int threads) : arena(threads) {
    // Otherwise TBB lets the first arena of the process decide for all, and complains on stderr.
    constexpr std::size_t kMostThreads = 256;
    static const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, kMostThreads);
  }

  // Calls work() so many times, on as many threads as there are.
  template <typename Work>
  void run(int threads, const Work& work) {
    arena.execute([&] { tbb::parallel_for(0, threads, [&](int) { work(); }, tbb::simple_partitioner{}); });
  }

  tbb::task_arena arena;
};

#endif

Workers::Workers(int threads) : threads_(threads), arena_(threads > 1 ? std::make_unique<Arena>(threads) : nullptr) {}
Workers::~Workers() = default;

Workers& Workers::alone() {
  thread_local Workers workers(1);
  return workers;
}

// Each thread takes the next task that nobody has taken.
void Workers::share(Index count, TaskView task) {
  std::atomic<Index> next = 0;
  arena_->run(static_cast<int>(std::min<Index>(threads_, count)), [&] {
    for (Index i = next++; i < count; i = next++) task(i);
  });
}

}  // namespace emulsion
