// The drawing itself, which matplotlib does in a process of its own.
#pragma once

#include <string>

#include "clients/failure.h"

namespace emulsion::client {

// Runs plot.py, which is part of this program, on a document (plot_document.h): with /usr/bin/python3, or the interpreter
// that EMULSION_PYTHON names. Returns when every picture is on disk.
// Errors: kUnavailable: no interpreter, or one without matplotlib; says how to get it. kCannotCreate: a picture cannot be
// written; kInterrupted; kInternal: the script failed otherwise.
Attempt<void> draw(const std::string& document);

}  // namespace emulsion::client
