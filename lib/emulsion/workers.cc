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

  // Calls work(0) ... work(threads - 1), each on a thread of its own.
  template <typename Work>
  void run(int threads, const Work& work) {
    std::vector<std::jthread> running;
    for (int thread = 0; thread < threads; ++thread) running.emplace_back(work, thread);
  }
};

#else

struct Workers::Arena {
  explicit Arena(int threads) : arena(threads) {
    // Otherwise TBB lets the first arena of the process decide for all, and complains on stderr.
    constexpr std::size_t kMostThreads = 256;
    static const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, kMostThreads);
  }

  // Calls work(thread) so many times, on as many threads as there are; each has the same number every time.
  template <typename Work>
  void run(int threads, const Work& work) {
    arena.execute([&] {
      tbb::parallel_for(0, threads, [&](int) { work(tbb::this_task_arena::current_thread_index()); }, tbb::simple_partitioner{});
    });
  }

  tbb::task_arena arena;
};

#endif

// How many tasks of a thread have been taken. Apart from the others', as all threads write here.
struct alignas(64) Workers::Queue {
  std::atomic<Index> taken = 0;
};

Workers::Workers(int threads)
    : threads_(threads),
      arena_(threads > 1 ? std::make_unique<Arena>(threads) : nullptr),
      queues_(threads > 1 ? static_cast<std::size_t>(threads) : 0) {}
Workers::~Workers() = default;

Workers& Workers::alone() {
  thread_local Workers workers(1);
  return workers;
}

// Work stealing: of m threads thread t has the tasks t, t + m, t + 2 m, ..., and goes on with what is left of the others'. So a task
// mostly falls to the thread that it fell to the last time, whose cache still holds what it writes.
void Workers::share(Index count, TaskView task) {
  const Index m = std::min<Index>(threads_, count);
  for (Queue& queue : queues_) queue.taken = 0;
  arena_->run(static_cast<int>(m), [&](int thread) {
    for (Index other = 0; other < m; ++other) {
      const Index first = (thread + other) % m;
      std::atomic<Index>& taken = queues_[static_cast<std::size_t>(first)].taken;
      for (Index i = first + m * taken++; i < count; i = first + m * taken++) task(i);
    }
  });
}

}  // namespace emulsion
