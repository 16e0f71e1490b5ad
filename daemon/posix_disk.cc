#include "daemon/posix_disk.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

namespace emulsion::service {
namespace {

tl::unexpected<std::error_code> failure() { return tl::unexpected(std::error_code(errno, std::generic_category())); }

// The call's own result, once no signal interrupts it.
template <typename Call>
auto uninterrupted(Call call) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

DiskResult<void> done(int result) {
  if (result != 0) return failure();
  return {};
}

DiskResult<Disk::Handle> opened(const std::string& path, int flags) {
  const int file = uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0600); });
  if (file < 0) return failure();
  return file;
}

// An error, with the file closed.
tl::unexpected<std::error_code> given_up(int file) {
  const auto error = failure();
  ::close(file);
  return error;
}

}  // namespace

DiskResult<Disk::Handle> PosixDisk::open(const std::string& path) {
  const auto file = opened(path, O_RDONLY | O_NONBLOCK);
  if (!file) return file;
  struct stat status {};
  if (::fstat(*file, &status) != 0) return given_up(*file);
  if (!S_ISREG(status.st_mode)) {
    ::close(*file);
    return disk_error(std::errc::invalid_argument);
  }
  return file;
}

DiskResult<Disk::Handle> PosixDisk::create(const std::string& path) { return opened(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW); }

DiskResult<std::size_t> PosixDisk::read(Handle file, char* bytes, std::size_t size) {
  const ssize_t got = uninterrupted([&] { return ::read(file, bytes, size); });
  if (got < 0) return failure();
  return static_cast<std::size_t>(got);
}

DiskResult<std::size_t> PosixDisk::write(Handle file, std::string_view bytes) {
  const ssize_t taken = uninterrupted([&] { return ::write(file, bytes.data(), bytes.size()); });
  if (taken < 0) return failure();
  return static_cast<std::size_t>(taken);
}

DiskResult<void> PosixDisk::sync(Handle file) {
  return done(uninterrupted([&] { return ::fsync(file); }));
}

// Never again after a failure: the descriptor is gone all the same.
DiskResult<void> PosixDisk::close(Handle file) { return done(::close(file)); }

DiskResult<void> PosixDisk::rename(const std::string& from, const std::string& to) { return done(::rename(from.c_str(), to.c_str())); }

DiskResult<void> PosixDisk::unlink(const std::string& path) { return done(::unlink(path.c_str())); }

DiskResult<void> PosixDisk::sync_directory(const std::string& path) {
  const auto directory = opened(path, O_RDONLY | O_DIRECTORY);
  if (!directory) return tl::unexpected(directory.error());
  if (uninterrupted([&] { return ::fsync(*directory); }) != 0) return given_up(*directory);
  return close(*directory);
}

DiskResult<std::vector<std::string>> PosixDisk::list(const std::string& path) {
  std::vector<std::string> names;
  std::error_code problem;
  std::filesystem::directory_iterator entries(path, problem);
  for (; !problem && entries != std::filesystem::directory_iterator(); entries.increment(problem))
    names.push_back(entries->path().filename().string());
  if (problem) return tl::unexpected(std::error_code(problem.value(), std::generic_category()));
  return names;
}

DiskResult<void> PosixDisk::make_directory(const std::string& path) { return done(::mkdir(path.c_str(), 0700)); }

DiskResult<Disk::Handle> PosixDisk::lock(const std::string& path) {
  const auto file = opened(path, O_RDWR | O_CREAT | O_NOFOLLOW);
  if (!file) return file;
  if (uninterrupted([&] { return ::flock(*file, LOCK_EX | LOCK_NB); }) != 0) return given_up(*file);
  return file;
}

}  // namespace emulsion::service
