// plot.py as a text; CMake puts it in.
#pragma once

namespace emulsion::client {

extern const char* const kPlotScript;

}  // namespace emulsion::client
