#include "daemon/file_state_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/crc.hpp>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "emulsion/wire/topic.h"

namespace emulsion::service {
namespace {

constexpr std::string_view kMagic = "EMULSION";
constexpr std::uint64_t kFormatVersion = 2;
constexpr std::size_t kHeaderBytes = 8 + 4 + 8 + 4;
constexpr std::string_view kSuffix = ".state";

// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

tl::unexpected<Error> failed(const std::string& path, const char* action) {
  return fail(path + ": cannot " + action + ": " + std::strerror(errno));
}

void append_number(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xFF);
}

std::uint64_t number_at(std::string_view bytes, std::size_t position, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[position + i]);
  return value;
}

// CRC-32 finds every burst of up to 32 wrong bits, and any other damage but for one in 2^32. Boost's is a header of a
// library that Emulsion needs anyway.
std::uint32_t checksum(std::string_view bytes) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

// The bytes of a file; nothing if there is none.
Result<std::optional<std::string>> read_file(int directory, const std::string& file, const std::string& path) {
  // Non-blocking, so that a pipe of that name does not hold the daemon up.
  const Descriptor fd(::openat(directory, file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) {
    if (errno == ENOENT) return std::nullopt;
    return failed(path, "open");
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return failed(path, "read");
  if (!S_ISREG(status.st_mode)) return fail(path + ": not a regular file");
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t had = 0;
  while (had < bytes.size()) {
    const ssize_t got = ::read(fd.get(), bytes.data() + had, bytes.size() - had);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(path, "read");
    if (got == 0) break;
    had += static_cast<std::size_t>(got);
  }
  bytes.resize(had);
  return bytes;
}

// The state in a file's bytes. Errors: what is wrong with them.
Result<std::string> unwrap(const std::string& bytes) {
  const std::string_view magic = std::string_view(bytes).substr(0, kMagic.size());
  if (magic != kMagic.substr(0, magic.size())) {
    return fail("it starts with \"" + wire::printable(magic) + "\", expected \"EMULSION\"");
  }
  if (bytes.size() < kHeaderBytes) {
    return fail("it has " + std::to_string(bytes.size()) + " bytes, its head alone has " +
                std::to_string(kHeaderBytes));
  }
  if (const auto version = number_at(bytes, 8, 4); version != kFormatVersion) {
    return fail("format version " + std::to_string(version) + " is not known here, expected " +
                std::to_string(kFormatVersion));
  }
  if (const auto length = number_at(bytes, 12, 8); length != bytes.size() - kHeaderBytes) {
    return fail("it holds " + std::to_string(bytes.size() - kHeaderBytes) + " bytes of state, its head says " +
                std::to_string(length));
  }
  std::string state = bytes.substr(kHeaderBytes);
  const std::uint64_t expected = number_at(bytes, 20, 4);
  if (const std::uint64_t found = checksum(state); found != expected) {
    return fail("checksum " + std::to_string(found) + " does not match " + std::to_string(expected));
  }
  return state;
}

Result<void> write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed(path, "write");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> flush(int fd, const std::string& path) {
  while (::fsync(fd) != 0) {
    if (errno != EINTR) return failed(path, "flush to the disk");
  }
  return {};
}

}  // namespace

FileStateStore::FileStateStore(std::string directory, int directory_fd, int lock_fd)
    : directory_(std::move(directory)), directory_fd_(directory_fd), lock_fd_(lock_fd) {}

FileStateStore::~FileStateStore() {
  ::close(lock_fd_);
  ::close(directory_fd_);
}

Result<std::unique_ptr<FileStateStore>> FileStateStore::open(const std::string& directory) {
  const std::filesystem::path parent = std::filesystem::absolute(directory + "/.").parent_path().parent_path();
  std::error_code problem;
  std::filesystem::create_directories(parent, problem);
  if (problem) return fail(parent.string() + ": cannot make the directory: " + problem.message());
  if (::mkdir(directory.c_str(), 0700) == 0) {
    const Descriptor parent_fd(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (parent_fd.get() < 0) return failed(parent.string(), "open");
    if (auto flushed = flush(parent_fd.get(), parent.string()); !flushed) return tl::unexpected(flushed.error());
  } else if (errno != EEXIST) {
    return failed(directory, "make the directory");
  }
  Descriptor directory_fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory_fd.get() < 0) return failed(directory, "open the directory");

  const std::string lock = directory + "/.lock";
  Descriptor lock_fd(::openat(directory_fd.get(), ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock_fd.get() < 0) return failed(lock, "open");
  if (::flock(lock_fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return fail(directory + ": in use by another daemon; give each a directory of its own");
    return failed(lock, "lock");
  }
  return std::unique_ptr<FileStateStore>(new FileStateStore(directory, directory_fd.release(), lock_fd.release()));
}

Result<void> FileStateStore::save(std::string_view stream, std::string_view state) {
  if (auto named = check_stream_name(stream); !named) return tl::unexpected(named.error());
  const std::string file = std::string(stream).append(kSuffix);
  const auto known = health_.find(stream);
  if (known == health_.end()) {
    if (auto loaded = load(stream); !loaded) return tl::unexpected(loaded.error());
  } else if (known->second == Health::damaged) {
    struct stat status {};
    if (::fstatat(directory_fd_, file.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT) {
      return fail(directory_ + "/" + file +
                  ": was damaged when it was read and is not overwritten; move it away to start anew");
    }
  }
  if (auto replaced = replace(file, state); !replaced) return replaced;
  health_.insert_or_assign(std::string(stream), Health::good);
  return {};
}

Result<void> FileStateStore::replace(const std::string& file, std::string_view state) {
  const std::string temporary = "." + file + ".new";
  const std::string temporary_path = directory_ + "/" + temporary;
  std::string header(kMagic);
  append_number(header, kFormatVersion, 4);
  append_number(header, state.size(), 8);
  append_number(header, checksum(state), 4);

  const auto written = [&]() -> Result<void> {
    Descriptor fd(
        ::openat(directory_fd_, temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (fd.get() < 0) return failed(temporary_path, "create");
    return write_all(fd.get(), header, temporary_path)
        .and_then([&] { return write_all(fd.get(), state, temporary_path); })
        .and_then([&] { return flush(fd.get(), temporary_path); })
        .and_then([&]() -> Result<void> {
          if (::close(fd.release()) != 0) return failed(temporary_path, "close");
          if (::renameat(directory_fd_, temporary.c_str(), directory_fd_, file.c_str()) != 0) {
            return failed(directory_ + "/" + file, "replace");
          }
          return {};
        });
  }();
  if (!written) {
    ::unlinkat(directory_fd_, temporary.c_str(), 0);  // if this fails too, the first failure says more
    return written;
  }
  return flush(directory_fd_, directory_);
}

Result<std::optional<std::string>> FileStateStore::load(std::string_view stream) {
  if (auto named = check_stream_name(stream); !named) return tl::unexpected(named.error());
  const std::string file = std::string(stream).append(kSuffix);
  const std::string path = directory_ + "/" + file;
  health_.insert_or_assign(std::string(stream), Health::damaged);  // unless it is found to be good
  auto bytes = read_file(directory_fd_, file, path);
  if (!bytes) return tl::unexpected(bytes.error());
  std::optional<std::string> loaded;
  if (*bytes) {
    auto state = unwrap(**bytes);
    if (!state) return fail(path + ": damaged: " + state.error().message + "; move it away to start anew");
    loaded = std::move(*state);
  }
  health_.insert_or_assign(std::string(stream), Health::good);
  return loaded;
}

Result<void> FileStateStore::remove(std::string_view stream) {
  if (auto named = check_stream_name(stream); !named) return tl::unexpected(named.error());
  const std::string file = std::string(stream).append(kSuffix);
  if (::unlinkat(directory_fd_, file.c_str(), 0) != 0 && errno != ENOENT) {
    return failed(directory_ + "/" + file, "remove");
  }
  health_.erase(std::string(stream));
  return flush(directory_fd_, directory_);
}

Result<std::vector<std::string>> FileStateStore::list() {
  std::vector<std::string> streams;
  std::error_code problem;
  std::filesystem::directory_iterator entries(directory_, problem);
  for (; !problem && entries != std::filesystem::directory_iterator(); entries.increment(problem)) {
    const std::string file = entries->path().filename().string();
    if (!file.ends_with(kSuffix)) continue;
    const std::string stream = file.substr(0, file.size() - kSuffix.size());
    if (wire::is_stream_name(stream)) streams.push_back(stream);
  }
  if (problem) return fail(directory_ + ": cannot list: " + problem.message());
  std::sort(streams.begin(), streams.end());
  return streams;
}

}  // namespace emulsion::service
