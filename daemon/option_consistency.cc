#include "daemon/option_consistency.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "daemon/option_endpoints.h"
#include "daemon/option_values.h"
#include "emulsion/families.h"
#include "emulsion/formula.h"
#include "emulsion/wire/topic.h"

namespace emulsion::service {
namespace {

// The setting that decided among `keys`: the latest of the highest origin. Null if all are at their defaults.
const std::pair<const std::string, Origin>* decided(const AssembledOptions& assembled,
                                                    const std::vector<std::string>& keys) {
  const std::pair<const std::string, Origin>* highest = nullptr;
  for (const std::string& key : keys) {
    const auto found = assembled.origins.find(key);
    if (found == assembled.origins.end()) continue;
    const Origin& origin = found->second;
    if (!highest || std::tie(origin.kind, origin.line) > std::tie(highest->second.kind, highest->second.line)) {
      highest = &*found;
    }
  }
  return highest;
}

void add_fault(AssembledOptions& assembled, const std::pair<const std::string, Origin>& at,
               const std::string& problem) {
  const std::string key = at.first.starts_with("input[") ? "input" : at.first;
  assembled.faults.push_back({at.second, at.second.spelling(key), problem});
}

constexpr std::size_t kLongestFault = 600;  // bytes of a fault that names all families

// What the formula comes to with the names of the columns, in place of them. Faults one that is none.
void resolve_mixture(AssembledOptions& assembled, const std::string& section, StreamOptions& stream) {
  stream.learner.mixture.clear();
  if (!stream.columns.empty() && stream.dimension > 0 && stream.dimension != static_cast<Index>(stream.columns.size())) {
    if (const auto at = decided(assembled, {section + ".columns", section + ".dimension"}))
      add_fault(assembled, *at,
                std::to_string(stream.columns.size()) + " columns are named, dimension is " + std::to_string(stream.dimension) +
                    "; allowed: as many names as coordinates");
    return;
  }
  if (stream.mixture.empty()) return;
  const auto at = decided(assembled, {section + ".mixture", section + ".columns", section + ".dimension"});
  const auto refuse = [&](const std::string& problem) {
    if (at) add_fault(assembled, *at, wire::printable(problem, kLongestFault));
  };
  const auto formula = parse_formula(stream.mixture, stream.columns, stream.learner.components);
  if (!formula) return refuse(formula.error().message);
  LearnerOptions learner = stream.learner;
  learner.mixture = formula->text();
  const auto known = formula_of(learner);
  if (!known) return refuse(known.error().message);
  const Index dimension = stream.columns.empty() ? stream.dimension : static_cast<Index>(stream.columns.size());
  for (const MixtureTerm& term : known->terms)
    if (const auto checked = (*find_family(term.family))->check_dimension(dimension); dimension > 0 && !checked)
      return refuse(checked.error().message);
  stream.learner.mixture = known->text();
}

// Only what a section says itself is its fault; what it has from [defaults] is faulted there.
void check_stream(AssembledOptions& assembled, const std::string& section, StreamOptions& stream) {
  resolve_mixture(assembled, section, stream);
  const LearnerOptions& learner = stream.learner;
  const StepOptions& step = learner.step;
  const auto half_life =
      decided(assembled, {section + ".half_life_points", section + ".half_life_seconds", section + ".step"});
  if (half_life && step.kind == StepKind::half_life && step.half_life_points <= 0 && step.half_life_seconds <= 0) {
    add_fault(
        assembled, *half_life,
        "half_life_points and half_life_seconds are both 0 with step = half-life; allowed: one of the two above 0");
  }
  const auto seed = decided(assembled, {section + ".seed_points", section + ".components", section + ".mixture"});
  const auto formula = formula_of(learner);
  const Index components = formula ? formula->components() : learner.components;
  if (seed && learner.seed.points > 0 && learner.seed.points < components) {
    add_fault(assembled, *seed,
              std::to_string(learner.seed.points) + " seed_points cannot seed " + std::to_string(components) +
                  " components; allowed: 0 for automatic, or at least as many seed_points as components");
  }
}

// The text that is the same for two sockets that cannot both be bound; empty if any number can.
std::string bound_address(const std::string& endpoint) {
  const std::string address = endpoint.starts_with("tcp://") ? endpoint.substr(6) : endpoint;
  const bool any = address.ends_with(":*") || address.ends_with(":0") || address == "ipc://*";
  return any ? "" : address;
}

void check_bound_twice(AssembledOptions& assembled) {
  const DaemonOptions& options = assembled.options;
  std::vector<std::pair<std::string, std::string>> sockets;  // key, endpoint
  for (std::size_t i = 0; i < options.inputs.size(); ++i) {
    const InputOptions& input = options.inputs[i];
    if (input.kind == InputKind::replay || input.attachment != Attachment::bind) continue;
    sockets.emplace_back("input[" + std::to_string(i) + "]", input.endpoint);
  }
  sockets.emplace_back("output", options.output_endpoint);
  sockets.emplace_back("control", options.control_endpoint);
  if (!options.http_endpoint.empty()) sockets.emplace_back("http", options.http_endpoint);
  for (std::size_t i = 1; i < sockets.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const std::string address = bound_address(sockets[i].second);
      if (address.empty() || address != bound_address(sockets[j].second)) continue;
      const auto at = decided(assembled, {sockets[i].first, sockets[j].first});
      if (!at) continue;
      const std::string& other = at->first == sockets[i].first ? sockets[j].first : sockets[i].first;
      add_fault(assembled, *at,
                in_quotes(address) + " is bound twice; " + other.substr(0, other.find('[')) +
                    " has it too; allowed: an address of its own");
      break;
    }
  }
}

void check_replays(AssembledOptions& assembled) {
  const DaemonOptions& options = assembled.options;
  for (std::size_t i = 0; i < options.inputs.size(); ++i) {
    const InputOptions& input = options.inputs[i];
    if (input.kind != InputKind::replay || options.streams.count(input.stream)) continue;
    const auto& patterns = options.dynamic_streams;
    if (std::any_of(patterns.begin(), patterns.end(), [&](const auto& p) { return matches(p, input.stream); }))
      continue;
    const auto at = decided(assembled, {"input[" + std::to_string(i) + "]"});
    if (at) {
      add_fault(assembled, *at,
                "no stream " + in_quotes(input.stream) +
                    "; allowed: a stream with a section [stream.NAME], or a name that dynamic_streams has");
    }
  }
}

void check_acknowledged(AssembledOptions& assembled) {
  const DaemonOptions& options = assembled.options;
  if (!options.state_directory.empty()) return;
  for (std::size_t i = 0; i < options.inputs.size(); ++i) {
    if (options.inputs[i].kind != InputKind::acknowledged) continue;
    if (const auto at = decided(assembled, {"input[" + std::to_string(i) + "]"}))
      add_fault(assembled, *at, "an acknowledged input needs checkpoints, and state_directory is not set; allowed: with a state_directory");
  }
}

void check_count(AssembledOptions& assembled) {
  const DaemonOptions& options = assembled.options;
  if (static_cast<Index>(options.streams.size()) <= options.max_streams) return;
  std::vector<std::string> keys{"max_streams"};
  for (const auto& [name, stream] : options.streams) keys.push_back("stream." + name);
  if (const auto at = decided(assembled, keys)) {
    add_fault(assembled, *at,
              std::to_string(options.streams.size()) + " streams are configured, max_streams is " +
                  std::to_string(options.max_streams) + "; allowed: no more streams than that");
  }
}

}  // namespace

void check_consistency(AssembledOptions& assembled) {
  check_stream(assembled, "defaults", assembled.options.defaults);
  for (auto& [name, stream] : assembled.options.streams) check_stream(assembled, "stream." + name, stream);
  check_bound_twice(assembled);
  check_replays(assembled);
  check_acknowledged(assembled);
  check_count(assembled);
}

}  // namespace emulsion::service
