// A model of the library as a message, and back.
#pragma once

#include "emulsion/learner.h"
#include "emulsion/result.h"
#include "emulsion/wire/messages.h"

namespace emulsion::wire {

// The stream's name, sources, columns and numbering are left for the publisher to fill. Requires families that exist.
ModelMessage to_message(const Snapshot& snapshot);

// Errors: a family that does not exist or does not suit the dimension, parts or sizes that are not the family's; names
// the component.
Result<Snapshot> to_snapshot(const ModelMessage& message);

}  // namespace emulsion::wire
