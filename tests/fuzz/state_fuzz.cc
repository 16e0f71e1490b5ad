// A saved state whose checksum is right: what is inside may still be anything.
#include "emulsion/wire/state.h"
#include "fuzz/fuzz.h"
#include "numbers/soundness.h"

using namespace emulsion;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto state = wire::decode_state(fuzz::text_of(data, size));
  if (!state) return 0;
  state->stream = "radar";
  auto stream = service::Stream::restore("radar", testing::eager_options("gaussian(full)", 2), std::nullopt, std::move(*state));
  if (!stream) return 0;
  fuzz::require_none(testing::fault_of(*stream, {}));
  fuzz::require(wire::decode_state(wire::encode_state(stream->state())).has_value(), "a state that cannot be read again");
  return 0;
}
