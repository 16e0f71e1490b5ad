// States that are refused, each with the name of what is wrong in it.
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "emulsion/support.h"
#include "emulsion/wire/checkpoint.h"
#include "emulsion/wire/state.h"
#include "wire/state_example.h"

using namespace emulsion;
using namespace emulsion::wire;
using testing::kCounters;
using testing::quick;
using testing::sample;
using testing::state_of;
using testing::with_section;

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
  const double bad = GENERATE(-1e-3, 1 + 1e-15, 1.5, 1e197, std::numeric_limits<double>::quiet_NaN());
  SECTION("a retention") {
    stepwise.pending_retentions[1] = bad;
    CHECK(refusal().find("pending: retention ") != std::string::npos);
  }
  SECTION("what is left by a mini-batch under way") {
    stepwise.batch_decay = bad;
    CHECK(refusal().find("batch_decay: ") != std::string::npos);
  }
  SECTION("a weight") {
    stepwise.pending.weights[1] = bad > 0 && bad < 2 ? 0.0 : bad;
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
