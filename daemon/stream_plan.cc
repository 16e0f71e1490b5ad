// What the streams of one section are made from.
#include <algorithm>
#include <set>

#include "daemon/option_table.h"
#include "daemon/stream.h"
#include "emulsion/family.h"

namespace emulsion::service {
namespace {

// The least number of coordinates that every family of the mixture has; 1 if there is none, which is then told as a fault.
Index suitable_dimension(const std::vector<const Family*>& families) {
  constexpr Index kMost = 1024;
  for (Index dimension = 1; dimension <= kMost; ++dimension)
    if (std::all_of(families.begin(), families.end(), [&](const Family* family) { return family->check_dimension(dimension).has_value(); }))
      return dimension;
  return 1;
}

// What else a restored state is compared with, or what makes no difference to the statistics.
const std::set<std::string_view> kNotInConfiguration{"components", "covariance", "mixture", "columns", "dimension", "init", "threads"};

std::string configuration_of(const StreamOptions& options, const MixtureFormula& formula) {
  std::string text = "mixture = " + formula.text() + "\n";
  for (const auto& option : stream_options())
    if (option.reload == Reload::restart && !kNotInConfiguration.contains(option.key))
      for (const std::string& value : option.print(options)) text += option.key + " = " + value + "\n";
  return text;
}

}  // namespace

Result<std::shared_ptr<const StreamPlan>> StreamPlan::make(const StreamOptions& options, std::optional<Snapshot> initial_model) {
  auto plan = std::make_shared<StreamPlan>();
  plan->options_ = options;
  StreamOptions& own = plan->options_;
  if (initial_model) own.learner.mixture = formula_of(*initial_model).text();
  if (own.dimension == 0) own.dimension = static_cast<Index>(own.columns.size());
  if (initial_model && own.dimension > 0 && initial_model->dimension != own.dimension)
    return fail("the initial model has dimension " + std::to_string(initial_model->dimension) + ", the configuration says " +
                std::to_string(own.dimension));
  const auto learner = LearnerPlan::make(own.learner);
  if (!learner) return fail(learner.error().message);
  plan->learner_ = *learner;
  plan->configuration_ = configuration_of(own, (*learner)->formula());
  plan->initial_model_ = std::move(initial_model);
  // Where the dimension is still open, one that suits stands in, so that bad options are found now and not with the first
  // message.
  const Index dimension = plan->dimension();
  if (const auto started = plan->start_learner(dimension > 0 ? dimension : suitable_dimension((*learner)->families()), 1); !started)
    return fail(started.error().message);
  return plan;
}

Result<Learner> StreamPlan::start_learner(Index dimension, std::uint64_t first_component_id) const {
  return initial_model_ ? Learner::start_from(learner_, *initial_model_, first_component_id)
                        : Learner::make(learner_, dimension, first_component_id);
}

Index StreamPlan::dimension() const { return initial_model_ ? initial_model_->dimension : options_.dimension; }

}  // namespace emulsion::service
