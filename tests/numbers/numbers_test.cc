// Numbers that cannot break it: every family, online and in batch, with the ugliest points there are.
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "daemon/feed.h"
#include "emulsion/batch_em.h"
#include "emulsion/em_pass.h"
#include "emulsion/seeding.h"
#include "emulsion/wire/model.h"
#include "emulsion/wire/state.h"
#include "not_finite.h"
#include "numbers/soundness.h"
#include "numbers/ugly_points.h"

using namespace emulsion;
using namespace emulsion::service;
using namespace emulsion::testing;

namespace {

PointBatch batch_of(const Eigen::MatrixXd& points) {
  PointBatch batch;
  batch.points = points;
  return batch;
}

// Sends points in messages of so many, and what waits at the end; checks the stream after each.
void send(Stream& stream, const PointBatch& points, Index rows) {
  for (wire::PointsMessage& message : cut(points, rows)) {
    const StreamOutput output = take(stream, std::move(message));
    REQUIRE(fault_of(stream, output) == "");
  }
  StreamOutput output;
  stream.flush(output);
  REQUIRE(fault_of(stream, output) == "");
}

// Those that a model can have, as a stream would find them.
PointBatch acceptable(const FamilyCase& family, const Eigen::MatrixXd& points) {
  const Family& rules = known_family(family.name);
  const RefusedRows refused = check_rows(PointBatch(batch_of(points)), MissingPolicy::learn,
                                         [&](std::span<const double> point) { return rules.refusal(point); });
  return without_rows(batch_of(points), refused.rows);
}

// The model, the statistics and the mini-batch under way, to the last bit; nothing of producers and counts.
std::string learned_by(const Stream& stream) {
  wire::StreamState state = stream.state();
  state.producers.clear();
  state.refusals.clear();
  state.waiting.clear();
  return wire::encode_state(state);
}

}  // namespace

TEST_CASE("online, no points whatever leave a model that is none") {
  for (const FamilyCase& family : family_cases())
    for (const UglyPoints& ugly : ugly_points()) {
      CAPTURE(family.name, ugly.name);
      Sampler sampler(1);
      const Eigen::MatrixXd points = ugly.make(family, sampler);
      // In a stream of its own; and in one that knows better days.
      Stream alone = make_stream(eager_options(family.name, 3));
      send(alone, batch_of(points), 7);
      Stream used = make_stream(eager_options(family.name, 3));
      Eigen::MatrixXd all(family.dimension, points.cols() + 160);
      all << good_points(family, 80, sampler), points, good_points(family, 80, sampler);
      send(used, batch_of(all), 32);
      CHECK(used.has_model());
    }
}

TEST_CASE("in batch, no points whatever leave a model that is none") {
  for (const FamilyCase& family : family_cases())
    for (const UglyPoints& ugly : ugly_points()) {
      CAPTURE(family.name, ugly.name);
      Sampler sampler(2);
      const PointBatch points = acceptable(family, ugly.make(family, sampler));
      if (points.size() == 0) continue;
      const LearnerOptions options = eager_options(family.name, 3).learner;
      const std::vector<Tile> tiles = cut_tiles(points);
      auto starts = StartingMixtures::make(points, tiles, options);
      REQUIRE(starts);
      MemoryTiles source(tiles);
      Workers workers(1);
      BatchOptions em;
      em.max_iterations = 25;
      em.assignment = GENERATE(Assignment::soft, Assignment::hard);
      const auto fit = batch_em(source, starts->next(), em, workers, [](const BatchIteration& at) {
        REQUIRE(fault_of(*at.mixture) == "");
        return std::isfinite(at.mean_log_likelihood);
      });
      INFO((fit ? std::string() : fit.error().message));
      REQUIRE(fit);
      CHECK(fault_of(*fit->last.mixture) == "");
    }
}

TEST_CASE("rows that cannot be learned leave the same bits as if they had never been sent") {
  struct Bad {
    const char* name;
    double value;
    bool all;  // coordinates
  };
  const Bad bad = GENERATE(Bad{"NaN", kNan, true}, Bad{"infinity", kInfinity, false}, Bad{"minus infinity", -kInfinity, false},
                           Bad{"1e155", 1e155, false}, Bad{"-1e200", -1e200, false}, Bad{"the largest number", 1.7976931348623157e308, true});
  for (const FamilyCase& family : family_cases()) {
    CAPTURE(family.name, bad.name);
    Sampler sampler(3);
    const Eigen::MatrixXd good = good_points(family, 120, sampler);
    Eigen::MatrixXd mixed(family.dimension, 160);
    for (Index i = 0, next = 0; i < 160; ++i) {
      const bool is_bad = i % 4 == 3;
      mixed.col(i) = good.col(is_bad ? 0 : next++);
      if (is_bad && bad.all) mixed.col(i).setConstant(bad.value);
      if (is_bad && !bad.all) mixed(i % family.dimension, i) = bad.value;
    }
    Stream clean = make_stream(eager_options(family.name, 3)), dirty = make_stream(eager_options(family.name, 3));
    send(clean, batch_of(good), 30);
    send(dirty, batch_of(mixed), 40);
    CHECK(learned_by(clean) == learned_by(dirty));
    std::uint64_t refused_rows = 0;
    for (const auto& count : dirty.status().refusals) refused_rows += count.stage == "row" ? count.count : 0;
    CHECK(refused_rows == 40);
  }
}

TEST_CASE("missing values are refused where they are not wanted, and the other rows are learned") {
  for (const FamilyCase& family : family_cases()) {
    CAPTURE(family.name);
    StreamOptions options = eager_options(family.name, 3);
    options.missing = MissingPolicy::refuse;
    Sampler sampler(4);
    const Eigen::MatrixXd good = good_points(family, 100, sampler);
    Eigen::MatrixXd mixed(family.dimension, 101);
    mixed << good.leftCols(50), good.col(0), good.rightCols(50);
    mixed(0, 50) = kNan;
    Stream clean = make_stream(options), dirty = make_stream(options);
    send(clean, batch_of(good), 100);
    send(dirty, batch_of(mixed), 101);
    CHECK(learned_by(clean) == learned_by(dirty));
  }
}

TEST_CASE("far from the origin, variances keep their digits") {
  const auto [offset, tolerance] = GENERATE(std::pair{1e6, 1e-9}, std::pair{1.7e9, 1e-6}, std::pair{1.7e12, 1e-3});
  const std::string family = GENERATE(as<std::string>(), "gaussian(full)", "gaussian(diagonal)", "gaussian(spherical)", "gaussian(tied)", "normal");
  CAPTURE(offset, family);
  // Whole multiples of a power of two, so that moving them rounds nothing.
  PointBatch points = two_clusters(600);
  points.points = (points.points * 1024).array().round() / 1024;
  PointBatch far = points;
  far.points.array() += offset;
  Stream near_stream = make_stream(eager_options(family, 2)), far_stream = make_stream(eager_options(family, 2));
  send(near_stream, points, 100);
  send(far_stream, far, 100);
  const auto near = wire::to_snapshot(near_stream.model()), moved = wire::to_snapshot(far_stream.model());
  REQUIRE((near && moved));
  for (std::size_t k = 0; k < 2; ++k) {
    const Eigen::ArrayXd expected = near->components[k].variances, found = moved->components[k].variances;
    CHECK(((found - expected).abs() <= tolerance * expected).all());
  }
}

TEST_CASE("far from the origin, variances of a batch keep their digits") {
  const auto [offset, tolerance] = GENERATE(std::pair{1e6, 1e-9}, std::pair{1.7e9, 1e-6}, std::pair{1.7e12, 1e-3});
  const std::string family = GENERATE(as<std::string>(), "gaussian(full)", "gaussian(diagonal)", "gaussian(spherical)", "gaussian(tied)", "normal");
  CAPTURE(offset, family);
  const auto fitted = [&](double moved_by) {
    PointBatch points = two_clusters(600);
    points.points = (points.points * 1024).array().round() / 1024 + moved_by;
    const std::vector<Tile> tiles = cut_tiles(points);
    auto starts = StartingMixtures::make(points, tiles, eager_options(family, 2).learner);
    MemoryTiles source(tiles);
    Workers workers(1);
    const auto fit = batch_em(source, starts.value().next(), {}, workers, [](const BatchIteration&) { return true; });
    return snapshot_of(*fit.value().last.mixture);
  };
  const Snapshot near = fitted(0), far = fitted(offset);
  for (std::size_t k = 0; k < 2; ++k) {
    const Eigen::ArrayXd expected = near.components[k].variances, found = far.components[k].variances;
    CHECK(((found - expected).abs() <= tolerance * expected).all());
  }
}

TEST_CASE("numbers that have lost their digits on the way are told of, once") {
  struct Case {
    const char* name;
    std::function<double(Index)> number;
    bool imprecise;
  };
  const auto c = GENERATE(values<Case>({{"nanoseconds", [](Index i) { return 1.7e18 + 1e9 * static_cast<double>(i); }, true},
                                        {"seconds", [](Index i) { return 1.7e9 + static_cast<double>(i); }, false},
                                        {"few steps", [](Index i) { return 1e12 + 1e-3 * static_cast<double>(i % 3); }, true},
                                        {"large ones", [](Index i) { return 1e140 * static_cast<double>(i); }, false},
                                        {"a constant", [](Index) { return 1.7e18; }, false}}));
  CAPTURE(c.name);
  Stream stream = make_stream(eager_options("gaussian(full)", 2));
  PointBatch points = two_clusters(100);
  for (Index i = 0; i < points.size(); ++i) points.points(1, i) = c.number(i);
  std::size_t told = 0;
  for (auto& message : cut(points, 20))
    for (const wire::EventMessage& event : take(stream, std::move(message)).events) {
      if (event.kind != wire::EventKind::imprecise) continue;
      ++told;
      CHECK_THAT(event.text, Catch::Contains("coordinate 1"));
    }
  CHECK(told == (c.imprecise ? 1 : 0));
}

TEST_CASE("numbers that lose their digits later, or meet a model that was given, are told of too") {
  StreamOptions options = eager_options("gaussian(full)", 2);
  options.learner.step = {.kind = StepKind::half_life, .half_life_points = 20};
  options.learner.batch_points = 20;
  Stream stream = make_stream(options);
  send(stream, two_clusters(100), 20);
  if (GENERATE(false, true)) stream = Stream::make("radar", options, wire::to_snapshot(stream.model()).value()).value();
  std::size_t told = 0;
  PointBatch late = two_clusters(2000);
  late.points.row(0).array() += 1.7e18;
  for (auto& message : cut(late, 20)) {
    message.sequence += 1000;
    for (const wire::EventMessage& event : take(stream, std::move(message)).events) told += event.kind == wire::EventKind::imprecise;
  }
  CHECK(told == 1);
}

TEST_CASE("1e12 points of count, and step sizes at their limits, leave a model") {
  for (const FamilyCase& family : family_cases()) {
    CAPTURE(family.name);
    const auto choose = GENERATE(as<std::function<void(StepOptions&)>>(), [](StepOptions&) {}, [](StepOptions& step) { step.exponent = 0.500001; },
                                 [](StepOptions& step) { step.exponent = 1; }, [](StepOptions& step) { step.kind = StepKind::cumulative; },
                                 [](StepOptions& step) {
                                   step.kind = StepKind::half_life;
                                   step.half_life_points = 1e-3;
                                 },
                                 [](StepOptions& step) {
                                   step.kind = StepKind::half_life;
                                   step.half_life_points = 1e300;
                                 },
                                 [](StepOptions& step) {
                                   step.kind = StepKind::constant;
                                   step.size = 1e-300;
                                 },
                                 [](StepOptions& step) {
                                   step.kind = StepKind::constant;
                                   step.size = 1 - 1e-16;
                                 },
                                 [](StepOptions& step) { step.offset_points = 1e300; });
    StreamOptions options = eager_options(family.name, 3);
    choose(options.learner.step);
    Sampler sampler(5);
    PointBatch points = batch_of(good_points(family, 200, sampler));
    points.weights = Eigen::VectorXd::Constant(200, 1e12 / 200);
    Stream stream = make_stream(options);
    send(stream, points, 50);
    CHECK(stream.has_model());
    send(stream, batch_of(good_points(family, 50, sampler)), 50);  // of weight 1 beside all that
    wire::StreamState state = stream.state();
    state.learner->stepwise->learned = 1'000'000'000'000;
    Stream later = Stream::restore("radar", options, std::nullopt, std::move(state)).value();
    send(later, batch_of(good_points(family, 50, sampler)), 50);
    CHECK(later.has_model());
  }
}

TEST_CASE("more components than points that were ever seen") {
  for (const FamilyCase& family : family_cases()) {
    CAPTURE(family.name);
    StreamOptions options = eager_options(family.name, 40);
    Sampler sampler(6);
    Stream stream = make_stream(options);
    send(stream, batch_of(good_points(family, 9, sampler)), 4);
    CHECK(stream.has_model());
    send(stream, batch_of(good_points(family, 60, sampler)), 60);
  }
}

TEST_CASE("an empty message and one of a wrong dimension cost nothing else") {
  for (const FamilyCase& family : family_cases()) {
    CAPTURE(family.name);
    Sampler sampler(7);
    const Eigen::MatrixXd good = good_points(family, 100, sampler);
    Stream clean = make_stream(eager_options(family.name, 3)), dirty = make_stream(eager_options(family.name, 3));
    take(clean, points_message(0, batch_of(good.leftCols(50))));
    take(clean, points_message(1, batch_of(good.rightCols(50))));
    take(dirty, points_message(0, batch_of(Eigen::MatrixXd(family.dimension, 0))));
    take(dirty, points_message(1, batch_of(good.leftCols(50))));
    take(dirty, points_message(2, batch_of(Eigen::MatrixXd::Ones(family.dimension + 1, 5))));
    take(dirty, points_message(3, batch_of(Eigen::MatrixXd(0, 3))));
    take(dirty, points_message(4, batch_of(good.rightCols(50))));
    CHECK(learned_by(clean) == learned_by(dirty));
  }
}
