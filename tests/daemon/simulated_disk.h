// A disk in memory that fails, stops or loses power where it is told to.
//
// What is written survives a loss of power once the file is synced; names that were made, changed or removed, once their
// directory is. Whatever was not may be there or not, in any combination, and unsynced bytes may be cut off or torn. After a
// sync that failed, the bytes so far never become durable, as with a kernel that drops the pages.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "daemon/disk.h"

namespace emulsion::service {

class SimulatedDisk final : public Disk {
 public:
  enum class Fault {
    io_error,        // the call fails
    no_space,        // the same with another reason
    short_write,     // a write takes half of the bytes
    short_and_full,  // the same, and the next call finds no space
  };

  // Calls are numbered from 1. From number `call` on every call fails and does nothing, as when the process is gone.
  void stop_at(std::uint64_t call) { stop_at_ = call; }
  void fail_at(std::uint64_t call, Fault fault) {
    fault_at_ = call;
    fault_ = fault;
  }
  std::uint64_t calls() const { return calls_; }

  // What another process finds on the same machine when this one is gone.
  SimulatedDisk after_kill() const {
    SimulatedDisk next;
    next.files_ = files_;
    next.names_ = names_;
    next.durable_names_ = durable_names_;
    next.pending_ = pending_;
    next.directories_ = directories_;
    return next;
  }

  // What is left when the power was lost now.
  template <typename Random>
  SimulatedDisk after_power_loss(Random& random) const {
    const auto draw = [&random](std::size_t most) { return static_cast<std::size_t>(random() % (most + 1)); };
    SimulatedDisk next;
    next.durable_names_ = durable_names_;
    for (const Change& change : pending_) next.make_durable(change, static_cast<int>(draw(change.from.empty() ? 1 : 2)));
    for (const auto& [path, durable] : directories_)
      if (durable || draw(1) == 1) next.directories_.emplace(path, true);
    std::erase_if(next.durable_names_, [&](const auto& name) { return !next.directories_.contains(directory_of(name.first)); });
    next.names_ = next.durable_names_;
    next.files_ = files_;
    for (File& file : next.files_) {
      const std::size_t kept = file.durable + draw(file.bytes.size() - file.durable);
      if (kept > file.durable && draw(1) == 1) {
        const std::size_t torn = file.durable + draw(kept - file.durable - 1);
        std::fill_n(file.bytes.begin() + static_cast<std::ptrdiff_t>(torn), 1 + draw(kept - torn - 1), '\0');
      }
      file.bytes.resize(kept);
      file = {file.bytes, kept, false};
    }
    return next;
  }

  DiskResult<Handle> open(const std::string& path) override {
    if (const auto error = begin()) return tl::unexpected(*error);
    const auto found = names_.find(path);
    if (found == names_.end()) return disk_error(std::errc::no_such_file_or_directory);
    return opened(found->second);
  }

  DiskResult<Handle> create(const std::string& path) override {
    if (const auto error = begin()) return tl::unexpected(*error);
    if (names_.contains(path)) return disk_error(std::errc::file_exists);
    if (!directories_.contains(directory_of(path))) return disk_error(std::errc::no_such_file_or_directory);
    files_.push_back({});
    names_[path] = files_.size() - 1;
    pending_.push_back({"", path, files_.size() - 1});
    return opened(files_.size() - 1);
  }

  DiskResult<std::size_t> read(Handle handle, char* bytes, std::size_t size) override {
    if (const auto error = begin()) return tl::unexpected(*error);
    Open& open = open_.at(static_cast<std::size_t>(handle));
    const std::string& all = files_.at(open.file).bytes;
    const std::size_t got = std::min(size, all.size() - open.position);
    std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(open.position), got, bytes);
    open.position += got;
    return got;
  }

  DiskResult<std::size_t> write(Handle handle, std::string_view bytes) override {
    const bool is_short = calls_ + 1 == fault_at_ && (fault_ == Fault::short_write || fault_ == Fault::short_and_full);
    if (const auto error = begin()) return tl::unexpected(*error);
    const std::size_t taken = is_short ? (bytes.size() + 1) / 2 : bytes.size();
    files_.at(open_.at(static_cast<std::size_t>(handle)).file).bytes += bytes.substr(0, taken);
    return taken;
  }

  DiskResult<void> sync(Handle handle) override {
    File& file = files_.at(open_.at(static_cast<std::size_t>(handle)).file);
    if (const auto error = begin()) {
      file.pages_dropped = true;
      return tl::unexpected(*error);
    }
    if (!file.pages_dropped) file.durable = file.bytes.size();
    return {};
  }

  DiskResult<void> close(Handle) override {
    if (const auto error = begin()) return tl::unexpected(*error);
    return {};
  }

  DiskResult<void> rename(const std::string& from, const std::string& to) override {
    if (const auto error = begin()) return tl::unexpected(*error);
    const auto found = names_.find(from);
    if (found == names_.end()) return disk_error(std::errc::no_such_file_or_directory);
    pending_.push_back({from, to, found->second});
    names_[to] = found->second;
    names_.erase(from);
    return {};
  }

  DiskResult<void> unlink(const std::string& path) override {
    if (const auto error = begin()) return tl::unexpected(*error);
    if (names_.erase(path) == 0) return disk_error(std::errc::no_such_file_or_directory);
    pending_.push_back({"", path, std::nullopt});
    return {};
  }

  DiskResult<void> sync_directory(const std::string& path) override {
    if (const auto error = begin()) return tl::unexpected(*error);
    const auto is_in = [&](const std::string& name) { return directory_of(name) == (path == "." ? "" : path); };
    for (const Change& change : pending_)
      if (is_in(change.to)) make_durable(change, 1);
    std::erase_if(pending_, [&](const Change& change) { return is_in(change.to); });
    for (auto& [directory, durable] : directories_)
      if (is_in(directory)) durable = true;
    return {};
  }

  DiskResult<std::vector<std::string>> list(const std::string& path) override {
    if (const auto error = begin()) return tl::unexpected(*error);
    if (!directories_.contains(path)) return disk_error(std::errc::no_such_file_or_directory);
    std::vector<std::string> names;
    for (const auto& [name, file] : names_)
      if (directory_of(name) == path) names.push_back(name.substr(path.size() + 1));
    return names;
  }

  DiskResult<void> make_directory(const std::string& path) override {
    if (const auto error = begin()) return tl::unexpected(*error);
    if (directories_.contains(path)) return disk_error(std::errc::file_exists);
    const std::string above = directory_of(path);
    if (!above.empty() && !directories_.contains(above)) return disk_error(std::errc::no_such_file_or_directory);
    directories_.emplace(path, false);
    return {};
  }

  DiskResult<Handle> lock(const std::string& path) override {
    if (const auto error = begin()) return tl::unexpected(*error);
    if (!directories_.contains(directory_of(path))) return disk_error(std::errc::no_such_file_or_directory);
    files_.push_back({});
    return opened(files_.size() - 1);  // one store at a time: the tests open no second one
  }

 private:
  struct File {
    std::string bytes;
    std::size_t durable = 0;     // so many of the bytes
    bool pages_dropped = false;  // by a sync that failed
  };
  struct Open {
    std::size_t file = 0;
    std::size_t position = 0;
  };
  // A change of names whose directory was not synced since.
  struct Change {
    std::string from;                 // of a rename
    std::string to;                   // or what was made or removed
    std::optional<std::size_t> file;  // nothing: removed
  };
  using Names = std::map<std::string, std::size_t>;

  static std::string directory_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? "" : path.substr(0, slash);
  }

  // How much of a change there is: nothing, all, or of a rename the new name beside the old one.
  void make_durable(const Change& change, int how) {
    if (how == 0) return;
    if (how == 1 && !change.from.empty()) durable_names_.erase(change.from);
    if (change.file)
      durable_names_[change.to] = *change.file;
    else
      durable_names_.erase(change.to);
  }

  Handle opened(std::size_t file) {
    open_.push_back({file, 0});
    return static_cast<Handle>(open_.size() - 1);
  }

  // Why the call that begins fails; nothing if it does not.
  std::optional<std::error_code> begin() {
    ++calls_;
    if (calls_ >= stop_at_) return std::make_error_code(std::errc::io_error);
    if (calls_ == fault_at_ && fault_ == Fault::io_error) return std::make_error_code(std::errc::io_error);
    if (calls_ == fault_at_ && fault_ == Fault::no_space) return std::make_error_code(std::errc::no_space_on_device);
    if (calls_ == fault_at_ + 1 && fault_ == Fault::short_and_full) return std::make_error_code(std::errc::no_space_on_device);
    return std::nullopt;
  }

  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max() - 1;

  std::vector<File> files_;
  Names names_;                               // as the running machine sees them
  Names durable_names_;                       // as they would be after a loss of power without `pending_`
  std::vector<Change> pending_;               // oldest first
  std::map<std::string, bool> directories_{{"", true}};  // and whether they would be there after a loss of power
  std::vector<Open> open_;
  std::uint64_t calls_ = 0;
  std::uint64_t stop_at_ = kNever;
  std::uint64_t fault_at_ = kNever;
  Fault fault_ = Fault::io_error;
};

}  // namespace emulsion::service
