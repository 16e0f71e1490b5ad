// Memory that will be used soon, asked for in time.
//
// What one of many streams needs for a message lies behind pointers, and every pointer that has left the cache costs as much as a
// hundred operations. Who knows which streams come next asks for all of them at once, step by step: prefetch(0) of an object is for the
// object itself, prefetch(n) for what lies n pointers away from it, which may be looked for only once n - 1 has come.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace emulsion {

// As many steps as there are from a stream to the numbers of its components.
inline constexpr int kPrefetchSteps = 5;

// Asks for the memory from `begin` on, of which nothing need be there. Of much, only for the beginning: the processor sees by itself how
// it goes on, and what is asked for must not push out what else is.
inline void prefetch(const void* begin, std::size_t bytes) {
  constexpr std::size_t kLineBytes = 64, kMostBytes = 4096;
  const auto first = reinterpret_cast<std::uintptr_t>(begin);
  for (std::size_t at = 0; at < std::min(bytes, kMostBytes); at += kLineBytes) __builtin_prefetch(reinterpret_cast<const void*>(first + at));
}

template <typename Object>
void prefetch_object(const Object& object) {
  prefetch(&object, sizeof(Object));
}

// The numbers of a vector or matrix.
template <typename Numbers>
void prefetch_numbers(const Numbers& numbers) {
  prefetch(numbers.data(), static_cast<std::size_t>(numbers.size()) * sizeof(*numbers.data()));
}

}  // namespace emulsion
