#include "emulsion/wire/state.h"

#include <google/protobuf/stubs/logging.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "emulsion/support.h"
#include "emulsion/wire/checkpoint.h"
#include "emulsion/wire/convert.h"
#include "lib/sample.h"

using namespace emulsion;
using namespace emulsion::wire;

namespace {

LearnerOptions quick(const std::string& family) {
  LearnerOptions options;
  options.family = family;
  options.batch_points = 50;
  options.seed.points = 60;
  options.seed.restarts = 2;
  options.seed.passes = 3;
  return options;
}

PointBatch sample(Index n) {
  testing::Sampler sampler(3);
  PointBatch batch;
  batch.points = sampler.normals(3, n);
  batch.points.leftCols(n / 2).array() += 6;
  batch.points(1, n / 3) = std::nan("");
  batch.weights = Eigen::VectorXd::LinSpaced(n, 1, 2);
  for (Index i = 0; i < n; ++i) batch.unix_nanoseconds.push_back(1'000'000'000 * i - 5);
  return batch;
}

StreamState state_of(const LearnerOptions& options, Index points) {
  auto learner = Learner::make(options, 3);
  REQUIRE(learner);
  if (points > 0) learner->learn(sample(points), false);
  StreamState state;
  state.stream = "radar";
  state.learner = learner->state();
  state.producers.push_back({"a", {{1, 20, {{3, 5}, {9, 9}}}, {~0ull, ~0ull, {}}}, 30, 28, 2, 4, 5, 6, 1});
  state.producers.push_back({"b", {{7, 0, {}}}, 1, 1, 0, 0, 0, 0, 0});
  state.waiting.push_back({"a", 1, 20, 9, {0, 4, 8}});
  state.refusals = {{"message", "malformed", 3}, {"row", "not_finite", 2}};
  state.points_accepted = 28;
  state.points_labelled = 19;
  state.points_paused = 2;
  state.paused = true;
  state.next_component_id = 7;
  state.configuration = "components = 2\n";
  return state;
}

// A checkpoint with other bytes in one of its sections, and checksums that fit them.
std::string with_section(const std::string& checkpoint, std::size_t section, std::string_view bytes) {
  auto sections = decode_checkpoint(checkpoint);
  REQUIRE(sections);
  sections->at(section).bytes = bytes;
  return encode_checkpoint(*sections);
}
constexpr std::size_t kLearner = 1, kCounters = 4;

// Reads what may be damaged, and if it is read, uses it as the daemon would.
bool is_read_and_harmless(const std::string& bytes, const LearnerOptions& options) {
  auto state = decode_state(bytes);
  if (!state) {
    REQUIRE_FALSE(state.error().message.empty());
    return false;
  }
  encode_state(*state);
  if (!state->learner || state->learner->dimension != 3) return true;
  if (auto learner = Learner::restore(options, *state->learner)) {
    learner->learn(sample(70), true);
    learner->flush(true);
  }
  return true;
}

}  // namespace

TEST_CASE("a state is encoded and decoded bit for bit, whatever the family and the moment") {
  LearnerOptions options = quick(GENERATE("gaussian(full)", "gaussian(diagonal)", "gaussian(spherical)", "gaussian(tied)"));
  options.averaging = GENERATE(false, true);
  const Index points = GENERATE(0, 1, 59, 60, 61, 110, 333, 400);
  options.batch_points = GENERATE(50, 300, 1000);
  const StreamState state = state_of(options, points);
  const std::string bytes = encode_state(state);
  const auto decoded = decode_state(bytes);
  REQUIRE(decoded);
  CHECK(encode_state(*decoded) == bytes);
  CHECK(digest(*decoded->learner) == digest(*state.learner));
  CHECK(decoded->learner->stepwise.has_value() == (points >= 60));
  CHECK(decoded->learner->buffer.size() == (points < 60 ? points : 0));

  // The learner that goes on from it does the same.
  auto original = Learner::restore(options, *state.learner);
  auto restored = Learner::restore(options, *decoded->learner);
  REQUIRE(original);
  REQUIRE(restored);
  const auto first = original->learn(sample(200), true);
  const auto second = restored->learn(sample(200), true);
  CHECK(first.labels.log_densities == second.labels.log_densities);
  CHECK(first.labels.responsibilities == second.labels.responsibilities);
  CHECK(digest(original->state()) == digest(restored->state()));
}

TEST_CASE("what a family failed on in the mini-batch under way is told after a restart too") {
  StreamState state = state_of(quick("gaussian(full)"), 110);
  state.learner->stepwise->batch.banks.front().failure = "family \"broken\": maximise threw \"out of order\"";
  const auto decoded = decode_state(encode_state(state));
  REQUIRE(decoded);
  CHECK(decoded->learner->stepwise->batch.banks.front().failure == "family \"broken\": maximise threw \"out of order\"");
  CHECK(decoded->learner->stepwise->statistics.banks.front().failure == "");
}

TEST_CASE("every field around the learner comes back") {
  StreamState state = state_of(quick("gaussian(full)"), 0);
  state.learner.reset();
  const auto decoded = decode_state(encode_state(state));
  REQUIRE(decoded);
  CHECK_FALSE(decoded->learner);
  CHECK(decoded->stream == "radar");
  REQUIRE(decoded->producers.size() == 2);
  const ProducerState& a = decoded->producers[0];
  CHECK(a.producer == "a");
  REQUIRE(a.sessions.size() == 2);
  CHECK(a.sessions[0].session == 1);
  CHECK(a.sessions[0].last_sequence == 20);
  CHECK(a.sessions[0].missing == std::vector<std::pair<std::uint64_t, std::uint64_t>>{{3, 5}, {9, 9}});
  CHECK(a.sessions[1].session == ~0ull);
  CHECK(a.sessions[1].last_sequence == ~0ull);
  CHECK(std::vector<std::uint64_t>{a.messages, a.rows_accepted, a.rows_refused, a.messages_lost, a.messages_duplicate,
                                   a.messages_reordered, a.restarts} == std::vector<std::uint64_t>{30, 28, 2, 4, 5, 6, 1});
  REQUIRE(decoded->waiting.size() == 1);
  CHECK(decoded->waiting[0].producer == "a");
  CHECK(decoded->waiting[0].session == 1);
  CHECK(decoded->waiting[0].sequence == 20);
  CHECK(decoded->waiting[0].rows == 9);
  CHECK(decoded->waiting[0].refused_rows == std::vector<std::uint32_t>{0, 4, 8});
  REQUIRE(decoded->refusals.size() == 2);
  CHECK(decoded->refusals[1].stage == "row");
  CHECK(decoded->refusals[1].reason == "not_finite");
  CHECK(decoded->refusals[1].count == 2);
  CHECK(decoded->points_accepted == 28);
  CHECK(decoded->points_labelled == 19);
  CHECK(decoded->points_paused == 2);
  CHECK(decoded->paused);
  CHECK(decoded->next_component_id == 7);
  CHECK(decoded->configuration == "components = 2\n");
}

TEST_CASE("every wrong bit and every truncation of a state is refused with words") {
  const std::string bytes = encode_state(state_of(quick("gaussian(spherical)"), 130));
  for (std::size_t length = 0; length < bytes.size(); ++length)
    if (const auto decoded = decode_state(bytes.substr(0, length)); decoded || decoded.error().message.size() < 20) FAIL("cut at " << length);
  std::string damaged = bytes;
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    if (const auto decoded = decode_state(damaged); decoded || decoded.error().message.size() < 20) FAIL("bit " << bit);
    damaged[bit / 8] = bytes[bit / 8];
  }
  CHECK(decode_state(damaged));
  CHECK(bytes.size() > 1000);  // a learner with everything in it
}

TEST_CASE("sections that this version would not write so are refused by name, whatever their checksums say") {
  const std::string bytes = encode_state(state_of(quick("gaussian(full)"), 0));
  const std::string counters(decode_checkpoint(bytes)->at(kCounters).bytes);
  const auto refusal = [](const std::string& checkpoint) {
    const auto decoded = decode_state(checkpoint);
    REQUIRE_FALSE(decoded);
    return decoded.error().message;
  };
  const auto sections = *decode_checkpoint(bytes);
  const std::string otherwise = ": fields that this version would not write so";
  CHECK(refusal(with_section(bytes, kCounters, counters + counters)) == "state: section \"counters\"" + otherwise);  // each field twice
  CHECK(refusal(with_section(bytes, kCounters, counters + "\xA8\x3F\x01")) == "state: section \"counters\"" + otherwise);  // field 1013
  CHECK(refusal(with_section(bytes, kCounters, "\x0A\x01x")) == "state: section \"stream\"" + otherwise);  // a name
  CHECK(refusal(with_section(bytes, kCounters, "\xFF")) == "state: section \"counters\": not a StreamState message");
  CHECK(refusal(encode_checkpoint(std::vector(sections.begin(), sections.end() - 1))) == "state: 4 sections, expected 5");
  auto swapped = sections;
  std::swap(swapped[2], swapped[3]);
  CHECK(refusal(encode_checkpoint(swapped)) == "state: section \"waiting\": expected section \"sources\"");
}

TEST_CASE("a state whose next component would have the id of none is refused") {
  StreamState state = state_of(quick("gaussian(full)"), 0);
  SECTION("of the learner") {
    state.learner->next_id = kNoComponent;
    CHECK(decode_state(encode_state(state)).error().message == "state: learner: next_id: 0, expected at least 1");
  }
  SECTION("of the stream") {
    state.next_component_id = kNoComponent;
    CHECK(decode_state(encode_state(state)).error().message == "state: next_component_id: 0, expected at least 1");
  }
}

TEST_CASE("a state whose mixture's weights are not as good a sum of 1 as is promised is refused") {
  StreamState state = state_of(quick("gaussian(full)"), 200);
  StepwiseState& stepwise = *state.learner->stepwise;
  const auto with_sum = [&](double sum) {
    stepwise.mixture = stepwise.published = std::make_shared<const Mixture>(stepwise.mixture->banks(), sum * stepwise.mixture->weights());
    return decode_state(encode_state(state));
  };
  CHECK(with_sum(1));
  CHECK(with_sum(1 + 1e-13));
  const auto refused = with_sum(1 + 1e-12);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.ends_with("mixture: weights, expected numbers >= 0 whose sum is 1"));
}

TEST_CASE("statistics of fewer points than none are refused") {
  StreamState state = state_of(quick("gaussian(full)"), 200);
  Statistics& statistics = state.learner->stepwise->statistics;
  const auto refusal = [&] {
    const auto decoded = decode_state(encode_state(state));
    return decoded ? std::string("none") : decoded.error().message;
  };
  REQUIRE(refusal() == "none");
  const double bad = GENERATE(-1e-300, -1.0, std::numeric_limits<double>::quiet_NaN());
  SECTION("of a component") {
    statistics.banks[0].weight[1] = bad;
    CHECK(refusal().ends_with("statistics: bank 1: weights, expected numbers >= 0"));
  }
  SECTION("of a coordinate") {
    statistics.coordinates.weight[0] = bad;
    CHECK(refusal().ends_with("statistics: coordinate moments: weights and squares, expected numbers >= 0"));
  }
  SECTION("of a coordinate's squares, which may have overflowed") {
    statistics.coordinates.squares[0] = bad;
    const std::string otherwise = "statistics: coordinate moments: weights and squares, expected numbers >= 0";
    CHECK(refusal().ends_with(std::isnan(bad) ? "none" : otherwise));
  }
  SECTION("of all") {
    statistics.weight = bad;
    CHECK(refusal() == "state: learner: statistics: weight " + emulsion::text_of(bad) + ", expected a number >= 0");
  }
}

TEST_CASE("waiting points and what is left of others count as they do in a stream, or are refused") {
  StreamState state = state_of(quick("gaussian(full)"), 130);
  StepwiseState& stepwise = *state.learner->stepwise;
  const auto refusal = [&] {
    const auto decoded = decode_state(encode_state(state));
    return decoded ? std::string("none") : decoded.error().message;
  };
  REQUIRE(refusal() == "none");
  REQUIRE(stepwise.pending.size() > 1);
  const double bad = GENERATE(-1e-3, 1.5, 1e197, std::numeric_limits<double>::quiet_NaN());
  SECTION("a retention") {
    stepwise.pending_retentions[1] = bad;
    CHECK(refusal().find("pending: retention ") != std::string::npos);
  }
  SECTION("what is left by a mini-batch under way") {
    stepwise.batch_decay = bad;
    CHECK(refusal().find("batch_decay: ") != std::string::npos);
  }
  SECTION("a weight") {
    stepwise.pending.weights[1] = bad == 1.5 ? 0.0 : bad;
    CHECK(refusal().find("pending: weight ") != std::string::npos);
  }
}

TEST_CASE("a mini-batch under way whose points and statistics contradict each other is refused, and closed without harm") {
  const LearnerOptions options = quick("gaussian(full)");
  StreamState state = state_of(options, 60);  // just seeded: nothing of a mini-batch yet
  StepwiseState& stepwise = *state.learner->stepwise;
  REQUIRE(stepwise.batch_points == 0);
  SECTION("points that are nowhere") {
    stepwise.batch_points = 7;
    CHECK(decode_state(encode_state(state)).error().message == "state: learner: batch: weight 0.000000 of 7 points");
  }
  SECTION("statistics of no points") {
    stepwise.batch = stepwise.statistics;
    CHECK_THAT(decode_state(encode_state(state)).error().message, Catch::Contains("learner: batch: weight ") && Catch::EndsWith(" of 0 points"));
  }
  SECTION("fewer points than the tiles of a group have") {
    stepwise.group = {stepwise.statistics, 1, 1};
    CHECK(decode_state(encode_state(state)).error().message == "state: learner: batch_points: 0, expected 256 to 1073741824");
  }
  auto learner = Learner::restore(options, *state.learner);
  REQUIRE(learner);
  learner->flush(false);
  learner->learn(sample(200), false);
  learner->flush(false);
  CHECK(learner->points_waiting() == 0);
}

TEST_CASE("protobuf says nothing by itself of a state that it cannot read") {
  const std::string bytes = encode_state(state_of(quick("gaussian(full)"), 0));
  CHECK_FALSE(decode_state(with_section(bytes, 0, "\x0A\x01\xFF")));  // a name that is not UTF-8
  CHECK(google::protobuf::SetLogHandler(nullptr) == nullptr);  // it had been told so before
}

TEST_CASE("the digest is that of the learner alone, and changes with a single bit of it") {
  const LearnerOptions options = quick("gaussian(full)");
  StreamState state = state_of(options, 200);
  const std::string before = digest(*state.learner);
  CHECK(before.size() == 16);
  CHECK(before.find_first_not_of("0123456789abcdef") == std::string::npos);
  state.points_accepted = 5;
  CHECK(digest(*state.learner) == before);
  double& number = state.learner->stepwise->statistics.banks[0].moments(0, 0);
  number = std::nextafter(number, 1e9);
  CHECK(digest(*state.learner) != before);
}

TEST_CASE("the digest of effects is of everything but what came in vain") {
  const StreamState state = state_of(quick("gaussian(full)"), 200);
  const std::string before = effect_digest(state);
  const auto changed = [&](auto change) {
    StreamState other = state;
    change(other);
    return effect_digest(other) != before;
  };
  CHECK(changed([](StreamState& s) { ++s.points_accepted; }));
  CHECK(changed([](StreamState& s) { ++s.producers[0].rows_accepted; }));
  CHECK(changed([](StreamState& s) { ++s.producers[0].sessions[0].last_sequence; }));
  CHECK(changed([](StreamState& s) { ++s.refusals[0].count; }));
  CHECK(changed([](StreamState& s) { s.waiting.clear(); }));
  CHECK(changed([](StreamState& s) { s.learner->stepwise->statistics.weight += 1; }));
  CHECK_FALSE(changed([](StreamState& s) { s.producers[0].messages += 2, s.producers[0].messages_duplicate += 2; }));
  CHECK_FALSE(changed([](StreamState& s) { s.refusals.push_back({"message", kOutOfOrder, 3}); }));
  CHECK_FALSE(changed([](StreamState& s) { s.labels_published += 3; }));
}

TEST_CASE("a learner that is cut off anywhere under a checksum that fits is an error or decodes, and never crashes") {
  LearnerOptions options = quick("gaussian(full)");
  options.averaging = true;
  const std::string bytes = encode_state(state_of(options, GENERATE(30, 130)));
  const std::string_view learner = decode_checkpoint(bytes)->at(kLearner).bytes;
  std::size_t errors = 0;
  for (std::size_t length = 0; length < learner.size(); ++length)
    errors += !is_read_and_harmless(with_section(bytes, kLearner, learner.substr(0, length)), options);
  CHECK(errors > learner.size() / 2);
}

TEST_CASE("a learner with damaged bytes under a checksum that fits is an error or decodes, and never crashes") {
  LearnerOptions options = quick("gaussian(diagonal)");
  options.averaging = true;
  const std::string bytes = encode_state(state_of(options, 130));
  const Codec quiet;  // protobuf would write to stderr
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    std::string damaged(decode_checkpoint(bytes)->at(kLearner).bytes);
    for (int j = 0; j < 1 + i % 3; ++j) damaged[random() % damaged.size()] = static_cast<char>(random());
    is_read_and_harmless(with_section(bytes, kLearner, damaged), options);
  }
}

TEST_CASE("bytes that are no state are refused") {
  const auto decoded = decode_state("\x01\x02 no state");
  REQUIRE_FALSE(decoded);
  CHECK(decoded.error().message.find("state: ") == 0);
}

TEST_CASE("parts that do not fit together are refused by the name of the field") {
  const LearnerOptions options = quick("gaussian(full)");
  StreamState state = state_of(options, 130);
  StepwiseState& stepwise = *state.learner->stepwise;
  std::string field;
  SECTION("tiles of a group") {
    stepwise.group = {stepwise.batch, 1.5, 1};
    field = "group: decay 1.5, expected";
  }
  SECTION("points of the mini-batch") {
    stepwise.batch_points = stepwise.pending.size() - 1;
    field = "batch_points";
  }
  SECTION("points of the mini-batch, a negative number") {
    stepwise.batch_points = -1;
    field = "batch_points";
  }
  SECTION("starved") {
    stepwise.starved.push_back(false);
    field = "starved";
  }
  SECTION("ids") {
    state.learner->ids.push_back(9);
    field = "ids";
  }
  SECTION("retentions") {
    stepwise.pending_retentions.push_back(1);
    field = "pending";
  }
  SECTION("times") {
    stepwise.pending.unix_nanoseconds = {1};
    field = "pending";
  }
  SECTION("dimension") {
    state.learner->dimension = 2;
    field = "mixture";
  }
  SECTION("statistics") {
    stepwise.statistics.banks.clear();
    field = "statistics";
  }
  SECTION("moments") {
    stepwise.batch.banks[0].moments.conservativeResize(1, Eigen::NoChange);
    field = "batch";
  }
  SECTION("coordinates") {
    stepwise.statistics.coordinates.mean.resize(1);
    field = "statistics";
  }
  SECTION("weights of the mixture") {
    stepwise.mixture = std::make_shared<const Mixture>(stepwise.mixture->banks(), Eigen::Vector2d(0.5, std::nan("")));
    field = "mixture: weights";
  }
  SECTION("published") {
    const Mixture& mixture = *stepwise.mixture;
    stepwise.published = std::make_shared<const Mixture>(
        std::vector<std::shared_ptr<const Bank>>{mixture.banks()[0], mixture.banks()[0]},
        Eigen::VectorXd(Eigen::Vector4d::Constant(0.25)));
    field = "published mixture";
  }
  const auto decoded = decode_state(encode_state(state));
  REQUIRE_FALSE(decoded);
  INFO(decoded.error().message);
  CHECK(decoded.error().message.find("state: learner: " + field) == 0);
}
