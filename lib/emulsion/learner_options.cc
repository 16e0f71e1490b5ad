#include "emulsion/learner_options.h"

#include "emulsion/families.h"

namespace emulsion {

Result<MixtureFormula> formula_of(const LearnerOptions& options) {
  MixtureFormula formula{{{options.components, options.family}}};
  if (!options.mixture.empty()) {
    auto parsed = parse_formula(options.mixture, {}, options.components);
    if (!parsed) return parsed;
    formula = std::move(*parsed);
  }
  if (formula.components() < 1 || formula.components() > kMostComponents)
    return fail("components: " + std::to_string(formula.components()) + ", expected 1 to " + std::to_string(kMostComponents));
  for (MixtureTerm& term : formula.terms) {
    const auto family = find_family(term.family);
    if (!family) return fail(family.error().message);
    term.family = (*family)->name();
  }
  // Neighbours of one family are one bank: they share what its components share, such as a tied covariance.
  MixtureFormula merged;
  for (const MixtureTerm& term : formula.terms) {
    if (!merged.terms.empty() && merged.terms.back().family == term.family)
      merged.terms.back().components += term.components;
    else
      merged.terms.push_back(term);
  }
  return merged;
}

}  // namespace emulsion
