#include "emulsion/snapshot.h"

#include <cmath>

#include "emulsion/families.h"

namespace emulsion {
namespace {

// The moments that so many points (K) of these components would leave. As far as they are noise they count for nothing but
// the range, which is that of points spread evenly with the components' means and variances.
CoordinateMoments coordinate_moments_of(const Mixture& mixture, const Eigen::VectorXd& points) {
  Eigen::MatrixXd means(mixture.dimension(), mixture.size());
  Eigen::MatrixXd variances(mixture.dimension(), mixture.size());
  Eigen::VectorXd weights = points;
  Index first = 0;
  for (const auto& bank : mixture.banks()) {
    means.middleCols(first, bank->size()) = bank->means();
    variances.middleCols(first, bank->size()) = bank->variances();
    if (bank->family().is_noise()) weights.segment(first, bank->size()).setZero();
    first += bank->size();
  }
  if (!(weights.sum() > 0)) weights = points;
  const double total = weights.sum();
  CoordinateMoments moments;
  moments.weight = Eigen::VectorXd::Constant(mixture.dimension(), total);
  moments.mean = means * weights / total;
  const Eigen::MatrixXd shifts = means.colwise() - moments.mean;
  moments.squares = (variances + shifts.cwiseAbs2()) * weights;
  const Eigen::MatrixXd reach = (3 * variances).cwiseSqrt();
  moments.lowest = (means - reach).rowwise().minCoeff();
  moments.highest = (means + reach).rowwise().maxCoeff();
  return moments;
}

}  // namespace

MixtureFormula formula_of(const Snapshot& model) {
  MixtureFormula formula;
  for (const ComponentSnapshot& component : model.components) {
    if (formula.terms.empty() || formula.terms.back().family != component.family) formula.terms.push_back({0, component.family});
    ++formula.terms.back().components;
  }
  return formula;
}

Result<std::shared_ptr<const Mixture>> mixture_of(const Snapshot& model) {
  MixtureFormula formula = formula_of(model);
  for (const MixtureTerm& term : formula.terms) {
    const auto family = find_family(term.family);
    if (!family) return fail(family.error().message);
    if (const auto checked = (*family)->check_dimension(model.dimension); !checked) return fail(checked.error().message);
  }
  return mixture_of(model, formula);
}

Result<std::shared_ptr<const Mixture>> mixture_of(const Snapshot& model, const MixtureFormula& formula) {
  if (static_cast<Index>(model.components.size()) != formula.components())
    return fail("the model has " + std::to_string(model.components.size()) + " components, expected " +
                std::to_string(formula.components()));
  std::vector<std::shared_ptr<const Bank>> banks;
  Eigen::VectorXd weights(formula.components());
  Index k = 0;
  for (const MixtureTerm& term : formula.terms) {
    Eigen::MatrixXd parameters;
    for (Index of_term = 0; of_term < term.components; ++of_term, ++k) {
      const ComponentSnapshot& component = model.components[static_cast<std::size_t>(k)];
      const std::string place = "component " + std::to_string(k + 1) + ": ";
      if (component.family != term.family) return fail(place + "family " + component.family + ", expected " + term.family);
      if (!(component.weight > 0) || !std::isfinite(component.weight)) return fail(place + "weight is not a finite number > 0");
      if (of_term == 0) parameters.resize(component.parameters.size(), term.components);
      if (component.parameters.size() != parameters.rows())
        return fail(place + "its parameters are not as many as those of component " + std::to_string(k - of_term + 1));
      parameters.col(of_term) = component.parameters;
      weights[k] = component.weight;
    }
    auto bank = (*find_family(term.family))->unpack(parameters, model.dimension);
    if (!bank) return fail(bank.error().message);
    banks.push_back(std::move(*bank));
  }
  return std::make_shared<const Mixture>(std::move(banks), weights / weights.sum());
}

Snapshot snapshot_of(const Mixture& mixture) {
  Snapshot snapshot;
  snapshot.dimension = mixture.dimension();
  Index position = 0;
  for (const auto& bank : mixture.banks()) {
    const Eigen::MatrixXd parameters = bank->pack();
    const Eigen::MatrixXd means = bank->means();
    const Eigen::MatrixXd variances = bank->variances();
    for (Index k = 0; k < bank->size(); ++k, ++position) {
      ComponentSnapshot component;
      component.id = static_cast<std::uint64_t>(position) + 1;
      component.family = bank->family().name();
      component.weight = mixture.weights()[position];
      component.parameters = parameters.col(k);
      component.means = means.col(k);
      component.variances = variances.col(k);
      snapshot.components.push_back(std::move(component));
    }
  }
  return snapshot;
}

Statistics expected_statistics(const Mixture& mixture, const Eigen::VectorXd& points) {
  Statistics statistics = mixture.empty_statistics();
  Index first = 0;
  for (std::size_t b = 0; b < statistics.banks.size(); ++b) {
    const Bank& bank = *mixture.banks()[b];
    statistics.banks[b] = bank.family().expected(bank, points.segment(first, bank.size()));
    first += bank.size();
  }
  statistics.coordinates = coordinate_moments_of(mixture, points);
  statistics.weight = points.sum();
  return statistics;
}

}  // namespace emulsion
