#include "emulsion/workers.h"

#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace emulsion {
namespace {

// TBB as it is installed is not built for the thread sanitizer, which cannot see that work begins after it was given and
// that it ends before for_each returns. These two tell it; elsewhere they do nothing.
void happens_before([[maybe_unused]] void* moment) {
#if defined(__SANITIZE_THREAD__)
  __tsan_release(moment);
#endif
}

void happens_after([[maybe_unused]] void* moment) {
#if defined(__SANITIZE_THREAD__)
  __tsan_acquire(moment);
#endif
}

}  // namespace

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
  char given = 0;
  char done = 0;
  const auto run = [&](Index i) {
    happens_after(&given);
    task(i);
    happens_before(&done);
  };
  happens_before(&given);
  arena_->tbb.execute([&] { tbb::parallel_for(Index{0}, count, run, tbb::simple_partitioner{}); });
  happens_after(&done);
}

}  // namespace emulsion
