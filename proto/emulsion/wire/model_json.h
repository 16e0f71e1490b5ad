// Models as JSON for people: what `emulsion model --json` prints, and what `init` reads.
//
//   {"stream": "radar", "version": 42, "dimension": 2, "points": 1000000, "effective_sample_size": 512.5,
//    "mean_log_likelihood": -3.25, "components": [
//      {"id": 1, "family": "gaussian(full)", "weight": 1, "effective_sample_size": 512.5, "starved": false, "parents":
//      [],
//       "parameters": {"mean": [0.1, 5], "covariance": [[2, 0.5], [0.5, 3]]}}]}
//
// `points` are those that the model has learned from. `parameters` has the parts of the family's layout: a number, a list
// with one for each coordinate, or a whole d x d matrix, as `covariance` is for every Gaussian family. The parts of a
// product stand below the names of its factors. `columns` follows where the coordinates have names. Numbers are printed
// with as many digits as they need to be read back exactly; one that is not finite is null.
#pragma once

#include <string>
#include <string_view>

#include "emulsion/result.h"
#include "emulsion/wire/messages.h"

namespace emulsion::wire {

// One line, without a line feed. The keys stand in the order above.
std::string to_json(const ModelMessage& message);

// Reads what to_json writes, and what people write by hand: a component needs a weight and its family's parameters, which
// may stand in `parameters` or in the component itself. The family is gaussian(full), ids count from 1, and everything
// else is 0 unless it is given; keys that are not known are ignored.
// Errors: text that is not JSON, with its line; a value that is missing, of another type, or out of its range, with its
// place, as in `components[1].parameters.covariance: 2 x 3, expected 2 x 2`; weights that do not sum to 1 within 1e-6;
// a family that does not exist; a covariance that is not symmetric, not positive definite, or not of the shape that its
// family has; other parameters that are no distribution.
Result<ModelMessage> model_from_json(std::string_view text);

}  // namespace emulsion::wire
