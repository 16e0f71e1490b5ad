#include "clients/model_file.h"

#include "emulsion/families.h"
#include "emulsion/wire/model.h"
#include "emulsion/wire/model_json.h"
#include "emulsion/wire/text_file.h"

namespace emulsion::client {
namespace {

// Each component of `from`, positions [first, first + term.components), as one of the term's family.
Result<std::shared_ptr<const Bank>> converted(const Mixture& from, Index first, const MixtureTerm& term, const Family& family) {
  Eigen::MatrixXd means(from.dimension(), from.size());
  Eigen::MatrixXd variances(from.dimension(), from.size());
  Index at = 0;
  for (const auto& bank : from.banks()) {
    means.middleCols(at, bank->size()) = bank->means();
    variances.middleCols(at, bank->size()) = bank->variances();
    at += bank->size();
  }
  Eigen::MatrixXd parameters;
  for (Index k = 0; k < term.components; ++k) {
    const Eigen::MatrixXd packed = family.place(means.col(first + k), variances.col(first + k))->pack();
    if (k == 0) parameters.resize(packed.rows(), term.components);
    parameters.col(k) = packed;
  }
  auto bank = family.unpack(parameters, from.dimension());
  if (bank) return bank;
  // A family whose components share a parameter, such as the tied covariance, has one for all.
  const auto weights = from.weights().segment(first, term.components);
  const Eigen::VectorXd shared = variances.middleCols(first, term.components) * weights / weights.sum();
  return family.place(means.middleCols(first, term.components), shared);
}

}  // namespace

Result<NamedModel> read_model(const std::string& path) {
  const auto text = wire::read_file_or_input(path);
  if (!text) return fail(path + ": " + text.error().message);
  if (text->empty()) return fail(path + ": is empty");
  const auto message = wire::model_from_json(*text);
  if (!message) return fail(path + ": " + message.error().message);
  auto snapshot = wire::to_snapshot(*message);
  if (!snapshot) return fail(path + ": " + snapshot.error().message);
  if (const auto mixture = mixture_of(*snapshot); !mixture) return fail(path + ": " + mixture.error().message);
  return NamedModel{std::move(*snapshot), message->columns};
}

wire::ModelMessage model_message(const NamedModel& model) {
  wire::ModelMessage message = wire::to_message(model.snapshot);
  message.columns = model.columns;
  return message;
}

std::string model_as_json(const NamedModel& model) { return wire::to_json(model_message(model)); }

Result<std::shared_ptr<const Mixture>> starting_mixture(const Snapshot& model, const MixtureFormula& formula, Index dimension) {
  const auto words = [](Index count, const char* what) { return std::to_string(count) + " " + what + (count == 1 ? "" : "s"); };
  if (model.dimension != dimension)
    return fail("the model has " + words(model.dimension, "coordinate") + ", the points have " + std::to_string(dimension));
  const auto count = static_cast<Index>(model.components.size());
  if (count != formula.components())
    return fail("the model has " + words(count, "component") + ", the mixture has " + std::to_string(formula.components()));
  if (formula_of(model).text() == formula.text()) return mixture_of(model, formula);

  const auto given = mixture_of(model);
  if (!given) return given;
  std::vector<std::shared_ptr<const Bank>> banks;
  Index first = 0;
  for (const MixtureTerm& term : formula.terms) {
    Snapshot part = model;
    part.components.assign(model.components.begin() + first, model.components.begin() + first + term.components);
    const auto family = find_family(term.family);
    if (!family) return fail(family.error().message);
    const MixtureFormula one{{term}};
    if (formula_of(part).text() == one.text()) {
      const auto same = mixture_of(part, one);
      if (!same) return same;
      banks.push_back((*same)->banks().front());
    } else {
      auto bank = converted(**given, first, term, **family);
      if (!bank) return fail(bank.error().message);
      banks.push_back(std::move(*bank));
    }
    first += term.components;
  }
  return std::make_shared<const Mixture>(std::move(banks), (*given)->weights());
}

}  // namespace emulsion::client
