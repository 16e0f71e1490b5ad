// A user's own family as a Family like any other, with a guard around every call into it.
//
// The user's code may throw or give numbers that are not finite. Nothing of that gets out: the bank's statistics, or the
// outcome of an M-step, carry a `failure` that names the family, what failed and on which numbers, and the update is
// refused (mixture.h). The laws of family.h hold.
//
// Statistics of a component: its weight, and the mean of statistics(point), which is what merges and fades. Parameters: the
// parts one after another, as parameters() names them. A point with some of its coordinates missing is refused; one with
// none of them, as a factor of a product can meet it, counts with the component's expected statistics.
#pragma once

#include <memory>

#include "emulsion/custom_family.h"
#include "emulsion/family.h"

namespace emulsion {

// Errors: its name() or one of its functions fails where it is tried: in the fewest dimensions that it takes, at a point
// that why_not() accepts. Names the family.
Result<std::unique_ptr<const Family>> make_custom_family(std::unique_ptr<const CustomFamily> custom);

}  // namespace emulsion
