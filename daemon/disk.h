// The calls that whoever keeps a state makes to the disk: the seam between promises about durability and the kernel.
//
// Implementations: posix_disk.h; in tests one that loses power and one whose N-th call fails (tests/daemon/simulated_disk.h),
// and one that ends the process at the N-th call (tests/daemon/fatal_disk.h).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <tl/expected.hpp>
#include <vector>

namespace emulsion::service {

// What a call gives: a value, or the error number of the kernel.
template <typename T>
using DiskResult = tl::expected<T, std::error_code>;

inline tl::unexpected<std::error_code> disk_error(std::errc error) { return tl::unexpected(std::make_error_code(error)); }

// Not thread-safe.
class Disk {
 public:
  // An open file. It means nothing to another disk.
  using Handle = int;

  virtual ~Disk() = default;

  // Opens a file to read it. Never waits for a writer, as a pipe would have it.
  // Errors: no_such_file_or_directory; invalid_argument where it is no regular file; others of the kernel, as below.
  virtual DiskResult<Handle> open(const std::string& path) = 0;

  // Makes a file for its owner alone, and opens it to write.
  // Errors: file_exists.
  virtual DiskResult<Handle> create(const std::string& path) = 0;

  // Reads at most `size` bytes; none at the end.
  virtual DiskResult<std::size_t> read(Handle file, char* bytes, std::size_t size) = 0;

  // Appends; may take only some of the bytes, and at least one.
  virtual DiskResult<std::size_t> write(Handle file, std::string_view bytes) = 0;

  // Returns when all that was written to the file would survive a loss of power. After a failure nothing is known of the
  // file, and a later success says nothing: the kernel may have dropped the pages.
  virtual DiskResult<void> sync(Handle file) = 0;
  virtual DiskResult<void> close(Handle file) = 0;

  // Gives a file another name, all at once, in place of what had it.
  virtual DiskResult<void> rename(const std::string& from, const std::string& to) = 0;
  virtual DiskResult<void> unlink(const std::string& path) = 0;

  // Returns when all names that were made, changed or removed in the directory would survive a loss of power.
  virtual DiskResult<void> sync_directory(const std::string& path) = 0;

  // Names in a directory, in any order.
  virtual DiskResult<std::vector<std::string>> list(const std::string& path) = 0;

  // Makes a directory for its owner alone.
  // Errors: file_exists; no_such_file_or_directory where the one above is missing.
  virtual DiskResult<void> make_directory(const std::string& path) = 0;

  // Makes a file that nobody else can lock until it is closed, or this process ends.
  // Errors: resource_unavailable_try_again where somebody has it.
  virtual DiskResult<Handle> lock(const std::string& path) = 0;
};

}  // namespace emulsion::service
