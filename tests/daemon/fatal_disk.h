// A disk whose N-th call ends the process: SIGKILL, as if somebody else had sent it right before the call.
#pragma once

#include <signal.h>

#include <cstdint>

#include "daemon/disk.h"

namespace emulsion::service {

class FatalDisk final : public Disk {
 public:
  // Calls are numbered from 1. 0: none ends the process.
  FatalDisk(Disk& disk, std::uint64_t fatal_call) : disk_(disk), fatal_call_(fatal_call) {}

  std::uint64_t calls() const { return calls_; }

  DiskResult<Handle> open(const std::string& path) override { return next().open(path); }
  DiskResult<Handle> create(const std::string& path) override { return next().create(path); }
  DiskResult<std::size_t> read(Handle file, char* bytes, std::size_t size) override { return next().read(file, bytes, size); }
  DiskResult<std::size_t> write(Handle file, std::string_view bytes) override { return next().write(file, bytes); }
  DiskResult<void> sync(Handle file) override { return next().sync(file); }
  DiskResult<void> close(Handle file) override { return next().close(file); }
  DiskResult<void> rename(const std::string& from, const std::string& to) override { return next().rename(from, to); }
  DiskResult<void> unlink(const std::string& path) override { return next().unlink(path); }
  DiskResult<void> sync_directory(const std::string& path) override { return next().sync_directory(path); }
  DiskResult<std::vector<std::string>> list(const std::string& path) override { return next().list(path); }
  DiskResult<void> make_directory(const std::string& path) override { return next().make_directory(path); }
  DiskResult<Handle> lock(const std::string& path) override { return next().lock(path); }

 private:
  Disk& next() {
    if (++calls_ == fatal_call_) ::raise(SIGKILL);
    return disk_;
  }

  Disk& disk_;
  std::uint64_t fatal_call_;
  std::uint64_t calls_ = 0;
};

}  // namespace emulsion::service
