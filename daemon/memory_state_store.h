// The state store without a disk: for tests.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "daemon/state_store.h"

namespace emulsion::service {

// Keeps two states of each stream.
class MemoryStateStore : public StateStore {
 public:
  Result<void> save(std::string_view stream, std::string_view state) override;
  Result<std::optional<std::string>> load(std::string_view stream) override;
  Result<OlderState> older(std::string_view stream) override;
  Result<void> fall_back(std::string_view stream) override;
  Result<void> remove(std::string_view stream) override;
  Result<std::vector<std::string>> list() override;

  // Makes the newest state of a stream damaged, as a bad disk would.
  void damage(const std::string& stream) { damaged_.insert(stream); }

  // Makes every save fail for this reason, as a full disk would, or those of one stream alone; an empty reason ends it.
  void fail_saves(std::string reason, std::string stream = {}) {
    failure_ = std::move(reason);
    failing_ = std::move(stream);
  }

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> states_;  // oldest first
  std::set<std::string, std::less<>> damaged_;
  std::string failure_, failing_;
};

}  // namespace emulsion::service
