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
  // A poor first model is as good as any here, and soon there.
  static const service::Stream::Plan plan = [] {
    auto options = testing::eager_options("gaussian(full)", 2);
    options.learner.seed.restarts = 1;
    options.learner.seed.passes = 2;
    return service::StreamPlan::make(options, std::nullopt).value();
  }();
  auto stream = service::Stream::make("radar", plan);
  service::StreamOutput output;
  stream.take(*message, output);
  stream.flush(output);
  fuzz::require_none(testing::fault_of(stream, output));
  return 0;
}
