#include "daemon/file_replay.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include "daemon/frame_recording.h"
#include "daemon/unsettled.h"
#include "emulsion/wire/checksum.h"
#include "emulsion/wire/convert.h"
#include "emulsion/wire/point_reader.h"
#include "emulsion/wire/topic.h"

namespace emulsion::service {
namespace {

constexpr Index kRowsPerMessage = 256;

// Where a file goes on behind a message: as text, its numbers with spaces between.
struct Mark {
  static constexpr std::uint64_t kChecked = 4096;  // bytes before the place that tell the file from another one

  wire::FilePlace place;
  std::uint64_t size = 0;  // that the file had
  std::uint64_t next_sequence = 0;
  std::uint32_t before = 0;  // checksum of the bytes before the place
  bool ended = false;        // the message was the last one

  std::string text() const {
    std::ostringstream out;
    out << place.byte << ' ' << place.line << ' ' << size << ' ' << next_sequence << ' ' << before << ' ' << ended;
    return out.str();
  }

  static std::optional<Mark> parse(const std::string& text) {
    std::istringstream in(text);
    Mark mark;
    if (in >> mark.place.byte >> mark.place.line >> mark.size >> mark.next_sequence >> mark.before >> mark.ended) return mark;
    return std::nullopt;
  }
};

// Up to so many bytes of a file before a place; fewer if the file is shorter.
std::string bytes_before(std::istream& file, std::uint64_t place) {
  const std::uint64_t count = std::min(place, Mark::kChecked);
  std::string bytes(count, '\0');
  file.clear();
  file.seekg(static_cast<std::streamoff>(place - count));
  file.read(bytes.data(), static_cast<std::streamsize>(count));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return bytes;
}

std::uint64_t size_of(std::istream& file) {
  file.clear();
  file.seekg(0, std::ios::end);
  return static_cast<std::uint64_t>(std::max<std::streamoff>(file.tellg(), 0));
}

// The place of a mark in a file that may have grown since.
// Errors: it is another file now, or has been cut.
Result<wire::FilePlace> find_place(const std::string& path, const Mark& mark) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(path + ": cannot be opened");
  if (const std::uint64_t size = size_of(file); size < mark.size && size >= mark.place.byte) {
    return fail(path + ": had " + std::to_string(mark.size) + " bytes when it was learned, and has " + std::to_string(size) +
                "; allowed: a file that grows by whole lines");
  }
  const std::string before = bytes_before(file, mark.place.byte);
  if (before.size() != std::min(mark.place.byte, Mark::kChecked) || wire::checksum_32(before) != mark.before) {
    return fail(path + ": was learned up to byte " + std::to_string(mark.place.byte) +
                ", and is another file now; replay a new file under another name");
  }
  wire::FilePlace place = mark.place;
  if (before.empty() || before.back() == '\n') return place;
  // The file ended without a newline. There may be one now, and nothing else.
  std::string rest;
  file.clear();
  std::getline(file, rest);
  if (rest.find_first_not_of(" \t\r") != std::string::npos) {
    return fail(path + ":" + std::to_string(place.line) +
                ": the line had no end when it was learned, and has grown since; allowed: a file that grows by whole lines");
  }
  place.byte += rest.size() + (file.eof() ? 0 : 1);
  return place;
}

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
  PointsReplay(wire::PointReader reader, std::string path, const std::string& stream, const std::optional<Mark>& mark)
      : Replay(std::move(path)),
        reader_(std::move(reader)),
        file_(path_, std::ios::binary),
        topic_(wire::to_string({stream, wire::TopicKind::points})),
        ended_before_(mark && mark->ended),
        sequence_(mark ? mark->next_sequence : 0) {}

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
        return message(std::move(*std::exchange(held_, std::nullopt)), false);
      }
      if (!*table) {
        exhausted_ = true;
        if (!held_ && ended_before_) return std::nullopt;
        return message(held_ ? std::move(*held_) : Held{no_rows(), reader_.reached()}, true);
      }
      Held read{std::move((*table)->batch), reader_.reached()};
      if (held_) return message(std::move(*std::exchange(held_, std::move(read))), false);
      held_ = std::move(read);
    }
  }

  PointBatch no_rows() const {
    PointBatch batch;
    batch.points.resize(static_cast<Index>(reader_.columns().size()), 0);
    return batch;
  }

  struct Held {
    PointBatch batch;
    std::optional<wire::FilePlace> behind;
  };

  Frame message(Held held, bool last) {
    ended_before_ = false;
    wire::PointsMessage points;
    points.producer = kReplayProducer;
    points.session = session_;
    points.sequence = sequence_++;
    points.batch = std::move(held.batch);
    points.end_of_stream = last;
    Frame frame{topic_, codec_.encode(points)};
    if (held.behind) {
      const std::string before = bytes_before(file_, held.behind->byte);
      frame.mark = Mark{*held.behind, size_of(file_), sequence_, wire::checksum_32(before), last}.text();
    }
    return frame;
  }

  wire::PointReader reader_;
  std::ifstream file_;  // the same again, for what is before a mark
  wire::Codec codec_;
  std::uint64_t session_ = replay_session(path_);
  std::string topic_;
  bool ended_before_;  // the last message of the file has been given, unless it has grown
  std::uint64_t sequence_;
  std::optional<Held> held_;
  std::optional<Frame> fault_;  // behind the frame that was given last
};

}  // namespace

// The same for the same path, so that a daemon which is started again knows what it has learned of the file; another for
// another, so that two files of one stream are both learned.
std::uint64_t replay_session(const std::string& path) { return wire::checksum_32(path); }

bool is_recording(const std::string& path) { return path.ends_with(".emf"); }

Result<void> check_replay(const std::string& path, const std::string& mark_text) {
  if (const auto mark = Mark::parse(mark_text)) {
    if (const auto place = find_place(path, *mark); !place) return tl::unexpected(place.error());
    return {};
  }
  if (const auto opened = wire::PointReader::open(path); !opened) return tl::unexpected(opened.error());
  return {};
}

Result<std::unique_ptr<FrameSource>> open_replay(const std::string& path, const std::string& stream, const std::string& mark_text) {
  const bool recording = is_recording(path);
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
  const auto mark = Mark::parse(mark_text);
  if (mark) {
    const auto place = find_place(path, *mark);
    if (!place) return tl::unexpected(place.error());
    opened->go_to(*place);
  }
  return std::make_unique<PointsReplay>(std::move(*opened), path, stream, mark);
}

}  // namespace emulsion::service
