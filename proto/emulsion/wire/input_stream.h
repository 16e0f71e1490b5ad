// A stream over a file descriptor that can be waited for.
//
// The standard streams either block until a whole buffer is full or read character by character; a pipe that delivers
// ten points a second needs neither.
#pragma once

#include <chrono>
#include <functional>
#include <istream>
#include <memory>
#include <streambuf>
#include <string>
#include <vector>

#include "emulsion/result.h"

namespace emulsion::wire {

// Gives bytes as soon as they are there. Not thread-safe.
class DescriptorBuffer : public std::streambuf {
 public:
  // Takes the descriptor. `interrupted` is asked while no input comes: true is the end of the input.
  DescriptorBuffer(int descriptor, std::function<bool()> interrupted);
  ~DescriptorBuffer() override;
  DescriptorBuffer(const DescriptorBuffer&) = delete;
  DescriptorBuffer& operator=(const DescriptorBuffer&) = delete;

  // True when a byte, or the end of the input, is there; false after the timeout.
  bool wait(std::chrono::milliseconds timeout);

  // What the system said when reading failed. Empty: it did not.
  const std::string& failure() const { return failure_; }

 protected:
  int_type underflow() override;
  pos_type seekpos(pos_type place, std::ios_base::openmode which) override;  // from the beginning of a file

 private:
  int descriptor_;
  std::function<bool()> interrupted_;
  std::vector<char> bytes_;
  std::string failure_;
};

class InputStream : public std::istream {
 public:
  // Opens a file, or standard input if the path is "-".
  // Errors: what the system says, such as `no.csv: No such file or directory`; a directory.
  static Result<std::unique_ptr<InputStream>> open(const std::string& path, std::function<bool()> interrupted = {});

  DescriptorBuffer& buffer() { return buffer_; }
  const DescriptorBuffer& buffer() const { return buffer_; }

 private:
  InputStream(int descriptor, std::function<bool()> interrupted);
  DescriptorBuffer buffer_;
};

}  // namespace emulsion::wire
