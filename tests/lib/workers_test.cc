#include "emulsion/workers.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <latch>
#include <thread>
#include <vector>

namespace emulsion {
namespace {

// Calls use(workers, count) again and again, with few and many of both.
template <typename Use>
void with_workers(const Use& use) {
  const int threads = GENERATE(1, 2, 8);
  const Index count = GENERATE(0, 1, 2, 1000);
  CAPTURE(threads, count);
  Workers workers(threads);
  for (int round = 0; round < 20; ++round) use(workers, count);
}

TEST_CASE("each index is worked on exactly once, and all are done when the call returns") {
  with_workers([](Workers& workers, Index count) {
    std::vector<std::atomic<int>> calls(static_cast<std::size_t>(count) + 1);
    workers.for_each(count, [&](Index i) { ++calls[static_cast<std::size_t>(i)]; });
    bool once = calls.back() == 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) once &= calls[i] == 1;
    REQUIRE(once);
  });
}

TEST_CASE("what follows the tasks is called in their order, one at a time, each after its task") {
  with_workers([](Workers& workers, Index count) {
    std::vector<std::atomic<bool>> done(static_cast<std::size_t>(count));
    std::vector<Index> order;  // written by whoever's turn it is: the thread sanitizer sees whether two are at it
    bool after_task = true;
    workers.for_each(
        count, [&](Index i) { done[static_cast<std::size_t>(i)] = true; },
        [&](Index i) {
          after_task &= done[static_cast<std::size_t>(i)];
          order.push_back(i);
        });
    REQUIRE(after_task);
    REQUIRE(order.size() == static_cast<std::size_t>(count));
    bool in_order = true;
    for (std::size_t i = 0; i < order.size(); ++i) in_order &= order[i] == static_cast<Index>(i);
    REQUIRE(in_order);
  });
}

TEST_CASE("a task that takes long holds up none of the others") {
  Workers workers(2);
  for (const Index slow : {0, 1, 7}) {
    constexpr Index kTasks = 8;
    std::latch others(kTasks - 1);
    bool all_done = false;
    workers.for_each(kTasks, [&](Index i) {
      if (i != slow) return others.count_down();
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
      while (!others.try_wait() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
      all_done = others.try_wait();
    });
    CHECK(all_done);
  }
}

}  // namespace
}  // namespace emulsion
