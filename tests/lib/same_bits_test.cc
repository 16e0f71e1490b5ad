// The same points in the same order give the same bits, whatever the messages, the threads and the restarts in between.
#include <catch2/catch.hpp>
#include <memory>

#include "emulsion/kernels/kernels.h"
#include "lib/learning.h"
#include "lib/same_state.h"

namespace emulsion {
namespace {

using namespace testing;

struct Setting {
  const char* name;
  LearnerOptions options;
};

std::vector<Setting> settings() {
  LearnerOptions plain;
  plain.components = 3;
  plain.batch_points = 300;
  std::vector<Setting> all = {{"plain", plain}};
  const auto add = [&](const char* name, auto change) {
    all.push_back({name, plain});
    change(all.back().options);
  };
  add("averaging", [](auto& o) { o.averaging = true; });
  add("hard, diagonal, constant", [](auto& o) {
    o.assignment = Assignment::hard;
    o.family = "gaussian(diagonal)";
    o.step.kind = StepKind::constant;
  });
  add("half-life in seconds, mini-batches of seconds, tied", [](auto& o) {
    o.family = "gaussian(tied)";
    o.step.kind = StepKind::half_life;
    o.step.half_life_points = 0;
    o.step.half_life_seconds = 30;
    o.batch_seconds = 7;
  });
  add("mini-batches of several tiles, spherical, half-life in points", [](auto& o) {
    o.family = "gaussian(spherical)";
    o.step.kind = StepKind::half_life;
    o.batch_points = 1000;
  });
  add("mini-batches of seconds and of several tiles", [](auto& o) {
    o.batch_points = 100000;
    o.batch_seconds = 700;
  });
  return all;
}

PointBatch drifting_stream(Index n = 5000) {
  PointBatch batch = draw(three_clusters(), n, 12);
  lose_coordinates(batch, 0.03, 13);
  Sampler sampler(14);
  batch.weights.resize(n);
  for (Index i = 0; i < n; ++i) batch.weights[i] = i % 3 == 0 ? 0.5 + sampler.uniform() : 1.0;
  give_times(batch);
  return batch;
}

void check_same(const Learned& a, const Learned& b) {
  testing::check_same(a.labels, b.labels);
  CHECK(a.seeded == b.seeded);
  REQUIRE(a.updates.size() == b.updates.size());
  for (std::size_t i = 0; i < a.updates.size(); ++i) {
    CHECK(a.updates[i].version == b.updates[i].version);
    CHECK(a.updates[i].learned == b.updates[i].learned);
    CHECK(a.updates[i].starved == b.updates[i].starved);
    CHECK(a.updates[i].revived == b.updates[i].revived);
    CHECK(a.updates[i].repaired == b.updates[i].repaired);
    CHECK(a.updates[i].failure == b.updates[i].failure);
  }
}

TEST_CASE("messages of 1, 7 or 10,000 rows give the same bits") {
  const Setting setting = GENERATE(from_range(settings()));
  CAPTURE(setting.name);
  const PointBatch batch = drifting_stream();
  Learner whole = learner(setting.options, 2);
  const Learned expected = learn_in_messages(whole, batch, 10000, true);
  for (const Index size : {1, 7, 256, 999}) {
    CAPTURE(size);
    Learner cut = learner(setting.options, 2);
    check_same(learn_in_messages(cut, batch, size, true), expected);
    testing::check_same(cut.state(), whole.state());
  }
}

TEST_CASE("messages without weights and times give the same bits, however they are cut and in either precision") {
  LearnerOptions options;
  options.components = 3;
  options.step.kind = GENERATE(StepKind::power_law, StepKind::constant, StepKind::cumulative);
  const PointBatch drawn = draw(three_clusters(), 5000, 12);
  const Eigen::MatrixXf narrow = drawn.points.cast<float>();
  PointBatch batch;
  batch.points = narrow.cast<double>();
  Learner whole = learner(options, 2);
  const Learned expected = learn_in_messages(whole, batch, 10000, true);
  for (const Index size : {1, 100, 999}) {
    CAPTURE(size);
    Learner cut = learner(options, 2);
    check_same(learn_in_messages(cut, batch, size, true), expected);
    testing::check_same(cut.state(), whole.state());
  }
  Learner single = learner(options, 2);
  check_same(single.learn(PointView(narrow.data(), Element::f32, 2, 5000), true), expected);
  testing::check_same(single.state(), whole.state());

  // Messages of one precision, then of both, a restart between some of them.
  for (const int doubles_from : {5000, 1000, 100, 0}) {
    CAPTURE(doubles_from);
    auto mixed = std::make_unique<Learner>(learner(options, 2));
    for (Index first = 0; first < 5000; first += 40) {
      if (first >= doubles_from && first % 120 == 0)
        mixed->learn(batch.slice(first, 40), false);
      else
        mixed->learn(PointView(narrow.col(first).data(), Element::f32, 2, 40), false);
      if (first % 600 == 0) mixed = std::make_unique<Learner>(Learner::restore(options, mixed->state()).value());
    }
    testing::check_same(mixed->state(), whole.state());
  }
}

TEST_CASE("a weight of 1 gives the same bits whether a message names it or not, beside messages of other weights") {
  LearnerOptions options;
  options.components = 3;
  options.step.kind = GENERATE(StepKind::power_law, StepKind::constant, StepKind::cumulative);
  options.averaging = GENERATE(false, true);
  const PointBatch batch = draw(three_clusters(), 3000, 13);
  Learner silent = learner(options, 2), explicit_one = learner(options, 2);
  for (Index first = 0, number = 0; first < batch.size(); first += 60, ++number) {
    PointBatch part = slice(batch, first, 60);
    part.weights = Eigen::VectorXd::Constant(60, number % 4 == 1 ? 2.5 : 1);
    const Learned expected = explicit_one.learn(part, true);
    if (number % 4 != 1) part.weights.resize(0);
    check_same(silent.learn(part, true), expected);
    testing::check_same(silent.state(), explicit_one.state());
  }
}

TEST_CASE("so many points that their number loses digits still give the same bits, however they are cut") {
  LearnerOptions options;
  options.components = 3;
  const PointBatch drawn = draw(three_clusters(), 1000, 14);
  PointBatch batch;
  batch.points = drawn.points;
  Learner begun = learner(options, 2);
  begun.learn(slice(batch, 0, 500), false);
  LearnerState state = begun.state();
  state.stepwise->weight_since_seed = 0x1p53 - 100;
  Learner whole = *Learner::restore(options, state), cut = *Learner::restore(options, state);
  const PointBatch rest = slice(batch, 500, 500);
  check_same(learn_in_messages(cut, rest, 7, true), whole.learn(rest, true));
  testing::check_same(cut.state(), whole.state());
}

TEST_CASE("instruction sets agree but for rounding") {
  const Setting setting = GENERATE(from_range(settings()));
  CAPTURE(setting.name);
  const PointBatch batch = drifting_stream();
  std::vector<Snapshot> models;
  for (const std::string& name : kernels::instruction_sets()) {
    REQUIRE(kernels::use_instruction_set(name));
    Learner learned = learner(setting.options, 2);
    learn_in_messages(learned, batch, 10000);
    models.push_back(learned.snapshot());
  }
  kernels::use_instruction_set("");
  for (const Snapshot& model : models)
    for (std::size_t k = 0; k < model.components.size(); ++k) {
      CHECK(model.components[k].weight == Approx(models.front().components[k].weight).epsilon(1e-9));
      CHECK((model.components[k].parameters - models.front().components[k].parameters).norm() <
            1e-9 * models.front().components[k].parameters.norm());
    }
}

TEST_CASE("1, 2 or 8 threads give the same bits") {
  Setting setting = GENERATE(from_range(settings()));
  CAPTURE(setting.name);
  setting.options.batch_points = GENERATE(300, 5000, 11000);
  const PointBatch batch = drifting_stream(12000);
  Learner one = learner(setting.options, 2);
  const Learned expected = learn_in_messages(one, batch, 10000, true);
  for (const int threads : {2, 8}) {
    setting.options.threads = threads;
    Learner many = learner(setting.options, 2);
    check_same(learn_in_messages(many, batch, 7000, true), expected);
    testing::check_same(many.state(), one.state());
  }
}

TEST_CASE("a state taken anywhere and restored goes on with the same bits") {
  const Setting setting = GENERATE(from_range(settings()));
  CAPTURE(setting.name);
  const PointBatch batch = drifting_stream();
  Learner whole = learner(setting.options, 2);
  const Learned expected = learn_in_messages(whole, batch, 10000, true);
  // In the warm-up, at its end, within a tile, at the end of a tile, of a mini-batch, and far on.
  for (const Index cut : {1, 90, 149, 150, 151, 203, 406, 407, 450, 451, 662, 2077, 4999}) {
    CAPTURE(cut);
    Learner before = learner(setting.options, 2);
    Learned all = before.learn(slice(batch, 0, cut), true);
    auto after = Learner::restore(setting.options, before.state());
    REQUIRE(after);
    testing::check_same(after->state(), before.state());
    append(all, learn_in_messages(*after, slice(batch, cut, batch.size() - cut), 333, true));
    check_same(all, expected);
    testing::check_same(after->state(), whole.state());
  }
}

TEST_CASE("a mini-batch that is over by time gives the same bits, whether it ends within a message or between two") {
  LearnerOptions options;
  options.components = 3;
  options.batch_points = 5000;
  options.batch_seconds = 10;
  const Index seeded = 150, tiles = GENERATE(1, 2, 3);
  PointBatch batch = draw(three_clusters(), seeded + tiles * kTilePoints + 100, 15);
  for (Index i = 0; i < batch.size(); ++i) batch.unix_nanoseconds.push_back(i < seeded + tiles * kTilePoints ? 0 : 20'000'000'000);
  Learner whole = learner(options, 2), cut = learner(options, 2);
  const Learned expected = whole.learn(batch, true);
  CHECK(expected.updates.size() == 1);
  Learned all = cut.learn(slice(batch, 0, seeded + tiles * kTilePoints), true);
  CHECK(all.updates.empty());
  append(all, cut.learn(slice(batch, seeded + tiles * kTilePoints, 100), true));
  check_same(all, expected);
  testing::check_same(cut.state(), whole.state());
}

TEST_CASE("many coordinates, whose tiles are no groups, give the same bits on several threads and in several messages") {
  constexpr Index d = 64, components = 8;
  Snapshot model;
  model.dimension = d;
  model.effective_sample_size = 100;
  Sampler sampler(16);
  for (Index k = 0; k < components; ++k) {
    ComponentSnapshot component;
    component.family = "gaussian(full)";
    component.weight = 1.0 / components;
    component.effective_sample_size = 100.0 / components;
    component.parameters = Eigen::VectorXd::Zero(d + d * (d + 1) / 2);
    for (Index i = 0; i < d; ++i) component.parameters[i] = 3 * sampler.normal();
    for (Index i = 0; i < d; ++i) component.parameters[d + i * (i + 1) / 2 + i] = 1;
    model.components.push_back(component);
  }
  PointBatch batch;
  batch.points.resize(d, 3000);
  for (double& x : batch.points.reshaped()) x = 3 * sampler.normal();
  LearnerOptions options;
  options.components = components;
  options.batch_points = 1100;
  Learner whole = *Learner::start_from(options, model);
  const Learned expected = whole.learn(batch, true);
  options.threads = 3;
  Learner cut = *Learner::start_from(options, model);
  check_same(learn_in_messages(cut, batch, 700, true), expected);
  testing::check_same(cut.state(), whole.state());
}

TEST_CASE("a flush between two tiles gives the bits of a mini-batch that ends there") {
  LearnerOptions options;
  options.components = 3;
  options.batch_points = GENERATE(1, 2, 3) * kTilePoints;
  const PointBatch batch = draw(three_clusters(), 150 + options.batch_points, 17);
  Learner whole = learner(options, 2);
  whole.learn(batch, true);
  options.batch_points = 100000;
  Learner flushed = learner(options, 2);
  flushed.learn(batch, true);
  CHECK(flushed.progress().batches == 0);
  flushed.flush(true);
  testing::check_same(flushed.state(), whole.state());
}

TEST_CASE("taking the state or the snapshot, and labelling, change nothing") {
  const PointBatch batch = drifting_stream(2000);
  Learner quiet = learner(settings()[1].options, 2), watched = learner(settings()[1].options, 2);
  learn_in_messages(quiet, batch, 100);
  for (Index first = 0; first < 2000; first += 100) {
    watched.learn(slice(batch, first, 100), false);
    const LearnerState before = watched.state();
    if (watched.has_model()) {
      watched.snapshot();
      watched.label(batch, true);
    }
    testing::check_same(watched.state(), before);
  }
  testing::check_same(watched.state(), quiet.state());
}

TEST_CASE("an empty message changes nothing, not even while points wait for the seed") {
  const PointBatch batch = drifting_stream(2000);
  Learner plain = learner(settings()[3].options, 2), interrupted = learner(settings()[3].options, 2);
  learn_in_messages(plain, batch, 50);
  for (Index first = 0; first < 2000; first += 50) {
    interrupted.learn(slice(batch, first, 50), false);
    const Learned nothing = interrupted.learn(PointBatch{Eigen::MatrixXd(2, 0), {}, {}}, true);
    CHECK(nothing.labels.components.empty());
    CHECK(nothing.updates.empty());
  }
  testing::check_same(interrupted.state(), plain.state());
}

}  // namespace
}  // namespace emulsion
