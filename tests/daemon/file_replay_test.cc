// Recordings and files of points as sources.
#include "daemon/file_replay.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <sstream>
#include <vector>

#include "daemon/frame_recording.h"
#include "daemon/temporary_directory.h"
#include "emulsion/wire/convert.h"

namespace emulsion::service {
namespace {

const std::vector<Frame> kFrames{{"emulsion.v1.radar.points.", "one"},
                                 {"emulsion.v1.sonar.points.", ""},
                                 {"emulsion.v1.radar.points.", std::string("\0\xFF\n", 3)}};

std::string record(const TemporaryDirectory& directory, const std::vector<Frame>& frames) {
  const std::string path = directory.file("run.emf");
  auto recorder = FrameRecorder::create(path);
  REQUIRE(recorder);
  for (const Frame& frame : frames) REQUIRE(recorder->write(frame));
  REQUIRE(recorder->finish());
  return path;
}

// Everything a source gives.
std::vector<Frame> drain(FrameSource& source) {
  std::vector<Frame> frames;
  while (auto frame = source.receive()) {
    frames.push_back(copy_of(*frame));
    source.settle(*frame, Outcome::applied);
  }
  CHECK(source.exhausted());
  return frames;
}

std::vector<Frame> replay(const std::string& path, const std::string& stream) {
  auto source = open_replay(path, stream);
  REQUIRE(source);
  return drain(**source);
}

std::string open_error(const std::string& path, const std::string& stream) {
  auto source = open_replay(path, stream);
  REQUIRE_FALSE(source);
  return source.error().message;
}

wire::PointsMessage decode(const Frame& frame) {
  INFO(frame.fault);
  REQUIRE(frame.fault.empty());
  auto message = wire::Codec().decode_points(frame.payload);
  REQUIRE(message);
  return *message;
}

std::string csv_of(int rows) {
  std::ostringstream csv;
  csv << "a,b\n";
  for (int i = 0; i < rows; ++i) csv << i << ',' << -0.5 * i << '\n';
  return csv.str();
}

TEST_CASE("a recording gives back the frames that were written", "[replay]") {
  const TemporaryDirectory directory;
  const auto frames = replay(record(directory, kFrames), "");
  REQUIRE(frames.size() == kFrames.size());
  for (std::size_t i = 0; i < frames.size(); ++i) {
    CHECK(frames[i].topic == kFrames[i].topic);
    CHECK(frames[i].payload == kFrames[i].payload);
    CHECK(frames[i].fault.empty());
  }
  CHECK(replay(record(directory, {}), "").empty());
  // Long ones are read in parts.
  for (const std::size_t size : {4095, 4096, 4097, 100000}) {
    const auto long_frames = replay(record(directory, {{kFrames[0].topic, std::string(size, 'x')}}), "");
    REQUIRE(long_frames.size() == 1);
    CHECK(long_frames[0].payload == std::string(size, 'x'));
  }
}

TEST_CASE("a recording is given to the stream that is named, what is not of points is a fault", "[replay]") {
  const TemporaryDirectory directory;
  const std::string path = record(directory, {kFrames[1], {"emulsion.v1.radar.labels.", "x"}, {"nonsense", "y"}});
  const auto frames = replay(path, "other");
  REQUIRE(frames.size() == 3);
  CHECK(frames[0].topic == "emulsion.v1.other.points.");
  CHECK(frames[0].fault.empty());
  CHECK(frames[1].fault == path + ": topic \"emulsion.v1.radar.labels.\": expected one of points");
  CHECK(frames[1].payload.empty());
  CHECK_THAT(frames[2].fault, Catch::StartsWith(path + ": topic \"nonsense\": expected emulsion.v1."));
}

TEST_CASE("every truncation of a recording gives its whole frames, then a fault", "[replay]") {
  const TemporaryDirectory directory;
  const std::string path = record(directory, kFrames);
  const std::string bytes = read_file(path);
  const std::vector<std::size_t> ends{8 + 12 + 25 + 3, 8 + 2 * (12 + 25) + 3, 8 + 3 * (12 + 25) + 6};
  REQUIRE(bytes.size() == ends.back() + 12);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    write_file(path, bytes.substr(0, size));
    INFO(size);
    if (size < 8) {
      CHECK(open_error(path, "") == path + ": byte 0: not a recording of frames: expected it to start with EMULFRM1");
      continue;
    }
    std::size_t whole = 0;
    while (whole < ends.size() && ends[whole] <= size) ++whole;
    const auto frames = replay(path, "");
    REQUIRE(frames.size() == whole + 1);
    const std::size_t start = whole == 0 ? 8 : ends[whole - 1];
    CHECK_THAT(frames.back().fault, Catch::StartsWith(path + ": byte " + std::to_string(start) + ": truncated: "));
  }
}

TEST_CASE("every wrong bit of a recording is found", "[replay]") {
  const TemporaryDirectory directory;
  const std::string path = record(directory, kFrames);
  const std::string bytes = read_file(path);
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    write_file(path, damaged);
    INFO(bit);
    auto source = open_replay(path, "");
    if (bit < 64) {
      CHECK_FALSE(source);
      continue;
    }
    REQUIRE(source);
    const auto frames = drain(**source);
    REQUIRE_FALSE(frames.empty());
    CHECK_FALSE(frames.back().fault.empty());
    for (std::size_t i = 0; i + 1 < frames.size(); ++i) CHECK(frames[i].payload == kFrames[i].payload);
  }
  write_file(path, bytes + "x");
  CHECK_THAT(replay(path, "").back().fault, Catch::EndsWith("damaged: there is more behind the mark of the end"));
}

TEST_CASE("a frame that was cut out, or cut differently, is found", "[replay]") {
  const TemporaryDirectory directory;
  const std::string path = record(directory, kFrames);
  const std::string bytes = read_file(path);
  const std::size_t second = 8 + 12 + 25 + 3;
  write_file(path, bytes.substr(0, second) + bytes.substr(second + 12 + 25));
  CHECK_THAT(replay(path, "").back().fault, Catch::EndsWith("damaged: the mark of the end counts 3 frames, found 2"));

  std::string shifted = bytes;  // the last letter of the first topic becomes the first of its payload
  --shifted[8];
  ++shifted[12];
  write_file(path, shifted);
  CHECK_THAT(replay(path, "").back().fault, Catch::StartsWith(path + ": byte 8: damaged: checksum "));
}

TEST_CASE("a recorder refuses what it cannot record, and says why it cannot write", "[replay]") {
  const TemporaryDirectory directory;
  CHECK(FrameRecorder::create(directory.file("no/such.emf")).error().message ==
        directory.file("no/such.emf") + ": cannot create: No such file or directory");
  auto recorder = FrameRecorder::create(directory.file("run.emf"));
  REQUIRE(recorder);
  CHECK_FALSE(recorder->write({"t", "", "frames: 3, expected 2"}));
  CHECK_FALSE(recorder->write({std::string(65536, 't'), ""}));
  REQUIRE(recorder->finish());
  CHECK(recorder->write({"t", "p"}).error().message == directory.file("run.emf") + ": the recording is finished");
  CHECK_FALSE(recorder->finish());

  auto full = FrameRecorder::create("/dev/full");
  REQUIRE(full);
  CHECK(full->finish().error().message == "/dev/full: cannot write: No space left on device");
}

TEST_CASE("a file of points becomes messages of 256 rows, the last of which ends the stream", "[replay]") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("points.csv");
  const int rows = GENERATE(1, 255, 256, 257, 1000);
  write_file(path, csv_of(rows));
  const auto frames = replay(path, "radar");
  REQUIRE(frames.size() == static_cast<std::size_t>((rows + 255) / 256));
  int row = 0;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    CHECK(frames[i].topic == "emulsion.v1.radar.points.");
    const auto message = decode(frames[i]);
    CHECK(message.producer == "replay");
    CHECK(message.session == decode(frames[0]).session);
    CHECK(message.sequence == i);
    CHECK(message.end_of_stream == (i + 1 == frames.size()));
    REQUIRE(message.batch.dimension() == 2);
    if (i + 1 < frames.size()) CHECK(message.batch.size() == 256);
    for (Index j = 0; j < message.batch.size(); ++j, ++row) {
      CHECK(message.batch.points(0, j) == row);
      CHECK(message.batch.points(1, j) == -0.5 * row);
    }
  }
  CHECK(row == rows);
}

// What a replay gives from a mark on, as rows; and the mark behind them.
struct Continued {
  std::vector<double> first_column;
  std::vector<std::uint64_t> sequences;
  std::vector<std::string> marks;  // behind each message
};
Continued go_on(const std::string& path, const std::string& mark) {
  auto source = open_replay(path, "radar", mark);
  INFO((source ? std::string() : source.error().message));
  REQUIRE(source);
  Continued continued;
  for (const Frame& frame : drain(**source)) {
    const auto message = decode(frame);
    continued.sequences.push_back(message.sequence);
    continued.marks.push_back(frame.mark);
    for (Index i = 0; i < message.batch.size(); ++i) continued.first_column.push_back(message.batch.points(0, i));
  }
  return continued;
}

TEST_CASE("a replay goes on behind the mark of any of its messages", "[replay]") {
  const TemporaryDirectory directory;
  const std::string path = directory.file(GENERATE("points.csv", "points.jsonl"));
  std::string text = path.ends_with(".csv") ? csv_of(1000) : "";
  if (text.empty())
    for (int i = 0; i < 1000; ++i) text += "[" + std::to_string(i) + ",1]\n";
  write_file(path, text);
  const Continued whole = go_on(path, "");
  REQUIRE(whole.marks.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    REQUIRE_FALSE(whole.marks[i].empty());
    const Continued rest = go_on(path, whole.marks[i]);
    CHECK(rest.sequences == std::vector<std::uint64_t>(whole.sequences.begin() + static_cast<std::ptrdiff_t>(i) + 1, whole.sequences.end()));
    const std::size_t had = std::min<std::size_t>(256 * (i + 1), 1000);
    REQUIRE(rest.first_column.size() == 1000 - had);
    CHECK(rest.first_column == std::vector<double>(whole.first_column.begin() + static_cast<std::ptrdiff_t>(had), whole.first_column.end()));
  }
}

TEST_CASE("a file that has grown by less than a message gives just the new rows", "[replay]") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("points.csv");
  write_file(path, csv_of(300));
  const std::string mark = go_on(path, "").marks.back();
  CHECK(go_on(path, mark).sequences.empty());  // nothing new, and no second end
  write_file(path, csv_of(303));
  const Continued grown = go_on(path, mark);
  CHECK(grown.first_column == std::vector<double>{300, 301, 302});
  CHECK(grown.sequences == std::vector<std::uint64_t>{2});
}

TEST_CASE("a file that ended without a newline may get one, but its last line must not grow", "[replay]") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("points.csv");
  const std::string text = csv_of(30);
  write_file(path, text.substr(0, text.size() - 1));
  const std::string mark = go_on(path, "").marks.back();
  CHECK(go_on(path, mark).sequences.empty());
  write_file(path, text + "30,7\n");
  CHECK(go_on(path, mark).first_column == std::vector<double>{30});
  write_file(path, text.substr(0, text.size() - 1) + "25\n30,7\n");
  auto source = open_replay(path, "radar", mark);
  REQUIRE_FALSE(source);
  CHECK(source.error().message ==
        path + ":31: the line had no end when it was learned, and has grown since; allowed: a file that grows by whole lines");
}

TEST_CASE("a mark of what is another file now is refused", "[replay]") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("points.csv");
  write_file(path, csv_of(300));
  const std::string mark = go_on(path, "").marks.back();
  std::string other = csv_of(300);
  other[other.size() - 3] ^= 1;
  for (const std::string& text : {other, csv_of(299)}) {
    write_file(path, text);
    const auto source = open_replay(path, "radar", mark);
    REQUIRE_FALSE(source);
    CHECK_THAT(source.error().message, Catch::EndsWith("and is another file now; replay a new file under another name"));
  }
}

TEST_CASE("a file that was cut since its mark is refused, also where what was learned is still there", "[replay]") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("points.csv");
  write_file(path, csv_of(600));
  const std::string first = go_on(path, "").marks.front(), last = go_on(path, "").marks.back();
  CHECK(check_replay(path, first));
  CHECK(check_replay(path, last));
  write_file(path, csv_of(599));
  for (const std::string& mark : {first, last}) {
    CHECK_FALSE(check_replay(path, mark));
    CHECK_FALSE(open_replay(path, "radar", mark));
  }
  CHECK(check_replay(path, first).error().message ==
        path + ": had " + std::to_string(csv_of(600).size()) + " bytes when it was learned, and has " + std::to_string(csv_of(599).size()) +
            "; allowed: a file that grows by whole lines");
  std::filesystem::remove(path);
  CHECK_FALSE(check_replay(path, first));
  CHECK_FALSE(check_replay(path, ""));
}

TEST_CASE("a file has the same session each time, and another file another one", "[replay]") {
  const TemporaryDirectory directory;
  write_file(directory.file("a.csv"), csv_of(3));
  write_file(directory.file("b.csv"), csv_of(3));
  const auto session = [&](const char* name) { return decode(replay(directory.file(name), "radar").front()).session; };
  CHECK(session("a.csv") == session("a.csv"));
  CHECK(session("a.csv") != session("b.csv"));
}

TEST_CASE("JSON lines are replayed like CSV", "[replay]") {
  const TemporaryDirectory directory;
  write_file(directory.file("points.jsonl"), "[1, 2]\n[3, null]\n");
  const auto frames = replay(directory.file("points.jsonl"), "radar");
  REQUIRE(frames.size() == 1);
  const auto message = decode(frames[0]);
  REQUIRE(message.batch.size() == 2);
  CHECK(message.batch.points(0, 1) == 3);
  CHECK(std::isnan(message.batch.points(1, 1)));
}

TEST_CASE("a bad row in the middle is a fault that names its line, and the rows behind it follow", "[replay]") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("points.csv");
  write_file(path, "a,b\n1,2\n3,oops\n5,6\n");
  const auto frames = replay(path, "radar");
  REQUIRE(frames.size() == 3);
  CHECK(decode(frames[0]).batch.size() == 1);
  CHECK_FALSE(decode(frames[0]).end_of_stream);
  CHECK_THAT(frames[1].fault, Catch::StartsWith(path + ":3: ") && Catch::Contains("oops"));
  const auto last = decode(frames[2]);
  CHECK(last.batch.points(0, 0) == 5);
  CHECK(last.sequence == 1);
  CHECK(last.end_of_stream);
}

TEST_CASE("a file that ends with a bad row still ends its stream", "[replay]") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("points.csv");
  write_file(path, "a,b\n1,2\n3,oops\n");
  const auto frames = replay(path, "radar");
  REQUIRE(frames.size() == 3);
  CHECK_FALSE(frames[1].fault.empty());
  const auto last = decode(frames[2]);
  CHECK(last.batch.size() == 0);
  CHECK(last.batch.dimension() == 2);
  CHECK(last.end_of_stream);
}

TEST_CASE("closing the intake ends a replay at once", "[replay]") {
  const TemporaryDirectory directory;
  write_file(directory.file("points.csv"), csv_of(1000));
  for (const std::string& path : {directory.file("points.csv"), record(directory, kFrames)}) {
    auto source = open_replay(path, "radar");
    REQUIRE(source);
    CHECK((*source)->describe() == "replay " + path);
    CHECK((*source)->receive());
    CHECK_FALSE((*source)->exhausted());
    (*source)->close_intake();
    CHECK((*source)->exhausted());
    CHECK_FALSE((*source)->receive());
  }
}

TEST_CASE("a replay that cannot start says why", "[replay]") {
  const TemporaryDirectory directory;
  CHECK(open_error(directory.file("no.emf"), "") ==
        directory.file("no.emf") + ": cannot open: No such file or directory");
  CHECK_THAT(open_error(directory.file("no.csv"), "radar"), Catch::Contains(directory.file("no.csv")));
  CHECK(open_error("points.csv", "a b") ==
        "replay of points.csv: \"a b\" is no name of a stream: expected 1 to 64 of the characters A-Z a-z 0-9 _ -");
  CHECK_THAT(open_error(directory.path() + "/", "radar"), Catch::Contains(directory.path()));
}

}  // namespace
}  // namespace emulsion::service
