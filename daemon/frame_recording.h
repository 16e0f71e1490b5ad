// Frames in a file, as they were received: the `.emf` format.
//
//   magic     8 bytes "EMULFRM1"
//   a frame   u32 length of the topic, u32 length of the payload, u32 CRC-32 of these lengths, the topic and the
//   payload,
//             then the topic and the payload
//   the end   u32 0xFFFFFFFF, u32 number of frames modulo 2^32, u32 CRC-32 of these two
// Numbers are little-endian; the CRC is that of zip and PNG. Without its end a recording was cut off.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "daemon/transport.h"
#include "emulsion/result.h"

namespace emulsion::service {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

// Writes a recording.
//
// Call order: create write* finish     without finish() readers will say that the recording was cut off
class FrameRecorder {
 public:
  // Replaces a file that is there. Errors: the path and the reason.
  static Result<FrameRecorder> create(const std::string& path);

  // Errors: the path and the reason; a topic over 65535 bytes, a payload over 2^31 - 1, a frame that is a fault.
  Result<void> write(const Frame& frame);

  // Writes the end and closes the file. Errors: the path and the reason.
  Result<void> finish();

 private:
  FrameRecorder(std::string path, File file);
  Result<void> put(const std::string& bytes);

  std::string path_;
  File file_;
  std::uint32_t frames_ = 0;
};

// Reads a recording.
class FrameRecording {
 public:
  // Errors: cannot be opened; not a recording.
  static Result<FrameRecording> open(const std::string& path);

  // The next frame; nothing at the end.
  // Errors: truncated or damaged, with the offset of the frame, such as `run.emf: byte 812: truncated: ...`. Nothing
  // can be read behind it.
  Result<std::optional<Frame>> next();

 private:
  FrameRecording(std::string path, File file);
  tl::unexpected<Error> damaged(const std::string& problem);

  std::string path_;
  File file_;
  std::uint64_t offset_ = 0;  // of the frame that comes next
  std::uint32_t frames_ = 0;
  bool ended_ = false;
};

}  // namespace emulsion::service
