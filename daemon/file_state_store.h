// State in a directory: the newest files of each stream.
//
//   <stream>.<generation>.state          a checkpoint (docs/checkpoint.md); the highest generation is the newest
//   <stream>.state                       generation 0: one that somebody has put there
//   .<stream>.<generation>.state.new     a save under way; left by a crash, removed by the next store
//   <stream>.<generation>.state.damaged  one that a stream fell back from
//   .lock                                held while a store is open, so that only one daemon writes
//
// A state is written to a file of its own that has never been there, flushed to the disk, renamed, and the directory
// flushed; only then is the oldest one removed. A crash at any moment leaves the state before or the new one. Someone else
// may read the directory at any time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

#include "daemon/disk.h"
#include "daemon/state_store.h"

namespace emulsion::service {

// Not thread-safe.
class FileStateStore : public StateStore {
 public:
  // Opens a directory; makes it, for the owner alone, if it is missing. What it then finds there survives a loss of power.
  //   generations  files of a stream that are kept, >= 1
  // Errors: cannot be made or opened; another store has it open.
  static Result<std::unique_ptr<FileStateStore>> open(Disk& disk, const std::string& directory, std::size_t generations);

  ~FileStateStore() override;

  // What is there is checked before the first save. Where it is damaged, saving fails until it is removed by remove() or
  // moved away by hand. After a failure the next save begins another file: nothing is known of one that could not be
  // flushed.
  Result<void> save(std::string_view stream, std::string_view state) override;

  // Errors: the file, what is wrong with it and what to do.
  Result<std::optional<std::string>> load(std::string_view stream) override;

  Result<OlderState> older(std::string_view stream) override;
  Result<void> fall_back(std::string_view stream) override;

  // Until it has returned, what is left is the newest state.
  Result<void> remove(std::string_view stream) override;

  Result<std::vector<std::string>> list() override;

 private:
  // The files of one stream.
  struct Series {
    std::vector<std::uint64_t> generations;  // ascending
    std::uint64_t highest = 0;               // that there has been a file of, whole or not
    bool good = false;                       // the newest file is known to be whole
  };
  struct Whole {
    std::size_t place;  // among the generations
    std::string state;
  };

  FileStateStore(Disk& disk, std::string directory, std::size_t generations);
  Result<void> look();
  Result<std::string> read(std::string_view stream, std::uint64_t generation);
  std::optional<Whole> whole_before_newest(std::string_view stream);
  Result<void> write(const std::string& path, std::string_view state);
  Result<void> remove_file(std::string_view stream, std::uint64_t generation);
  Result<void> sync_directory();
  void drop_oldest(std::string_view stream, Series& series);
  std::string path(const std::string& file) const { return directory_ + "/" + file; }

  Disk& disk_;
  std::string directory_;
  std::size_t generations_;
  Disk::Handle lock_ = -1;
  std::map<std::string, Series, std::less<>> series_;  // by stream
  std::vector<std::string> unfinished_;                // saves that a crash has left
};

}  // namespace emulsion::service
