// What of a new configuration a running daemon can take.
#include "daemon/option_table.h"
#include "daemon/options.h"

namespace emulsion::service {
namespace {

template <typename Target>
void compare(const std::vector<Option<Target>>& options, const std::string& prefix, const Target& now,
             const Target& next, ReloadPlan& plan) {
  for (const auto& option : options) {
    if (option.print(now) == option.print(next)) continue;
    (option.reload == Reload::applies ? plan.applicable : plan.needs_restart).push_back(prefix + option.key);
  }
}

// Gives `next` the values of `now` that only a restart can change.
template <typename Target>
void keep(const std::vector<Option<Target>>& options, const Target& now, Target& next) {
  for (const auto& option : options) {
    if (option.reload == Reload::restart) option.copy(next, now);
  }
}

}  // namespace

ReloadPlan plan_reload(const DaemonOptions& now, const DaemonOptions& next) {
  ReloadPlan plan;
  compare(daemon_options(), "", now, next, plan);
  for (const auto& option : stream_options()) {
    // No stream is there yet that would have to change.
    if (option.print(now.defaults) != option.print(next.defaults)) plan.applicable.push_back("defaults." + option.key);
  }
  for (const auto& [name, stream] : now.streams) {
    const auto other = next.streams.find(name);
    if (other == next.streams.end())
      plan.needs_restart.push_back("stream." + name);
    else
      compare(stream_options(), "stream." + name + ".", stream, other->second, plan);
  }
  for (const auto& [name, stream] : next.streams) {
    if (!now.streams.count(name)) plan.applicable.push_back("stream." + name);
  }
  return plan;
}

DaemonOptions apply_reload(const DaemonOptions& now, DaemonOptions next) {
  keep(daemon_options(), now, next);
  for (const auto& [name, stream] : now.streams) {
    const auto [other, gone] = next.streams.emplace(name, stream);
    if (!gone) keep(stream_options(), stream, other->second);
  }
  return next;
}

}  // namespace emulsion::service
