#include "daemon/stream_registry.h"

#include <algorithm>
#include <set>
#include <sstream>

#include "daemon/file_replay.h"
#include "daemon/log.h"
#include "daemon/option_endpoints.h"
#include "emulsion/wire/model.h"
#include "emulsion/wire/model_json.h"
#include "emulsion/wire/text_file.h"
#include "emulsion/wire/topic.h"

namespace emulsion::service {
namespace {

Result<std::optional<Snapshot>> read_initial_model(const std::string& path) {
  if (path.empty()) return std::nullopt;
  const auto text = wire::read_file(path);
  if (!text) return fail("init: cannot read \"" + path + "\": " + text.error().message);
  const auto message = wire::model_from_json(*text);
  if (!message) return fail(path + ": " + message.error().message);
  auto snapshot = wire::to_snapshot(*message);
  if (!snapshot) return fail(path + ": " + snapshot.error().message);
  return std::move(*snapshot);
}

// Says which options that the statistics depend on are not those that they were made with. Where they cannot be used at all,
// restoring has failed.
void tell_other_options(const std::string& name, const std::string& before, const std::string& now) {
  std::set<std::string> known;
  std::istringstream lines(before);
  for (std::string line; std::getline(lines, line);) known.insert(line);
  lines = std::istringstream(now);
  for (std::string line; std::getline(lines, line);)
    if (!known.contains(line)) log::warning("stream {}: goes on with {}, which is not what its state was made with", name, line);
}

}  // namespace

wire::StreamState StreamEntry::state() const {
  wire::StreamState state = stream.state();
  state.models_published = published.models;
  state.labels_published = published.labels;
  state.events_published = published.events;
  return state;
}

void StreamEntry::observe(double seconds, const StreamOutput& output) {
  learning_seconds += seconds;
  for (std::uint64_t batch = 0; batch < output.batches && !output.seeded; ++batch)
    em_step_seconds.observe(learning_seconds / static_cast<double>(output.batches));
  if (output.batches > 0 || output.seeded) learning_seconds = 0;  // finding the first model is no step
}

Result<void> StreamRegistry::open() {
  std::set<std::string> names;
  for (const auto& [name, options] : options_.streams) names.insert(name);
  if (store_ != nullptr) {
    const auto saved = store_->list();
    if (!saved) return fail(saved.error().message);
    for (const std::string& name : *saved) {
      if (is_allowed(name))
        names.insert(name);
      else
        log::warning("stream {}: has a saved state but is neither configured nor matched by dynamic_streams; left alone", name);
    }
  }
  std::string problems;
  for (const std::string& name : names) {
    auto stream = load(name);
    if (!stream) {
      problems += (problems.empty() ? "" : "\n") + stream.error().message;
      continue;
    }
    add(name, std::move(*stream));
  }
  if (!problems.empty()) return fail(problems);
  return {};
}

// The plan of a section is made once; an initial model is read with it.
Result<Stream::Plan> StreamRegistry::plan_of(const std::string& name) {
  const StreamOptions& options = options_of(name);
  if (const auto known = plans_.find(&options); known != plans_.end()) return known->second;
  auto initial_model = read_initial_model(options.init);
  if (!initial_model) return tl::unexpected(initial_model.error());
  auto plan = StreamPlan::make(options, *std::move(initial_model));
  if (plan) plans_.emplace(&options, *plan);
  return plan;
}

Result<StreamEntry> StreamRegistry::load(const std::string& name) {
  const auto plan = plan_of(name);
  if (!plan) return fail("stream \"" + name + "\": " + plan.error().message);
  if (store_ != nullptr) {
    const auto bytes = load_state(name);
    if (!bytes) return fail(bytes.error().message);
    if (*bytes) {
      auto state = wire::decode_state(**bytes);
      if (!state) return fail("stream \"" + name + "\": the saved " + state.error().message);
      const std::string before = state->configuration;
      const PublishedCounts published{state->models_published, state->labels_published, state->events_published};
      auto stream = Stream::restore(name, *plan, std::move(*state));
      if (!stream) return tl::unexpected(stream.error());
      tell_other_options(name, before, (*plan)->configuration());
      StreamEntry entry(std::move(*stream));
      entry.published = published;
      return entry;
    }
  }
  return StreamEntry(Stream::make(name, *plan));
}

Result<std::optional<std::string>> StreamRegistry::load_state(const std::string& name) {
  auto newest = store_->load(name);
  if (newest) return newest;
  auto older = store_->older(name);
  if (!older || !is_replayed_from(name, older->state)) return newest;
  if (const auto gone_back = store_->fall_back(name); !gone_back) return newest;
  log::warning("stream {}: {}", name, older->damage);
  log::warning("stream {}: goes on from {}, which is older: it comes from files alone, and what came since is learned again", name, older->name);
  return std::move(older->state);
}

// Whether what came after a state comes again: the daemon reads nothing but files of points, and all that the stream has had is
// in those of them that are given to it, as far as they are still what they were.
bool StreamRegistry::is_replayed_from(const std::string& name, const std::string& state) const {
  const auto is_table = [](const InputOptions& input) { return input.kind == InputKind::replay && !is_recording(input.path); };
  const auto& inputs = options_.inputs;
  const auto known = wire::decode_state(state);
  if (!known || known->producers.size() != 1 || known->producers.front().producer != kReplayProducer) return false;
  const auto& sessions = known->producers.front().sessions;
  return std::all_of(inputs.begin(), inputs.end(), is_table) &&
         std::all_of(sessions.begin(), sessions.end(), [&](const wire::SessionState& session) {
           return std::any_of(inputs.begin(), inputs.end(), [&](const InputOptions& input) {
             return input.stream == name && replay_session(input.path) == session.session && check_replay(input.path, session.mark);
           });
         });
}

StreamEntry& StreamRegistry::add(const std::string& name, StreamEntry loaded) {
  const auto [place, added] = streams_.emplace(name, std::move(loaded));
  StreamEntry& entry = place->second;
  entry.configured = options_.streams.count(name) > 0;
  entry.unpublished = entry.stream.has_model();
  by_name_.emplace(place->first, &entry);
  return entry;
}

tl::expected<StreamEntry*, NoStream> StreamRegistry::find_or_create(std::string_view known_or_new) {
  if (StreamEntry* known = find(known_or_new)) return known;
  const std::string name(known_or_new);
  if (!is_allowed(name))
    return tl::unexpected(NoStream{"unknown_stream", "stream \"" + name + "\" is not configured and matches no pattern of dynamic_streams"});
  if (streams_.size() >= static_cast<std::size_t>(options_.max_streams))
    return tl::unexpected(NoStream{"too_many_streams", "stream \"" + name + "\": there are " + std::to_string(streams_.size()) +
                                                           " streams already, and no more are allowed (max_streams)"});
  auto stream = load(name);
  if (!stream) return tl::unexpected(NoStream{"stream_failed", stream.error().message});
  return &add(name, std::move(*stream));
}

StreamEntry* StreamRegistry::find(std::string_view name) {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

void StreamRegistry::changed(StreamEntry& entry) {
  entry.unsaved = true;
  if (store_ == nullptr || entry.to_save) return;
  entry.to_save = true;
  to_save_.push_back(&entry);
}

StreamEntry* StreamRegistry::next_to_save() {
  if (to_save_.empty()) return nullptr;
  StreamEntry* entry = to_save_.front();
  to_save_.pop_front();
  entry->to_save = false;
  return entry;
}

Result<void> StreamRegistry::save(StreamEntry& entry) {
  if (store_ == nullptr || !entry.unsaved) return {};
  const std::string state = wire::encode_state(entry.state());
  const auto saved = state.empty() ? Result<void>(fail("the state is larger than 2 GiB, which is more than can be written"))
                                   : store_->save(entry.stream.name(), state);
  const bool degraded = saves_.degraded();
  if (saved) {
    entry.unsaved = false;
    entry.stream.make_durable();
    saves_.succeeded(entry.stream.name());
  } else {
    saves_.failed(entry.stream.name(), saved.error().message);
  }
  tell_health(degraded);
  return saved;
}

Result<void> StreamRegistry::forget(const std::string& name) {
  if (store_ == nullptr) return {};
  auto removed = store_->remove(name);
  const bool degraded = saves_.degraded();
  if (removed) saves_.forget(name);
  tell_health(degraded);
  return removed;
}

void StreamRegistry::tell_health(bool degraded_before) const {
  if (!degraded_before && saves_.degraded()) log::error("degraded: {}", saves_.reason());
  if (degraded_before && !saves_.degraded()) log::info("states are saved again: no longer degraded");
}

void StreamRegistry::reconfigure(const DaemonOptions& options) {
  options_ = options;
  plans_.clear();
  for (auto& [name, entry] : streams_) {
    entry.configured = options.streams.count(name) > 0;
    entry.stream.reconfigure(options_of(name));
  }
}

const StreamOptions& StreamRegistry::options_of(const std::string& name) const {
  const auto found = options_.streams.find(name);
  return found == options_.streams.end() ? options_.defaults : found->second;
}

bool StreamRegistry::is_allowed(const std::string& name) const {
  if (options_.streams.count(name) > 0) return true;
  return wire::is_stream_name(name) &&
         std::any_of(options_.dynamic_streams.begin(), options_.dynamic_streams.end(),
                     [&](const std::string& pattern) { return matches(pattern, name); });
}

}  // namespace emulsion::service
