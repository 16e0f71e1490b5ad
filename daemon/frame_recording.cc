#include "daemon/frame_recording.h"

#include <algorithm>
#include <array>
#include <boost/crc.hpp>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

namespace emulsion::service {
namespace {

constexpr std::string_view kMagic = "EMULFRM1";
constexpr std::uint32_t kEnd = 0xFFFFFFFF;
constexpr std::size_t kHeaderBytes = 12;
constexpr std::uint32_t kMaxTopicBytes = 65535;
constexpr std::uint32_t kMaxPayloadBytes = 0x7FFFFFFF;

void append_u32(std::string& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift & 0xFF);
}

std::uint32_t u32_at(std::string_view bytes, std::size_t position) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[position + i]);
  return value;
}

std::uint32_t checksum(std::string_view lengths, std::string_view body) {
  boost::crc_32_type crc;
  crc.process_bytes(lengths.data(), lengths.size());
  crc.process_bytes(body.data(), body.size());
  return crc.checksum();
}

// Up to `size` bytes. Memory grows with what is there, not with what a damaged length promises.
std::string read_up_to(std::FILE* file, std::size_t size) {
  constexpr std::size_t kStep = 1 << 20;
  std::string bytes;
  while (bytes.size() < size) {
    const std::size_t had = bytes.size();
    const std::size_t want = std::min(kStep, size - had);
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
  append_u32(bytes, static_cast<std::uint32_t>(frame.topic.size()));
  append_u32(bytes, static_cast<std::uint32_t>(frame.payload.size()));
  append_u32(bytes, checksum(bytes, frame.topic + frame.payload));
  bytes += frame.topic;
  bytes += frame.payload;
  ++frames_;
  return put(bytes);
}

Result<void> FrameRecorder::finish() {
  std::string bytes;
  append_u32(bytes, kEnd);
  append_u32(bytes, frames_);
  append_u32(bytes, checksum(bytes, ""));
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
  const std::uint32_t first = u32_at(header, 0);
  const std::uint32_t second = u32_at(header, 4);
  const std::uint32_t expected = u32_at(header, 8);

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
  if (const std::uint32_t found = checksum(lengths, body); found != expected) {
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
