// Components whose coordinates fall into independent groups: density(x) = product over the factors of density(x there).
//
// Statistics and parameters are those of the factors, one below the other, and so are the parts of the layout, whose names
// begin with the factor: "gaussian(full)[0,1].mean". All factors of a component share its responsibilities, and thus its
// weight.
#pragma once

#include <memory>
#include <vector>

#include "emulsion/family.h"

namespace emulsion {

// One factor and the positions of its coordinates.
struct ProductFactor {
  const Family* family = nullptr;
  std::vector<Index> columns;
};

// Errors: a factor without columns beside others; a column in two factors, or below the highest one and in none.
Result<std::unique_ptr<const Family>> make_product_family(std::vector<ProductFactor> factors);

}  // namespace emulsion
