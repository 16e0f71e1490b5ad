// The rows of [defaults] and [stream.NAME].
#include "daemon/option_endpoints.h"
#include "daemon/option_table.h"
#include "daemon/option_values.h"

namespace emulsion::service {
namespace {

using Row = Option<StreamOptions>;

template <typename Access, typename Form>
Row option(const char* key, Access access, const Form& form, Reload reload, const char* help) {
  return make_option<StreamOptions>(key, access, form, reload, help);
}

std::vector<Row> model_options() {
  return {
      option(
          "components", [](auto& o) -> auto& { return o.learner.components; },
          whole_number_in<Index>({.low = 1, .high = 4096}), Reload::restart,
          "Number of clusters. Too few join clusters, too many split them."),
      option(
          "covariance", [](auto& o) -> auto& { return o.learner.family; },
          one_of<std::string>({{"full", "gaussian(full)"},
                               {"diagonal", "gaussian(diagonal)"},
                               {"spherical", "gaussian(spherical)"},
                               {"tied", "gaussian(tied)"}}),
          Reload::restart,
          "Shape of a cluster. full: any ellipsoid. diagonal: along the axes, for many coordinates. spherical: a "
          "ball. tied: one ellipsoid shared by all."),
      option(
          "mixture", [](auto& o) -> auto& { return o.mixture; }, free_text("a formula, or nothing"), Reload::restart,
          "Clusters of several families, such as 2*gaussian(full) + 1*uniform, or gaussian(full)[0,1] * poisson[2] for "
          "data of mixed kinds; without a count, components of it. Empty: as components and covariance say."),
      option(
          "columns", [](auto& o) -> auto& { return o.columns; }, name_list(), Reload::restart,
          "Names of the coordinates, for the formula and for those who look at the model. Empty: x0, x1, ..."),
      option(
          "assignment", [](auto& o) -> auto& { return o.learner.assignment; },
          one_of<Assignment>({{"soft", Assignment::soft}, {"hard", Assignment::hard}}), Reload::restart,
          "How a point is given to clusters. soft: by its probabilities (EM). hard: whole, to the most probable "
          "one, which sharpens and biases the clusters."),
      option(
          "dimension", [](auto& o) -> auto& { return o.dimension; },
          whole_number_in<Index>({.low = 0, .high = 1024, .unit = "coordinates"}), Reload::restart,
          "Coordinates of a point; rows of any other number are refused. 0: as many as columns, or those of the first "
          "message."),
      option(
          "missing", [](auto& o) -> auto& { return o.missing; },
          one_of<MissingPolicy>({{"learn", MissingPolicy::learn}, {"refuse", MissingPolicy::refuse}}), Reload::applies,
          "What is done with a row where a coordinate is NaN. learn: it is learned from its other coordinates. "
          "refuse: the row is refused and counted."),
      option(
          "init", [](auto& o) -> auto& { return o.init; }, free_text("a path, or nothing"), Reload::restart,
          "A model to start from, as emulsion fit -o writes it or emulsion model --json prints it; its path, from the "
          "working directory if relative. It says what the clusters are, before mixture, components and covariance. "
          "Empty: the first points seed the model."),
  };
}

std::vector<Row> learning_options() {
  return {
      option(
          "batch_points", [](auto& o) -> auto& { return o.learner.batch_points; },
          whole_number_in<Index>({.low = 1, .high = 1'048'576, .unit = "points"}), Reload::restart,
          "The model is updated after so many points. Fewer follow faster and cost more."),
      option(
          "batch_seconds", [](auto& o) -> auto& { return o.learner.batch_seconds; },
          number_in({.low = 0, .unit = "seconds"}), Reload::restart,
          "For slow streams: the model is also updated before a point that is so much later than the first since "
          "the update, by the points' own timestamps. 0: never."),
      option(
          "step", [](auto& o) -> auto& { return o.learner.step.kind; },
          one_of<StepKind>({{"power-law", StepKind::power_law},
                            {"constant", StepKind::constant},
                            {"half-life", StepKind::half_life},
                            {"cumulative", StepKind::cumulative}}),
          Reload::restart,
          "How old points are forgotten. power-law: ever more slowly. constant: at one rate, the step size. "
          "half-life: at one rate, in points or in time. cumulative: never."),
      option(
          "step_exponent", [](auto& o) -> auto& { return o.learner.step.exponent; },
          number_in({.low = 0.5, .high = 1, .low_open = true}), Reload::restart,
          "With step = power-law: the step of point t is (t + offset)^-exponent. Near 0.5 follows change quickly "
          "and noisily; 1 averages all history."),
      option(
          "step_offset_points", [](auto& o) -> auto& { return o.learner.step.offset_points; },
          number_in({.low = 0, .unit = "points"}), Reload::restart,
          "With step = power-law: the offset. Larger is slower at the start. 0: as fits the seed."),
      option(
          "step_size", [](auto& o) -> auto& { return o.learner.step.size; },
          number_in({.low = 0, .high = 1, .low_open = true, .high_open = true}), Reload::restart,
          "With step = constant: the step of one point; about the last 1 / step_size points count."),
      option(
          "half_life_points", [](auto& o) -> auto& { return o.learner.step.half_life_points; },
          number_in({.low = 0, .unit = "points"}), Reload::restart,
          "With step = half-life: after so many further points a point counts half. 0: half_life_seconds decides."),
      option(
          "half_life_seconds", [](auto& o) -> auto& { return o.learner.step.half_life_seconds; },
          number_in({.low = 0, .unit = "seconds"}), Reload::restart,
          "With step = half-life: after so much time, by the points' own timestamps, a point counts half. 0: "
          "half_life_points decides. Only one of the two may be above 0."),
      option(
          "averaging", [](auto& o) -> auto& { return o.learner.averaging; }, truth(), Reload::restart,
          "Publish and label with the average of all updates, which is smoother on a steady stream and slower on a "
          "moving one."),
      option(
          "starved_below_points", [](auto& o) -> auto& { return o.learner.starved_below_points; },
          number_in({.low = 0, .unit = "points"}), Reload::restart,
          "A cluster that counts fewer points, after forgetting, keeps its parameters and is reported as starved."),
      option(
          "threads", [](auto& o) -> auto& { return o.learner.threads; },
          whole_number_in<int>({.low = 1, .high = 256, .unit = "threads"}), Reload::restart,
          "Threads that share the work of one update. The result does not depend on it."),
  };
}

std::vector<Row> seed_and_prior_options() {
  return {
      option(
          "seed_points", [](auto& o) -> auto& { return o.learner.seed.points; },
          whole_number_in<Index>({.low = 0, .unit = "points"}), Reload::restart,
          "Points that are collected before the first model. More start better and later. 0: the larger of "
          "50 * components and 10 * components * (coordinates + 1)."),
      option(
          "seed_restarts", [](auto& o) -> auto& { return o.learner.seed.restarts; },
          whole_number_in<Index>({.low = 1, .high = 1000, .unit = "starts"}), Reload::restart,
          "Starts that are tried on the collected points; the most likely one is kept."),
      option(
          "seed_passes", [](auto& o) -> auto& { return o.learner.seed.passes; },
          whole_number_in<Index>({.low = 1, .high = 1000, .unit = "passes"}), Reload::restart,
          "EM passes over the collected points for each start."),
      option(
          "random_seed", [](auto& o) -> auto& { return o.learner.seed.random_seed; },
          whole_number_in<std::uint64_t>({.low = 0}), Reload::restart,
          "Seed of the random numbers: the same points and the same number give the same model."),
      option(
          "prior_points", [](auto& o) -> auto& { return o.learner.prior.covariance_points; },
          number_in({.low = 0, .unit = "points"}), Reload::restart,
          "Weight of the prior covariance, which keeps a cluster from collapsing onto equal points. 0: maximum "
          "likelihood, without that protection."),
      option(
          "prior_fraction", [](auto& o) -> auto& { return o.learner.prior.covariance_fraction; },
          number_in({.low = 0, .low_open = true}), Reload::restart,
          "The prior covariance as a fraction of the stream's own variances. Larger keeps clusters wider."),
      option(
          "prior_weight_points", [](auto& o) -> auto& { return o.learner.prior.weight_points; },
          number_in({.low = 0, .unit = "points"}), Reload::restart,
          "Points that every cluster is thought to have seen already, in its weight only."),
  };
}

std::vector<Row> publishing_options() {
  return {
      option(
          "publish_responsibilities", [](auto& o) -> auto& { return o.publish_responsibilities; }, truth(),
          Reload::applies,
          "Publish the probability of every cluster with each label: components numbers more for each point."),
      option(
          "model_interval_seconds", [](auto& o) -> auto& { return o.model_interval_seconds; },
          number_in({.low = 0, .high = 86400, .unit = "seconds"}), Reload::applies,
          "Shortest time between two published models. 0: every version is published."),
      option(
          "max_producers", [](auto& o) -> auto& { return o.max_producers; },
          whole_number_in<Index>({.low = 1, .high = 1'000'000, .unit = "producers"}), Reload::applies,
          "Producers that are told apart; messages of further ones are refused."),
  };
}

}  // namespace

const std::vector<Option<StreamOptions>>& stream_options() {
  static const auto options = [] {
    std::vector<Row> rows;
    for (const auto& group : {model_options(), learning_options(), seed_and_prior_options(), publishing_options()}) {
      rows.insert(rows.end(), group.begin(), group.end());
    }
    return rows;
  }();
  return options;
}

}  // namespace emulsion::service
