#include "emulsion/workers.h"

#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

namespace emulsion {

struct Workers::Arena {
  explicit Arena(int threads) : tbb(threads) {
    // Otherwise TBB lets the first arena of the process decide for all, and complains on stderr.
    constexpr std::size_t kMostThreads = 256;
    static const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, kMostThreads);
  }
  tbb::task_arena tbb;
};

Workers::Workers(int threads) : arena_(threads > 1 ? std::make_unique<Arena>(threads) : nullptr) {}
Workers::~Workers() = default;

void Workers::for_each(Index count, const std::function<void(Index)>& task) {
  if (!arena_ || count <= 1) {
    for (Index i = 0; i < count; ++i) task(i);
    return;
  }
  arena_->tbb.execute([&] { tbb::parallel_for(Index{0}, count, task, tbb::simple_partitioner{}); });
}

}  // namespace emulsion
