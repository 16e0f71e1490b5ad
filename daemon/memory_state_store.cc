#include "daemon/memory_state_store.h"

namespace emulsion::service {

Result<void> MemoryStateStore::save(std::string_view stream, std::string_view state) {
  if (auto named = check_stream_name(stream); !named) return tl::unexpected(named.error());
  if (damaged_.contains(stream)) return fail("memory: " + std::string(stream) + ": damaged; not overwritten");
  if (!failure_.empty()) return fail("memory: " + std::string(stream) + ": cannot write: " + failure_);
  states_.insert_or_assign(std::string(stream), std::string(state));
  return {};
}

Result<std::optional<std::string>> MemoryStateStore::load(std::string_view stream) {
  if (auto named = check_stream_name(stream); !named) return tl::unexpected(named.error());
  if (damaged_.contains(stream)) return fail("memory: " + std::string(stream) + ": damaged");
  const auto found = states_.find(stream);
  if (found == states_.end()) return std::nullopt;
  return found->second;
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
