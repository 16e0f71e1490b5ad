#include "daemon/file_state_store.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <utility>

#include "emulsion/wire/checkpoint.h"
#include "emulsion/wire/topic.h"

namespace emulsion::service {
namespace {

constexpr std::string_view kSuffix = ".state";
constexpr std::string_view kUnfinished = ".new";
constexpr std::string_view kDamaged = ".damaged";

tl::unexpected<Error> failed(const std::string& path, const char* action, std::error_code error) {
  return fail(path + ": cannot " + action + ": " + error.message());
}

std::string file_name(std::string_view stream, std::uint64_t generation) {
  std::string name(stream);
  if (generation > 0) name += "." + std::to_string(generation);
  return name.append(kSuffix);
}

struct Place {
  std::string_view stream;
  std::uint64_t generation = 0;
};

// What the name of a file says; nothing if it is none of a state.
std::optional<Place> place_of(std::string_view file) {
  if (!file.ends_with(kSuffix)) return std::nullopt;
  file.remove_suffix(kSuffix.size());
  Place place{file.substr(0, file.find('.')), 0};
  if (!wire::is_stream_name(place.stream)) return std::nullopt;
  if (place.stream.size() == file.size()) return place;
  const std::string_view digits = file.substr(place.stream.size() + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), place.generation);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.front() == '0') return std::nullopt;
  return place;
}

// Makes a directory and those above it, each of them to stay. One that is there may be of a start that failed before it was
// flushed, so that is made good for where it can be; where it cannot, it has been there for longer.
Result<void> make_directories(Disk& disk, const std::string& directory) {
  const std::string above = std::filesystem::path(directory).parent_path().string();
  if (!above.empty() && above != directory)
    if (auto parents = make_directories(disk, above); !parents) return parents;
  const auto made = disk.make_directory(directory);
  if (!made && made.error() != std::errc::file_exists) return failed(directory, "make the directory", made.error());
  const std::string parent = above.empty() ? "." : above;
  const auto synced = disk.sync_directory(parent);
  if (made && !synced) return failed(parent, "flush to the disk", synced.error());
  return {};
}

}  // namespace

FileStateStore::FileStateStore(Disk& disk, std::string directory, std::size_t generations)
    : disk_(disk), directory_(std::move(directory)), generations_(generations) {}

FileStateStore::~FileStateStore() {
  if (lock_ >= 0) disk_.close(lock_);
}

Result<std::unique_ptr<FileStateStore>> FileStateStore::open(Disk& disk, const std::string& directory, std::size_t generations) {
  if (auto made = make_directories(disk, directory); !made) return tl::unexpected(made.error());
  auto store = std::unique_ptr<FileStateStore>(new FileStateStore(disk, directory, generations));
  const auto lock = disk.lock(store->path(".lock"));
  if (!lock && lock.error() == std::errc::resource_unavailable_try_again)
    return fail(directory + ": in use by another daemon; give each a directory of its own");
  if (!lock) return failed(store->path(".lock"), "lock", lock.error());
  store->lock_ = *lock;
  if (auto looked = store->look(); !looked) return tl::unexpected(looked.error());
  for (const std::string& file : store->unfinished_)
    if (const auto removed = disk.unlink(store->path(file)); !removed) return failed(store->path(file), "remove", removed.error());
  // A crash may have come between a rename and this.
  if (auto synced = store->sync_directory(); !synced) return tl::unexpected(synced.error());
  return store;
}

// Finds out which files there are.
Result<void> FileStateStore::look() {
  const auto files = disk_.list(directory_);
  if (!files) return failed(directory_, "list", files.error());
  for (auto& [stream, series] : series_) series.generations.clear();
  unfinished_.clear();
  for (std::string_view file : *files) {
    if (file.starts_with('.')) {
      if (file.ends_with(kUnfinished) && place_of(file.substr(1, file.size() - 1 - kUnfinished.size()))) unfinished_.emplace_back(file);
      continue;
    }
    const bool set_aside = file.ends_with(kDamaged);
    if (set_aside) file.remove_suffix(kDamaged.size());
    const auto place = place_of(file);
    if (!place) continue;
    Series& series = series_[std::string(place->stream)];
    series.highest = std::max(series.highest, place->generation);
    if (!set_aside) series.generations.push_back(place->generation);
  }
  for (auto& [stream, series] : series_) std::sort(series.generations.begin(), series.generations.end());
  return {};
}

// The bytes of a checkpoint, checked.
Result<std::string> FileStateStore::read(std::string_view stream, std::uint64_t generation) {
  const std::string at = path(file_name(stream, generation));
  const auto file = disk_.open(at);
  if (!file && file.error() == std::errc::invalid_argument) return fail(at + ": not a regular file");
  if (!file) return failed(at, "open", file.error());
  std::string bytes;
  std::size_t had = 0;
  DiskResult<std::size_t> got;
  do {
    bytes.resize(std::max<std::size_t>(65536, 2 * had));
    got = disk_.read(*file, bytes.data() + had, bytes.size() - had);
    if (got) had += *got;
  } while (got && *got > 0);
  disk_.close(*file);
  if (!got) return failed(at, "read", got.error());
  bytes.resize(had);
  if (const auto sections = wire::decode_checkpoint(bytes); !sections) return fail(at + ": damaged: " + sections.error().message);
  return bytes;
}

Result<std::optional<std::string>> FileStateStore::load(std::string_view stream) {
  if (auto named = check_stream_name(stream); !named) return tl::unexpected(named.error());
  const auto found = series_.find(stream);
  if (found == series_.end() || found->second.generations.empty()) return std::nullopt;
  Series& series = found->second;
  auto state = read(stream, series.generations.back());
  series.good = state.has_value();
  if (state) return std::move(*state);
  std::string advice = "move it away to start anew";
  if (const auto whole = whole_before_newest(stream))
    advice = std::string(whole->place + 2 == series.generations.size() ? "move it" : "move all that are newer") + " away to go back to " +
             file_name(stream, series.generations[whole->place]) + ", which is older";
  else if (series.generations.size() > 1)
    advice = "move it and the older ones, which are damaged too, away to start anew";
  return fail(state.error().message + "; restore it from a copy, or " + advice);
}

// Where the newest generation that is whole stands among those before the newest one, and its bytes.
std::optional<FileStateStore::Whole> FileStateStore::whole_before_newest(std::string_view stream) {
  const auto found = series_.find(stream);
  if (found == series_.end()) return std::nullopt;
  const auto& generations = found->second.generations;
  for (std::size_t place = generations.size(); place-- > 1;)
    if (auto state = read(stream, generations[place - 1])) return Whole{place - 1, std::move(*state)};
  return std::nullopt;
}

Result<OlderState> FileStateStore::older(std::string_view stream) {
  if (auto named = check_stream_name(stream); !named) return tl::unexpected(named.error());
  auto whole = whole_before_newest(stream);
  if (!whole) return fail(path(file_name(stream, 0)) + ": no older state is whole");
  const auto& generations = series_.find(stream)->second.generations;
  const auto newest = read(stream, generations.back());
  return OlderState{file_name(stream, generations[whole->place]), std::move(whole->state), newest ? "" : newest.error().message};
}

Result<void> FileStateStore::fall_back(std::string_view stream) {
  if (auto named = check_stream_name(stream); !named) return tl::unexpected(named.error());
  const auto whole = whole_before_newest(stream);
  if (!whole) return fail(path(file_name(stream, 0)) + ": no older state is whole");
  Series& series = series_.find(stream)->second;
  for (std::size_t i = whole->place + 1; i < series.generations.size(); ++i) {
    const std::string at = path(file_name(stream, series.generations[i]));
    if (const auto moved = disk_.rename(at, at + std::string(kDamaged)); !moved) return failed(at, "set aside", moved.error());
  }
  series.generations.resize(whole->place + 1);
  if (auto synced = sync_directory(); !synced) return synced;
  series.good = true;
  return {};
}

Result<void> FileStateStore::save(std::string_view stream, std::string_view state) {
  if (auto named = check_stream_name(stream); !named) return tl::unexpected(named.error());
  Series& series = series_[std::string(stream)];
  if (!series.good && !series.generations.empty()) {
    if (auto looked = look(); !looked) return looked;
    if (auto loaded = load(stream); !loaded) return tl::unexpected(loaded.error());
  }
  const std::string file = file_name(stream, ++series.highest);
  const std::string unfinished = path("." + file + std::string(kUnfinished));
  auto written = write(unfinished, state);
  if (written)
    if (const auto renamed = disk_.rename(unfinished, path(file)); !renamed) written = failed(path(file), "put in its place", renamed.error());
  if (!written) {
    disk_.unlink(unfinished);  // if this fails too, the first failure says more
    return written;
  }
  series.generations.push_back(series.highest);
  series.good = true;
  if (auto synced = sync_directory(); !synced) return synced;
  drop_oldest(stream, series);
  return {};
}

// Writes and flushes a file that is not there yet.
Result<void> FileStateStore::write(const std::string& at, std::string_view state) {
  auto file = disk_.create(at);
  if (!file && file.error() == std::errc::file_exists) {
    disk_.unlink(at);
    file = disk_.create(at);
  }
  if (!file) return failed(at, "create", file.error());
  Result<void> written;
  while (written && !state.empty()) {
    const auto taken = disk_.write(*file, state);
    if (taken)
      state.remove_prefix(*taken);
    else
      written = failed(at, "write", taken.error());
  }
  if (written)
    if (const auto synced = disk_.sync(*file); !synced) written = failed(at, "flush to the disk", synced.error());
  if (const auto closed = disk_.close(*file); written && !closed) return failed(at, "close", closed.error());
  return written;
}

// What could not be removed is tried again with the next save; the names that are gone are flushed with it.
void FileStateStore::drop_oldest(std::string_view stream, Series& series) {
  auto& generations = series.generations;
  while (generations.size() > generations_ && remove_file(stream, generations.front())) generations.erase(generations.begin());
}

Result<void> FileStateStore::remove_file(std::string_view stream, std::uint64_t generation) {
  const std::string at = path(file_name(stream, generation));
  const auto removed = disk_.unlink(at);
  if (!removed && removed.error() != std::errc::no_such_file_or_directory) return failed(at, "remove", removed.error());
  return {};
}

Result<void> FileStateStore::remove(std::string_view stream) {
  if (auto named = check_stream_name(stream); !named) return tl::unexpected(named.error());
  if (auto looked = look(); !looked) return looked;
  auto& generations = series_[std::string(stream)].generations;
  if (generations.empty()) return sync_directory();  // an attempt before may have failed at that
  // The newest one goes last, and when no older one can come back, not one either that a save has dropped: what is left in between
  // must not be an older one.
  while (generations.size() > 1) {
    if (auto removed = remove_file(stream, generations.front()); !removed) return removed;
    generations.erase(generations.begin());
  }
  if (auto synced = sync_directory(); !synced) return synced;
  if (auto removed = remove_file(stream, generations.front()); !removed) return removed;
  generations.clear();
  return sync_directory();
}

Result<std::vector<std::string>> FileStateStore::list() {
  if (auto looked = look(); !looked) return tl::unexpected(looked.error());
  std::vector<std::string> streams;
  for (const auto& [stream, series] : series_)
    if (!series.generations.empty()) streams.push_back(stream);
  return streams;
}

Result<void> FileStateStore::sync_directory() {
  if (const auto synced = disk_.sync_directory(directory_); !synced) return failed(directory_, "flush to the disk", synced.error());
  return {};
}

}  // namespace emulsion::service
