#include "lib/learning.h"

namespace emulsion::testing {

Learner learner(const LearnerOptions& options, Index dimension) {
  auto made = Learner::make(options, dimension);
  if (!made) FAIL(made.error().message);
  return std::move(*made);
}

Snapshot model_of(const std::string& family, Shape shape, const std::vector<Gaussian>& components,
                  double effective_sample_size) {
  Snapshot model;
  model.dimension = components.front().mean.size();
  model.effective_sample_size = effective_sample_size;
  for (const Gaussian& g : components) {
    ComponentSnapshot& component = model.components.emplace_back();
    component.family = family;
    component.weight = static_cast<double>(g.weight);
    component.parameters = pack(shape, {g}).col(0);
  }
  return model;
}

Learner started(const LearnerOptions& options, const Snapshot& model) {
  auto made = Learner::start_from(options, model);
  if (!made) FAIL(made.error().message);
  return std::move(*made);
}

void append(Learned& all, const Learned& more) {
  const auto extend = [](auto& into, const auto& from) { into.insert(into.end(), from.begin(), from.end()); };
  extend(all.labels.components, more.labels.components);
  extend(all.labels.log_densities, more.labels.log_densities);
  extend(all.labels.responsibilities, more.labels.responsibilities);
  for (const Labels::Span& span : more.labels.spans) {
    if (all.labels.spans.empty() || all.labels.spans.back().version != span.version)
      all.labels.spans.push_back(span);
    else
      all.labels.spans.back().points += span.points;
  }
  extend(all.updates, more.updates);
  all.seeded |= more.seeded;
}

Learned learn_in_messages(Learner& learner, const PointBatch& batch, Index size, bool with_responsibilities) {
  Learned all;
  for (Index first = 0; first < batch.size(); first += size)
    append(all, learner.learn(slice(batch, first, std::min(size, batch.size() - first)), with_responsibilities));
  return all;
}

std::vector<Gaussian> components_near(const Snapshot& model, Shape shape, const std::vector<Eigen::VectorXd>& places) {
  std::vector<Gaussian> result;
  for (const auto& place : places) {
    const ComponentSnapshot* best = nullptr;
    for (const auto& c : model.components)
      if (!best ||
          (c.parameters.head(place.size()) - place).norm() < (best->parameters.head(place.size()) - place).norm())
        best = &c;
    result.push_back(unpack(shape, best->parameters, place.size()));
    result.back().weight = best->weight;
  }
  return result;
}

LearnerOptions clusters(Index components) {
  LearnerOptions options;
  options.components = components;
  options.seed.points = 50 * components;
  return options;
}

std::vector<Gaussian> found_clusters(const Learner& learned, Shape shape) {
  return components_near(learned.snapshot(), shape, three_clusters().means);
}

void give_times(PointBatch& batch) {
  std::int64_t now = 1'700'000'000'000'000'000;
  batch.unix_nanoseconds.clear();
  for (Index i = 0; i < batch.size(); ++i) {
    now += i % 5 == 0 ? 0 : i % 97 == 0 ? 30'000'000'000 : 100'000'000 + 1'000 * i;
    batch.unix_nanoseconds.push_back(i % 41 == 40 ? now - 3'000'000'000 : now);
  }
}

}  // namespace emulsion::testing
