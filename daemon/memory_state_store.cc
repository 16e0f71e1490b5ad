#include "daemon/memory_state_store.h"

namespace emulsion::service {

Result<void> MemoryStateStore::save(std::string_view stream, std::string_view state) {
  if (auto named = check_stream_name(stream); !named) return tl::unexpected(named.error());
  if (damaged_.contains(stream)) return fail("memory: " + std::string(stream) + ": damaged; not overwritten");
  if (!failure_.empty() && (failing_.empty() || failing_ == stream)) return fail("memory: " + std::string(stream) + ": cannot write: " + failure_);
  auto& states = states_[std::string(stream)];
  if (states.size() == 2) states.erase(states.begin());
  states.emplace_back(state);
  return {};
}

Result<std::optional<std::string>> MemoryStateStore::load(std::string_view stream) {
  if (auto named = check_stream_name(stream); !named) return tl::unexpected(named.error());
  if (damaged_.contains(stream)) return fail("memory: " + std::string(stream) + ": damaged");
  const auto found = states_.find(stream);
  if (found == states_.end()) return std::nullopt;
  return found->second.back();
}

Result<OlderState> MemoryStateStore::older(std::string_view stream) {
  if (auto named = check_stream_name(stream); !named) return tl::unexpected(named.error());
  const auto found = states_.find(stream);
  const std::string place = "memory: " + std::string(stream);
  if (!damaged_.contains(stream) || found == states_.end() || found->second.size() < 2) return fail(place + ": no older state is whole");
  return OlderState{place + ", the older one", found->second.front(), place + ": damaged"};
}

Result<void> MemoryStateStore::fall_back(std::string_view stream) {
  if (auto found = older(stream); !found) return tl::unexpected(found.error());
  const auto kept = states_.find(stream);
  kept->second.pop_back();
  damaged_.erase(kept->first);
  return {};
}

Result<void> MemoryStateStore::remove(std::string_view stream) {
  if (auto named = check_stream_name(stream); !named) return tl::unexpected(named.error());
  const std::string name(stream);
  states_.erase(name);
  damaged_.erase(name);
  return {};
}

Result<std::vector<std::string>> MemoryStateStore::list() {
  std::vector<std::string> streams;
  for (const auto& [stream, state] : states_) streams.push_back(stream);
  return streams;
}

}  // namespace emulsion::service
