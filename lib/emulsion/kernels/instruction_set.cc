#include <algorithm>

#include "emulsion/kernels/kernels.h"
#include "emulsion/kernels/targets.h"

#include <hwy/highway.h>

namespace emulsion::kernels {
namespace {

std::int64_t& chosen_target() {
  static std::int64_t target = 0;  // 0: the best one
  return target;
}

// Those that this build has and the processor can run, the best one first: it has the lowest number.
std::vector<std::int64_t> usable_targets() {
  hwy::SetSupportedTargetsForTest(0);
  std::vector<std::int64_t> targets = hwy::SupportedAndGeneratedTargets();
  std::sort(targets.begin(), targets.end());
  hwy::SetSupportedTargetsForTest(chosen_target());
  return targets;
}

}  // namespace

std::vector<std::string> instruction_sets() {
  std::vector<std::string> names;
  for (const std::int64_t target : usable_targets()) names.emplace_back(hwy::TargetName(target));
  return names;
}

std::string instruction_set() {
  return hwy::TargetName(chosen_target() != 0 ? chosen_target() : usable_targets().front());
}

bool use_instruction_set(const std::string& name) {
  const auto targets = usable_targets();
  const auto found = std::find_if(targets.begin(), targets.end(), [&](std::int64_t target) { return hwy::TargetName(target) == name; });
  if (!name.empty() && found == targets.end()) return false;
  chosen_target() = name.empty() ? 0 : *found;
  hwy::SetSupportedTargetsForTest(chosen_target());
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  return true;
}

}  // namespace emulsion::kernels
