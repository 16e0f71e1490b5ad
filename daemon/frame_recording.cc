#include "daemon/frame_recording.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "emulsion/wire/checksum.h"
#include "emulsion/wire/little_endian.h"

namespace emulsion::service {
namespace {

constexpr std::string_view kMagic = "EMULFRM1";
constexpr std::uint32_t kEnd = 0xFFFFFFFF;
constexpr std::size_t kHeaderBytes = 12;
constexpr std::uint32_t kMaxTopicBytes = 65535;
constexpr std::uint32_t kMaxPayloadBytes = 0x7FFFFFFF;

// Up to `size` bytes. Memory grows with what is there, not with what a damaged length promises.
std::string read_up_to(std::FILE* file, std::size_t size) {
  constexpr std::size_t kFirstStep = 4096;
  std::string bytes;
  while (bytes.size() < size) {
    const std::size_t had = bytes.size();
    const std::size_t want = std::min(std::max(kFirstStep, had), size - had);
    bytes.resize(had + want);
    const std::size_t got = std::fread(bytes.data() + had, 1, want, file);
    bytes.resize(had + got);
    if (got < want) break;
  }
  return bytes;
}

}  // namespace

FrameRecorder::FrameRecorder(std::string path, File file) : path_(std::move(path)), file_(std::move(file)) {}

Result<FrameRecorder> FrameRecorder::create(const std::string& path) {
  File file(std::fopen(path.c_str(), "wbe"));
  if (!file) return fail(path + ": cannot create: " + std::strerror(errno));
  FrameRecorder recorder(path, std::move(file));
  if (auto put = recorder.put(std::string(kMagic)); !put) return tl::unexpected(put.error());
  return recorder;
}

Result<void> FrameRecorder::write(const Frame& frame) {
  if (!frame.fault.empty()) return fail(path_ + ": cannot record a fault: " + frame.fault);
  if (frame.topic.size() > kMaxTopicBytes || frame.payload.size() > kMaxPayloadBytes) {
    return fail(path_ + ": cannot record a topic of " + std::to_string(frame.topic.size()) +
                " bytes and a payload of " + std::to_string(frame.payload.size()) +
                "; allowed: " + std::to_string(kMaxTopicBytes) + " and " + std::to_string(kMaxPayloadBytes));
  }
  std::string bytes;
  bytes.reserve(kHeaderBytes + frame.topic.size() + frame.payload.size());
  wire::append_number(bytes, static_cast<std::uint32_t>(frame.topic.size()), 4);
  wire::append_number(bytes, static_cast<std::uint32_t>(frame.payload.size()), 4);
  wire::append_number(bytes, wire::checksum_32(bytes, frame.topic + frame.payload), 4);
  bytes += frame.topic;
  bytes += frame.payload;
  ++frames_;
  return put(bytes);
}

Result<void> FrameRecorder::finish() {
  std::string bytes;
  wire::append_number(bytes, kEnd, 4);
  wire::append_number(bytes, frames_, 4);
  wire::append_number(bytes, wire::checksum_32(bytes), 4);
  if (auto put_end = put(bytes); !put_end) return put_end;
  if (std::fclose(file_.release()) != 0) return fail(path_ + ": cannot write: " + std::strerror(errno));
  return {};
}

Result<void> FrameRecorder::put(const std::string& bytes) {
  if (!file_) return fail(path_ + ": the recording is finished");
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size()) {
    return fail(path_ + ": cannot write: " + std::strerror(errno));
  }
  return {};
}

FrameRecording::FrameRecording(std::string path, File file) : path_(std::move(path)), file_(std::move(file)) {}

Result<FrameRecording> FrameRecording::open(const std::string& path) {
  File file(std::fopen(path.c_str(), "rbe"));
  if (!file) return fail(path + ": cannot open: " + std::strerror(errno));
  const std::string magic = read_up_to(file.get(), kMagic.size());
  if (std::ferror(file.get())) return fail(path + ": cannot read: " + std::strerror(errno));
  if (magic != kMagic) {
    return fail(path + ": byte 0: not a recording of frames: expected it to start with " + std::string(kMagic));
  }
  FrameRecording recording(path, std::move(file));
  recording.offset_ = kMagic.size();
  return recording;
}

Result<std::optional<Frame>> FrameRecording::next() {
  if (ended_) return std::nullopt;
  const std::string header = read_up_to(file_.get(), kHeaderBytes);
  if (header.empty() && !std::ferror(file_.get())) {
    return damaged("truncated: the mark of the end is missing after " + std::to_string(frames_) + " frames");
  }
  if (header.size() < kHeaderBytes) {
    return damaged("truncated: " + std::to_string(header.size()) + " bytes where a frame's head has 12");
  }
  const std::string_view lengths = std::string_view(header).substr(0, 8);
  const auto first = static_cast<std::uint32_t>(wire::number_at(header, 0, 4));
  const auto second = static_cast<std::uint32_t>(wire::number_at(header, 4, 4));
  const auto expected = static_cast<std::uint32_t>(wire::number_at(header, 8, 4));

  std::string body;
  if (first != kEnd) {
    if (first > kMaxTopicBytes || second > kMaxPayloadBytes) {
      return damaged("damaged: a topic of " + std::to_string(first) + " bytes and a payload of " +
                     std::to_string(second));
    }
    const std::size_t size = std::size_t{first} + second;
    body = read_up_to(file_.get(), size);
    if (body.size() < size) {
      return damaged("truncated: " + std::to_string(body.size()) + " bytes where the frame has " +
                     std::to_string(size));
    }
  }
  if (const std::uint32_t found = wire::checksum_32(lengths, body); found != expected) {
    return damaged("damaged: checksum " + std::to_string(found) + " does not match " + std::to_string(expected));
  }
  if (first == kEnd) {
    if (second != frames_) {
      return damaged("damaged: the mark of the end counts " + std::to_string(second) + " frames, found " +
                     std::to_string(frames_));
    }
    if (std::fgetc(file_.get()) != EOF) return damaged("damaged: there is more behind the mark of the end");
    ended_ = true;
    return std::nullopt;
  }
  offset_ += kHeaderBytes + body.size();
  ++frames_;
  Frame frame;
  frame.payload = body.substr(first);
  body.resize(first);
  frame.topic = std::move(body);
  return frame;
}

tl::unexpected<Error> FrameRecording::damaged(const std::string& problem) {
  ended_ = true;
  const std::string place = path_ + ": byte " + std::to_string(offset_) + ": ";
  if (std::ferror(file_.get())) return fail(place + "cannot read: " + std::strerror(errno));
  return fail(place + problem);
}

}  // namespace emulsion::service
