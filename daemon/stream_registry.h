// The streams of the daemon: those that are configured, and those that came up.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tsl/robin_map.h>
#include <utility>

#include "daemon/options.h"
#include "daemon/publisher.h"
#include "daemon/save_health.h"
#include "daemon/service_status.h"
#include "daemon/state_store.h"
#include "daemon/stream.h"

namespace emulsion::service {

// A stream with what the pipeline knows about it.
struct StreamEntry {
  explicit StreamEntry(Stream s) : stream(std::move(s)) {}

  Stream stream;
  bool configured = false;     // has a section in the configuration
  bool unpublished = false;    // the model has changed since it was published
  bool to_publish = false;     // it is in the pipeline's queue of models
  bool owed = false;           // it is in the pipeline's queue of models for new subscribers
  bool unsaved = false;        // something has changed since it was saved
  bool to_save = false;        // it is in the registry's list of states to save
  std::optional<std::chrono::steady_clock::time_point> model_published;  // when; nothing if never
  double learning_seconds = 0;        // spent since the last mini-batch was completed
  DurationHistogram em_step_seconds;  // of one mini-batch
  PublishedCounts published;           // since the stream came to be

  // Everything that is kept of it over a restart.
  wire::StreamState state() const;

  // Takes note of the time that a message took, and of the mini-batches that it completed.
  void observe(double seconds, const StreamOutput& output);
};

// Why there is no stream of a name.
struct NoStream {
  std::string reason;  // a fixed word
  std::string text;
};

// Call order: open (find_or_create | save | ...)*
// One thread owns it.
class StreamRegistry {
 public:
  // `store` may be null: then nothing is saved.
  StreamRegistry(const DaemonOptions& options, StateStore* store) : options_(options), store_(store) {}

  // Makes the configured streams, and every stream that has been saved and is still allowed. Where a state is damaged, an
  // older one is taken only if all that the stream has had and can get is in files of points that are replayed: they are read
  // again, and what the older state knows is not learned twice. Any other source has let go of what came since.
  // Errors: a damaged state that nothing takes the place of, a state that does not fit the configuration, an initial model
  // that cannot be read; all that there are, one a line.
  Result<void> open();

  // The stream of that name, made if its name matches a pattern and there is room.
  tl::expected<StreamEntry*, NoStream> find_or_create(std::string_view name);

  // Null if there is none. An entry keeps its address.
  StreamEntry* find(std::string_view name);

  // By name.
  std::map<std::string, StreamEntry>& all() { return streams_; }

  // Notes that there is something to save of a stream.
  void changed(StreamEntry& entry);

  // The next stream with something to save, in the order in which they changed; null if there is none. It is then no longer
  // in the list.
  StreamEntry* next_to_save();
  std::size_t to_save() const { return to_save_.size(); }

  // Writes the state of a stream, if there is a store and something has changed.
  Result<void> save(StreamEntry& entry);
  bool has_store() const { return store_ != nullptr; }

  // What is known of the saves so far.
  const SaveHealth& saves() const { return saves_; }

  // Removes the saved state of a stream.
  Result<void> forget(const std::string& name);

  // Takes what a running daemon can take of new options.
  void reconfigure(const DaemonOptions& options);

 private:
  const StreamOptions& options_of(const std::string& name) const;
  Result<Stream::Plan> plan_of(const std::string& name);
  bool is_allowed(const std::string& name) const;
  Result<StreamEntry> load(const std::string& name);
  Result<std::optional<std::string>> load_state(const std::string& name);
  bool is_replayed_from(const std::string& name, const std::string& state) const;
  StreamEntry& add(const std::string& name, StreamEntry loaded);
  void tell_health(bool degraded_before) const;

  DaemonOptions options_;
  StateStore* store_;
  std::map<const StreamOptions*, Stream::Plan> plans_;  // of the sections, once a stream has needed one
  std::map<std::string, StreamEntry> streams_;
  // The same, quicker to look at: short names stand beside each other in its table.
  struct HashOfName : std::hash<std::string_view> {
    using is_transparent = void;
  };
  tsl::robin_map<std::string, StreamEntry*, HashOfName, std::equal_to<>, std::allocator<std::pair<std::string, StreamEntry*>>, true> by_name_;
  std::deque<StreamEntry*> to_save_;
  SaveHealth saves_;
};

}  // namespace emulsion::service
