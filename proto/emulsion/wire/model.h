// A model of the library as a message, and back.
#pragma once

#include "emulsion/learner.h"
#include "emulsion/result.h"
#include "emulsion/wire/messages.h"

namespace emulsion::wire {

// The stream's name, sources and numbering are left for the publisher to fill.
ModelMessage to_message(const Snapshot& snapshot);

// Errors: sizes that do not fit the dimension; names the component.
Result<Snapshot> to_snapshot(const ModelMessage& message);

}  // namespace emulsion::wire
