// A saved state: its bytes as they are; and, since nothing gets past checksums, what is inside with checksums that fit.
#include <array>

#include "emulsion/wire/checkpoint.h"
#include "emulsion/wire/state.h"
#include "fuzz/fuzz.h"
#include "numbers/soundness.h"

using namespace emulsion;

namespace {

constexpr std::array<const char*, 5> kSections{"stream", "learner", "sources", "waiting", "counters"};

// A checkpoint whose sections, but for the last, begin with their length in the bytes, two of them.
std::string checkpoint_around(std::string_view bytes) {
  std::array<wire::CheckpointSection, kSections.size()> sections;
  for (std::size_t i = 0; i < kSections.size(); ++i) {
    std::size_t length = bytes.size();
    if (i + 1 < kSections.size() && bytes.size() >= 2) {
      length = static_cast<unsigned char>(bytes[0]) + 256u * static_cast<unsigned char>(bytes[1]);
      bytes.remove_prefix(2);
    }
    sections[i] = {kSections[i], bytes.substr(0, length)};
    bytes.remove_prefix(sections[i].bytes.size());
  }
  return wire::encode_checkpoint(sections);
}

void use(Result<wire::StreamState> state) {
  if (!state) return;
  state->stream = "radar";
  auto stream = service::Stream::restore("radar", testing::eager_options("gaussian(full)", 2), std::nullopt, std::move(*state));
  if (!stream) return;
  fuzz::require_none(testing::fault_of(*stream, {}));
  service::StreamOutput output;
  stream->flush(output);  // what it says of a mini-batch under way
  fuzz::require_none(testing::fault_of(*stream, output));
  fuzz::require(wire::decode_state(wire::encode_state(stream->state())).has_value(), "a state that cannot be read again");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::text_of(data, size);
  use(wire::decode_state(bytes));
  use(wire::decode_state(checkpoint_around(bytes)));
  return 0;
}
