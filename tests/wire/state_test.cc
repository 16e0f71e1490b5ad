#include "emulsion/wire/state.h"

#include <google/protobuf/stubs/logging.h>

#include <catch2/catch.hpp>
#include <random>

#include "emulsion/wire/checkpoint.h"
#include "emulsion/wire/convert.h"
#include "lib/sample.h"
#include "wire/state_example.h"

using namespace emulsion;
using namespace emulsion::wire;
using testing::kLearner;
using testing::quick;
using testing::sample;
using testing::state_of;
using testing::with_section;

namespace {

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

