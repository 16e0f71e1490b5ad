#include "emulsion/wire/input_stream.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace emulsion::wire {
namespace {

constexpr std::size_t kBufferBytes = 1 << 16;
constexpr int kInterruptionCheckMilliseconds = 100;

std::string system_message(int code) { return std::generic_category().message(code); }

}  // namespace

DescriptorBuffer::DescriptorBuffer(int descriptor, std::function<bool()> interrupted)
    : descriptor_(descriptor), interrupted_(std::move(interrupted)), bytes_(kBufferBytes) {}

DescriptorBuffer::~DescriptorBuffer() { ::close(descriptor_); }

bool DescriptorBuffer::wait(std::chrono::milliseconds timeout) {
  if (gptr() < egptr()) return true;
  pollfd entry{descriptor_, POLLIN, 0};
  const auto milliseconds = std::clamp<std::int64_t>(timeout.count(), 0, 1 << 30);
  return ::poll(&entry, 1, static_cast<int>(milliseconds)) > 0;
}

DescriptorBuffer::int_type DescriptorBuffer::underflow() {
  if (gptr() < egptr()) return traits_type::to_int_type(*gptr());
  for (;;) {
    if (interrupted_) {
      // A signal may come just before the wait begins, so a wait never lasts long.
      if (interrupted_()) return traits_type::eof();
      if (!wait(std::chrono::milliseconds(kInterruptionCheckMilliseconds))) continue;
    }
    const ssize_t count = ::read(descriptor_, bytes_.data(), bytes_.size());
    if (count > 0) {
      setg(bytes_.data(), bytes_.data(), bytes_.data() + count);
      return traits_type::to_int_type(*gptr());
    }
    if (count == 0) return traits_type::eof();
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      wait(std::chrono::milliseconds(kInterruptionCheckMilliseconds));
      continue;
    }
    failure_ = system_message(errno);
    return traits_type::eof();
  }
}

DescriptorBuffer::pos_type DescriptorBuffer::seekpos(pos_type place, std::ios_base::openmode) {
  if (::lseek(descriptor_, static_cast<off_t>(place), SEEK_SET) < 0) return pos_type(off_type(-1));
  setg(bytes_.data(), bytes_.data(), bytes_.data());
  return place;
}

InputStream::InputStream(int descriptor, std::function<bool()> interrupted)
    : std::istream(nullptr), buffer_(descriptor, std::move(interrupted)) {
  rdbuf(&buffer_);
}

Result<std::unique_ptr<InputStream>> InputStream::open(const std::string& path, std::function<bool()> interrupted) {
  const bool standard_input = path == "-";
  const int descriptor =
      standard_input ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return emulsion::fail(path + ": " + system_message(errno));
  struct stat status {};
  if (::fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode)) {
    ::close(descriptor);
    return emulsion::fail(path + ": " + system_message(EISDIR));
  }
  return std::unique_ptr<InputStream>(new InputStream(descriptor, std::move(interrupted)));
}

}  // namespace emulsion::wire
