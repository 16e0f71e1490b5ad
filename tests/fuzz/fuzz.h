// What the fuzzers share. Each source is one target for libFuzzer: bytes in, and nothing may crash, leak, overflow or hang.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace emulsion::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) { return {reinterpret_cast<const char*>(data), size}; }

// A file in memory with these bytes, for what only reads files.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : fd_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      if (written <= 0) std::abort();
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(fd_); }

  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

// What must hold, whatever the bytes were.
inline void require(bool condition, const std::string& otherwise) {
  if (condition) return;
  std::fprintf(stderr, "fuzz: %s\n", otherwise.c_str());
  std::abort();
}

// For functions that tell what is wrong.
inline void require_none(const std::string& fault) { require(fault.empty(), fault); }

}  // namespace emulsion::fuzz
