// The components of a mixture in words.
//
//   formula    term + term + ...                 2*gaussian(full) + 1*exponential
//   term       [COUNT *] component               3*student_t; a component may stand in parentheses
//   component  factor * factor * ...             gaussian(full)[temperature,humidity] * poisson[count]
//   factor     family [columns]                  the coordinates of different factors are independent, given the component
//   family     NAME, or NAME(ARGUMENT)           a name of families.h; "-" is as good as "_"
//   columns    [COLUMN, COLUMN, ...]             the name of a coordinate, in quotes if need be, or its position from 0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "emulsion/points.h"
#include "emulsion/result.h"

namespace emulsion {

// Components that a mixture may have.
inline constexpr Index kMostComponents = 4096;

// Components of one family.
//   family  a name that find_family takes; columns are positions
struct MixtureTerm {
  Index components = 1;
  std::string family;
};

struct MixtureFormula {
  std::vector<MixtureTerm> terms;

  Index components() const;
  std::string text() const;  // that parse_formula takes
};

// One factor of a component.
//   columns  positions of its coordinates; empty: all there are
struct FamilyFactor {
  std::string family;  // without columns, as the registry knows it
  std::vector<Index> columns;
};

// Reads a formula. Whether its families exist and suit the points is for the caller to find out.
//   columns     names of the coordinates; x0, x1, ... are always understood
//   components  of a formula that is a single term without a count
// Errors: no formula; says where, and what was expected.
Result<MixtureFormula> parse_formula(std::string_view text, const std::vector<std::string>& columns = {}, Index components = 1);

// Reads one component, such as the name of a product family.
// Errors: as above.
Result<std::vector<FamilyFactor>> parse_component(std::string_view text, const std::vector<std::string>& columns = {});

// The canonical name of a component, which parse_component takes: "gaussian(full)[0,1]*poisson[2]".
std::string component_name(const std::vector<FamilyFactor>& factors);

}  // namespace emulsion
