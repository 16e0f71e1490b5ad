// A model in a file: what `emulsion fit --output` and `emulsion model --json` write, and what people write by hand.
//
// The format is that of model_json.h; keys that a model does not have are no fault.
#pragma once

#include <string>
#include <vector>

#include "emulsion/snapshot.h"
#include "emulsion/wire/messages.h"

namespace emulsion::client {

// A model and the names of its coordinates (d, or none).
struct NamedModel {
  Snapshot snapshot;
  std::vector<std::string> columns;
};

// Reads a file, or standard input if the path is "-".
// Errors: the file cannot be read; it is no model, with the place of what is wrong in it.
Result<NamedModel> read_model(const std::string& path);

// The model as one JSON object, without a line feed.
std::string model_as_json(const NamedModel& model);

// The same as a message, for tables.
wire::ModelMessage model_message(const NamedModel& model);

// The mixture that a given model starts `formula` with. A component of another family than the formula has there is put
// where the model's is, and made as wide along each coordinate as that one.
// Errors: another dimension, or another number of components; parameters that are no distribution.
Result<std::shared_ptr<const Mixture>> starting_mixture(const Snapshot& model, const MixtureFormula& formula, Index dimension);

}  // namespace emulsion::client
