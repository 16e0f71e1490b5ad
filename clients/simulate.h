// `emulsion simulate`: points with known truth, to standard output or to a daemon.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "clients/failure.h"
#include "clients/point_writer.h"
#include "clients/scenario.h"

namespace emulsion::client {

// Where points go, in their order.
using PointSink = std::function<Attempt<void>(const LabelledPoints&)>;

// Draws the rest of a scenario's points, in blocks, and gives them to the sink. Ends early when interrupted.
//   truth        one JSON line for each moment:
//   {"t":0,"components":[{"label":0,"weight":..,"mean":[..],"covariance":[[..],..]}]}
//                where t counts points; first, last, and every `truth_every` points of a moving scenario. Null: nowhere
//   truth_every  >= 1
// Errors: those of the sink; `truth` cannot be written.
Attempt<void> simulate(Scenario& scenario, std::ostream* truth, std::uint64_t truth_every, const PointSink& sink);

// A sink that writes points as text, CSV with a header. Errors: the stream cannot be written.
PointSink text_sink(std::ostream& out, PointText form, bool labels);

// The subcommand.
int run_simulate(const std::vector<std::string>& arguments);

}  // namespace emulsion::client
