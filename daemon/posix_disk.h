// The disk of this machine.
#pragma once

#include "daemon/disk.h"

namespace emulsion::service {

// Calls that a signal has interrupted are made again.
class PosixDisk final : public Disk {
 public:
  DiskResult<Handle> open(const std::string& path) override;
  DiskResult<Handle> create(const std::string& path) override;
  DiskResult<std::size_t> read(Handle file, char* bytes, std::size_t size) override;
  DiskResult<std::size_t> write(Handle file, std::string_view bytes) override;
  DiskResult<void> sync(Handle file) override;
  DiskResult<void> close(Handle file) override;
  DiskResult<void> rename(const std::string& from, const std::string& to) override;
  DiskResult<void> unlink(const std::string& path) override;
  DiskResult<void> sync_directory(const std::string& path) override;
  DiskResult<std::vector<std::string>> list(const std::string& path) override;
  DiskResult<void> make_directory(const std::string& path) override;
  DiskResult<Handle> lock(const std::string& path) override;
};

}  // namespace emulsion::service
