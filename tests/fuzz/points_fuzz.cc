// A points message from the network: decoded, and learned where that is quick. Most streams begin with a model; one in 16, by
// the last byte, looks for its own.
#include <array>

#include "emulsion/scatter.h"
#include "emulsion/snapshot.h"
#include "emulsion/wire/convert.h"
#include "fuzz/fuzz.h"
#include "numbers/soundness.h"

using namespace emulsion;

namespace {

constexpr Index kQuickDimension = 4;
constexpr Index kComponents = 2;

service::StreamOptions options() {
  service::StreamOptions options = testing::eager_options("gaussian(full)", kComponents);
  // A poor first model is as good as any here, and soon there.
  options.learner.seed.restarts = 1;
  options.learner.seed.passes = 2;
  return options;
}

// Components of variance 1 along each coordinate, at 0 and at 1.
service::Stream::Plan plan_with_model(Index dimension) {
  Snapshot model{.dimension = dimension};
  for (Index k = 0; k < kComponents; ++k) {
    ComponentSnapshot component{.family = "gaussian(full)", .weight = 1.0 / kComponents};
    component.parameters.resize(dimension + triangle(dimension));
    component.parameters << Eigen::VectorXd::Constant(dimension, static_cast<double>(k)),
        pack_triangle(Eigen::MatrixXd::Identity(dimension, dimension));
    model.components.push_back(component);
  }
  return service::StreamPlan::make(options(), model).value();
}

const service::Stream::Plan& plan_for(Index dimension, bool with_model) {
  static const service::Stream::Plan without = service::StreamPlan::make(options(), std::nullopt).value();
  static const std::array<service::Stream::Plan, kQuickDimension> with{plan_with_model(1), plan_with_model(2), plan_with_model(3), plan_with_model(4)};
  return with_model ? with[static_cast<std::size_t>(dimension - 1)] : without;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static wire::Codec codec;
  const auto message = codec.view_points(fuzz::text_of(data, size));
  if (!message) {
    fuzz::require(!message.error().message.empty(), "refused without a reason");
    return 0;
  }
  const Index dimension = message->points.dimension();
  if (dimension == 0 || dimension > kQuickDimension) return 0;
  auto stream = service::Stream::make("radar", plan_for(dimension, data[size - 1] % 16 != 0));
  service::StreamOutput output;
  stream.take(*message, output);
  stream.flush(output);
  fuzz::require_none(testing::fault_of(stream, output));
  return 0;
}
