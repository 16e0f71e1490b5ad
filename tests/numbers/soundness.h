// What must hold of every model, whatever its points were.
#pragma once

#include <string>
#include <vector>

#include "daemon/stream.h"
#include "emulsion/mixture.h"

namespace emulsion::testing {

// What is wrong with a mixture; empty if nothing is. Its parameters must be finite and those of distributions, so that
// covariances are positive definite, and its weights >= 0 with sum 1 within 1e-12.
std::string fault_of(const Mixture& mixture);

// The same of the model of a stream, if it has one, and of what it says of points: densities that are numbers, and
// responsibilities >= 0 with sum 1 within 1e-12.
std::string fault_of(const service::Stream& stream, const service::StreamOutput& output);

// Options under which a stream soon has a model, and says all it can.
service::StreamOptions eager_options(const std::string& family, Index components);

}  // namespace emulsion::testing
