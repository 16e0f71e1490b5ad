// The streams of the daemon: those that are configured, and those that came up.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "daemon/options.h"
#include "daemon/service_status.h"
#include "daemon/state_store.h"
#include "daemon/stream.h"

namespace emulsion::service {

// A stream with what the pipeline knows about it.
struct StreamEntry {
  Stream stream;
  bool configured = false;     // has a section in the configuration
  bool unpublished = false;    // the model has changed since it was published
  bool unsaved = false;        // something has changed since it was saved
  std::optional<std::chrono::steady_clock::time_point> model_published;  // when; nothing if never
  double learning_seconds = 0;        // spent since the last mini-batch was completed
  DurationHistogram em_step_seconds;  // of one mini-batch

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

  // Makes the configured streams, and every stream that has been saved and is still allowed.
  // Errors: a damaged state, a state that does not fit the configuration, an initial model that cannot be read; all that
  // there are, one a line.
  Result<void> open();

  // The stream of that name, made if its name matches a pattern and there is room.
  tl::expected<StreamEntry*, NoStream> find_or_create(const std::string& name);

  // Null if there is none.
  StreamEntry* find(const std::string& name);
  std::map<std::string, StreamEntry>& all() { return streams_; }

  // Writes the state of a stream, if there is a store and something has changed.
  Result<void> save(StreamEntry& entry);
  bool has_store() const { return store_ != nullptr; }

  // Removes the saved state of a stream.
  Result<void> forget(const std::string& name);

  // Takes what a running daemon can take of new options.
  void reconfigure(const DaemonOptions& options);

 private:
  const StreamOptions& options_of(const std::string& name) const;
  bool is_allowed(const std::string& name) const;
  Result<Stream> load(const std::string& name);

  DaemonOptions options_;
  StateStore* store_;
  std::map<std::string, StreamEntry> streams_;
};

}  // namespace emulsion::service
