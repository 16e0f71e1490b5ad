// Recorded data as a source: a file of points, or a recording of frames.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "daemon/transport.h"
#include "emulsion/result.h"

namespace emulsion::service {

// Opens a file and replays it from its beginning, as fast as it is asked.
//
//   *.emf       a recording (frame_recording.h). Its messages of points are given to `stream`, whatever stream they
//   were
//               recorded from; if `stream` is empty, to that one. A message that is not of points is a fault.
//   all others  points: CSV, JSON lines or npy (point_reader.h), all numeric columns. Messages of up to 256 rows of the
//               producer "replay", a session by the path, sequence 0, 1, ...; the last has end_of_stream, and may have no rows.
//               Of CSV and JSON lines each message has a mark: the place in the file behind it. A daemon that keeps the mark
//               with its state goes on from there, also where the file has grown; of others it reads all again, and drops
//               what it has had by the sequence.
//
// A row that cannot be read, or damage, comes as a frame with a fault that names the line or the byte. Reading goes on
// behind a bad row, and ends at damage. close_intake() ends the replay at once: the rest is still in the file.
//   mark  of the last message that the state of the stream has; empty if it has none
// Errors: the file cannot be opened or is not of its format; a file of points needs a valid stream; what is before the mark
// is not what it was, the line before it has grown, or the file has been cut.
Result<std::unique_ptr<FrameSource>> open_replay(const std::string& path, const std::string& stream, const std::string& mark = {});

// By its name.
bool is_recording(const std::string& path);

// That a replay of a file of points can go on behind a mark, or from the beginning if there is none.
// Errors: those of opening it.
Result<void> check_replay(const std::string& path, const std::string& mark);

// Producer and session of the messages of a file of points.
inline constexpr const char* kReplayProducer = "replay";
std::uint64_t replay_session(const std::string& path);

}  // namespace emulsion::service
