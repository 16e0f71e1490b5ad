// What comes over an acknowledged input, and what its producers hear. What is accepted can be written, and read again to the same.
#include "emulsion/wire/convert.h"
#include "fuzz/fuzz.h"

using namespace emulsion;

namespace {

template <typename Decode>
void check_again(wire::Codec& codec, std::string_view payload, const Decode& decode) {
  const auto message = decode(payload);
  if (!message) {
    fuzz::require(!message.error().message.empty(), "refused without a reason");
    return;
  }
  const std::string written = codec.encode(*message);
  const auto again = decode(written);
  fuzz::require(again && codec.encode(*again) == written, "what was written is read as something else");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static wire::Codec codec;
  if (size == 0) return 0;
  const std::string_view payload = fuzz::text_of(data + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      check_again(codec, payload, [](std::string_view bytes) { return codec.decode_hello(bytes); });
      break;
    case 1:
      check_again(codec, payload, [](std::string_view bytes) { return codec.decode_acknowledgement(bytes); });
      break;
    default:
      // Refused points take their turn as far as it can be read whose they are.
      if (!codec.view_points(payload)) (void)codec.refused_points();
  }
  return 0;
}
