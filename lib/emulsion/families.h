// The registry of families.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "emulsion/family.h"

namespace emulsion {

// The family of that name, such as "gaussian(full)", "categorical(4)" or "gaussian(full)[0,1]*poisson[2]": a component as
// formula.h writes it. Its name() is the canonical one. Lives as long as the program. Thread-safe.
// Errors: no such name; says which there are.
Result<const Family*> find_family(std::string_view name);

// Why none of these families can have given a point (d coordinates, finite or NaN = missing), each reason once, after the name of
// its family; nothing if one can.
std::optional<std::string> refusal_by_all(std::span<const Family* const> families, std::span<const double> point);

// Makes a further family known by its name. Thread-safe.
// Errors: the name is taken, or is none that a formula can hold.
Result<void> register_family(std::unique_ptr<const Family> family);

// Names of all families that stand alone, in the order of the registry, those with an argument as "categorical(N)";
// registered ones last.
std::vector<std::string> family_names();

}  // namespace emulsion
