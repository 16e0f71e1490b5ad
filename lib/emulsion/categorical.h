// Components whose coordinates are categories 0, 1, ..., C - 1, each with a probability of its own.
//
// Statistics of a component: weight, and as moments its proportions of categories, C for each coordinate, coordinate by
// coordinate. Parameters are packed in the same order: `probabilities`.
#pragma once

#include <memory>
#include <string_view>

#include "emulsion/family.h"

namespace emulsion {

// The family "categorical(C)".
//   categories  C in words: a whole number from 2 to 1024
// Errors: any other words; says what was expected.
Result<std::unique_ptr<const Family>> make_categorical_family(std::string_view categories);

}  // namespace emulsion
