// A model that people write by hand. What is accepted is a model, and can be printed and read again.
#include "emulsion/snapshot.h"
#include "emulsion/wire/model.h"
#include "emulsion/wire/model_json.h"
#include "fuzz/fuzz.h"

using namespace emulsion;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto message = wire::model_from_json(fuzz::text_of(data, size));
  if (!message) return 0;
  const auto snapshot = wire::to_snapshot(*message);
  fuzz::require(snapshot.has_value(), "a model that is accepted and is none");
  if (snapshot->dimension <= 16) fuzz::require(mixture_of(*snapshot).has_value(), "a model that is accepted and is no mixture");
  fuzz::require(wire::model_from_json(wire::to_json(*message)).has_value(), "what was printed is not accepted");
  return 0;
}
