#include "daemon/file_replay.h"

#include <boost/crc.hpp>

#include <algorithm>
#include <optional>
#include <utility>

#include "daemon/frame_recording.h"
#include "daemon/unsettled.h"
#include "emulsion/wire/convert.h"
#include "emulsion/wire/point_reader.h"
#include "emulsion/wire/topic.h"

namespace emulsion::service {
namespace {

// The same for the same path, so that a daemon which is started again knows what it has learned of the file; another for
// another, so that two files of one stream are both learned.
std::uint64_t session_of(const std::string& path) {
  boost::crc_32_type crc;
  crc.process_bytes(path.data(), path.size());
  return crc.checksum();
}

constexpr Index kRowsPerMessage = 256;

// What both kinds of file have in common: a frame is made, and kept until it is settled.
class Replay : public FrameSource {
 public:
  std::optional<FrameView> receive() override {
    auto frame = next();
    if (!frame) return std::nullopt;
    return unsettled_.add(std::move(*frame));
  }

  void settle(const FrameView&, Outcome) override { unsettled_.drop_first(); }
  bool exhausted() const override { return exhausted_; }
  void close_intake() override { exhausted_ = true; }
  std::string describe() const override { return "replay " + path_; }

 protected:
  explicit Replay(std::string path) : path_(std::move(path)) {}

  // The next frame, or nothing where it has become exhausted.
  virtual std::optional<Frame> next() = 0;

  std::string path_;
  bool exhausted_ = false;

 private:
  Unsettled<Frame> unsettled_;
};

class RecordingReplay final : public Replay {
 public:
  RecordingReplay(FrameRecording recording, std::string path, std::string stream)
      : Replay(std::move(path)), recording_(std::move(recording)), stream_(std::move(stream)) {}

 private:
  std::optional<Frame> next() override {
    if (exhausted_) return std::nullopt;
    auto frame = recording_.next();
    if (!frame) {
      exhausted_ = true;
      return Frame{{}, {}, frame.error().message};
    }
    if (!*frame) {
      exhausted_ = true;
      return std::nullopt;
    }
    return stream_.empty() ? std::move(**frame) : redirected(std::move(**frame));
  }

  Frame redirected(Frame frame) const {
    const auto topic = wire::parse_topic(frame.topic);
    if (topic && topic->kind == wire::TopicKind::points) {
      frame.topic = wire::to_string({stream_, wire::TopicKind::points});
      return frame;
    }
    frame.fault =
        path_ + ": " + (topic ? "topic \"" + frame.topic + "\": expected one of points" : topic.error().message);
    frame.topic.resize(std::min(frame.topic.size(), kFaultTopicBytes));
    frame.payload.clear();
    return frame;
  }

  FrameRecording recording_;
  std::string stream_;
};

class PointsReplay final : public Replay {
 public:
  PointsReplay(wire::PointReader reader, std::string path, const std::string& stream)
      : Replay(std::move(path)),
        reader_(std::move(reader)),
        topic_(wire::to_string({stream, wire::TopicKind::points})) {}

 private:
  std::optional<Frame> next() override {
    if (exhausted_) return std::nullopt;
    if (fault_) return std::exchange(fault_, std::nullopt);
    // One table is held back, as only the next reading tells whether it was the last.
    for (;;) {
      auto table = reader_.read(kRowsPerMessage);
      if (!table) {
        Frame fault{topic_, {}, table.error().message};
        if (!held_) return fault;
        fault_ = std::move(fault);
        return message(*std::exchange(held_, std::nullopt), false);
      }
      if (!*table) {
        exhausted_ = true;
        return message(held_ ? std::move(*held_) : no_rows(), true);
      }
      if (held_) return message(*std::exchange(held_, std::move((*table)->batch)), false);
      held_ = std::move((*table)->batch);
    }
  }

  PointBatch no_rows() const {
    PointBatch batch;
    batch.points.resize(static_cast<Index>(reader_.columns().size()), 0);
    return batch;
  }

  Frame message(PointBatch batch, bool last) {
    wire::PointsMessage points;
    points.producer = "replay";
    points.session = session_;
    points.sequence = sequence_++;
    points.batch = std::move(batch);
    points.end_of_stream = last;
    return {topic_, codec_.encode(points)};
  }

  wire::PointReader reader_;
  wire::Codec codec_;
  std::uint64_t session_ = session_of(path_);
  std::string topic_;
  std::uint64_t sequence_ = 0;
  std::optional<PointBatch> held_;
  std::optional<Frame> fault_;  // behind the frame that was given last
};

}  // namespace

Result<std::unique_ptr<FrameSource>> open_replay(const std::string& path, const std::string& stream) {
  const bool recording = path.ends_with(".emf");
  if (!(recording && stream.empty()) && !wire::is_stream_name(stream)) {
    return fail("replay of " + path + ": \"" + wire::printable(stream) +
                "\" is no name of a stream: expected 1 to 64 of the characters A-Z a-z 0-9 _ -");
  }
  if (recording) {
    auto opened = FrameRecording::open(path);
    if (!opened) return tl::unexpected(opened.error());
    return std::make_unique<RecordingReplay>(std::move(*opened), path, stream);
  }
  auto opened = wire::PointReader::open(path);
  if (!opened) return tl::unexpected(opened.error());
  return std::make_unique<PointsReplay>(std::move(*opened), path, stream);
}

}  // namespace emulsion::service
