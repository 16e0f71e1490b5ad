// Recorded frames in a file.
#include "daemon/frame_recording.h"
#include "fuzz/fuzz.h"

using namespace emulsion;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile file(fuzz::text_of(data, size));
  auto recording = service::FrameRecording::open(file.path());
  if (!recording) return 0;
  for (;;) {
    const auto frame = recording->next();
    if (!frame || !*frame) break;
  }
  return 0;
}
