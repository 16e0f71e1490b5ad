// A points message from the network: decoded, and learned where that is quick.
#include "emulsion/wire/convert.h"
#include "fuzz/fuzz.h"
#include "numbers/soundness.h"

using namespace emulsion;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static wire::Codec codec;
  const auto message = codec.view_points(fuzz::text_of(data, size));
  if (!message) {
    fuzz::require(!message.error().message.empty(), "refused without a reason");
    return 0;
  }
  constexpr Index kQuickDimension = 4;
  if (message->points.dimension() == 0 || message->points.dimension() > kQuickDimension) return 0;
  auto stream = service::Stream::make("radar", testing::eager_options("gaussian(full)", 2), std::nullopt);
  service::StreamOutput output;
  stream->take(*message, output);
  stream->flush(output);
  fuzz::require_none(testing::fault_of(*stream, output));
  return 0;
}
