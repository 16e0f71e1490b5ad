#include "daemon/stream_registry.h"

#include <algorithm>
#include <set>

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

}  // namespace

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
    StreamEntry entry{std::move(*stream), options_.streams.count(name) > 0, false, false, {}, 0, {}};
    entry.unpublished = entry.stream.has_model();
    streams_.emplace(name, std::move(entry));
  }
  if (!problems.empty()) return fail(problems);
  return {};
}

Result<Stream> StreamRegistry::load(const std::string& name) {
  const StreamOptions& options = options_of(name);
  const auto initial_model = read_initial_model(options.init);
  if (!initial_model) return fail("stream \"" + name + "\": " + initial_model.error().message);
  if (store_ != nullptr) {
    const auto bytes = store_->load(name);
    if (!bytes) return fail(bytes.error().message);
    if (*bytes) {
      auto state = wire::decode_state(**bytes);
      if (!state) return fail("stream \"" + name + "\": the saved " + state.error().message);
      return Stream::restore(name, options, *initial_model, std::move(*state));
    }
  }
  return Stream::make(name, options, *initial_model);
}

tl::expected<StreamEntry*, NoStream> StreamRegistry::find_or_create(const std::string& name) {
  if (StreamEntry* known = find(name)) return known;
  if (!is_allowed(name))
    return tl::unexpected(NoStream{"unknown_stream", "stream \"" + name + "\" is not configured and matches no pattern of dynamic_streams"});
  if (streams_.size() >= static_cast<std::size_t>(options_.max_streams))
    return tl::unexpected(NoStream{"too_many_streams", "stream \"" + name + "\": there are " + std::to_string(streams_.size()) +
                                                           " streams already, and no more are allowed (max_streams)"});
  auto stream = load(name);
  if (!stream) return tl::unexpected(NoStream{"stream_failed", stream.error().message});
  StreamEntry entry{std::move(*stream), false, false, false, {}, 0, {}};
  entry.unpublished = entry.stream.has_model();
  return &streams_.emplace(name, std::move(entry)).first->second;
}

StreamEntry* StreamRegistry::find(const std::string& name) {
  const auto found = streams_.find(name);
  return found == streams_.end() ? nullptr : &found->second;
}

Result<void> StreamRegistry::save(StreamEntry& entry) {
  if (store_ == nullptr || !entry.unsaved) return {};
  const std::string state = wire::encode_state(entry.stream.state());
  if (state.empty()) return fail("the state is larger than 2 GiB, which is more than can be written");
  const auto saved = store_->save(entry.stream.name(), state);
  if (!saved) return fail(saved.error().message);
  entry.unsaved = false;
  return {};
}

Result<void> StreamRegistry::forget(const std::string& name) { return store_ == nullptr ? Result<void>{} : store_->remove(name); }

void StreamRegistry::reconfigure(const DaemonOptions& options) {
  options_ = options;
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
