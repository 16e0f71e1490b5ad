// Noise: points that no other component expects, spread evenly over the range of the stream.
//
// Inside the range it is the uniform distribution. Outside of it the density is the same, so it is no distribution there; but
// a point that lies beyond the range so far is just one that nobody expects, and is noise until the range has grown to it.
//
// Statistics of a component: its weight, and no moments. The box is the range of all points that the stream has had, which
// does not fade, and is the same for all components. Parameters are packed as its lowest and then its highest corner.
// Source: Fraley & Raftery (1998), How many clusters? Which clustering method? Answers via model-based cluster analysis.
#pragma once

#include "emulsion/family.h"

namespace emulsion {

const Family& uniform();

}  // namespace emulsion
