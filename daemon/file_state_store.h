// State in a directory: one file per stream, replaced atomically.
//
//   <stream>.state    magic "EMULSION", u32 format version, u64 length of the state, u32 CRC-32 of the state, the
//   state;
//                     numbers little-endian, the CRC that of zip and PNG
//   .lock             held while a store is open, so that only one daemon writes
//
// A state is written to a temporary file beside its place, flushed to the disk, renamed, and the directory flushed: a
// crash at any moment leaves the old state or the new one. Someone else may read the directory at any time.
#pragma once

#include <map>
#include <memory>

#include "daemon/state_store.h"

namespace emulsion::service {

// Not thread-safe.
class FileStateStore : public StateStore {
 public:
  // Opens a directory; makes it, for the owner alone, if it is missing.
  // Errors: cannot be made or opened; another store has it open.
  static Result<std::unique_ptr<FileStateStore>> open(const std::string& directory);

  ~FileStateStore() override;

  // A file that is there is checked before the first save replaces it. One that is damaged is refused from then on,
  // until it is removed by remove() or moved away by hand.
  Result<void> save(std::string_view stream, std::string_view state) override;

  // Errors: the file, what is wrong with it and what to do.
  Result<std::optional<std::string>> load(std::string_view stream) override;

  Result<void> remove(std::string_view stream) override;
  Result<std::vector<std::string>> list() override;

 private:
  enum class Health { good, damaged };

  FileStateStore(std::string directory, int directory_fd, int lock_fd);
  Result<void> replace(const std::string& file, std::string_view state);

  std::string directory_;
  int directory_fd_;
  int lock_fd_;
  std::map<std::string, Health, std::less<>> health_;  // of the files that have been looked at, by stream
};

}  // namespace emulsion::service
