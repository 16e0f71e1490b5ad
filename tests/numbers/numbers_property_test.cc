// Any sequence of messages, of any numbers, leaves a model that is one. How many sequences are drawn is set by RC_PARAMS
// (max_success), the seed as well; a sequence that fails is made shorter and printed.
#include <rapidcheck.h>

#include <array>
#include <catch2/catch.hpp>
#include <limits>

#include "daemon/feed.h"
#include "emulsion/wire/state.h"
#include "not_finite.h"
#include "numbers/soundness.h"
#include "numbers/ugly_points.h"

using namespace emulsion;
using namespace emulsion::service;
using namespace emulsion::testing;

namespace {

// A sequence is written as bytes: what kind of stream; then row after row, or what else is done.
using Script = std::vector<int>;

constexpr std::array kNumbers = {
    0.0,    -0.0,  1.0,     -1.0,    0.5,   2.0,   3.0,    0.25, 1e-3,  7.5,    -4.0,   1e8,     1.7e9,     1.7e12,     1.7e18, 1e20,
    -1e100, 1e100, 1e149,   -1e149,  1e150, 1e155, -1e200, 1e-8, 1e-16, 1e-100, 1e-160, 5e-324,  -1e-310,   kNan,       kNan,   kInfinity,
};

constexpr std::array kWeights = {1e-30, 1e30, 0.5, 1e12};

class Player {
 public:
  Player(const FamilyCase& family, int kind) : family_(family), options_(options_for(family, kind)), stream_(make_stream(options_)), sampler_(static_cast<std::uint64_t>(kind)) {}

  void play(int code) {
    if (code < 224) return add_row(code);
    send();
    StreamOutput output;
    switch (code % 8) {
      case 0:
        stream_.flush(output);
        break;
      case 1:
        stream_.reset(output);
        break;
      case 2:
        if (stream_.has_model()) stream_.pause(output);
        break;
      case 3:
        stream_.resume(output);
        break;
      case 4:
        restore();
        break;
      case 5:
        weight_ = kWeights[static_cast<std::size_t>(code / 8) % kWeights.size()];
        break;
      default:
        break;
    }
    check(output);
  }

  void send() {
    if (rows_.empty()) return;
    PointBatch batch;
    batch.points.resize(family_.dimension, static_cast<Index>(rows_.size()));
    for (std::size_t i = 0; i < rows_.size(); ++i) batch.points.col(static_cast<Index>(i)) = rows_[i];
    if (weight_ != 1) {
      batch.weights = Eigen::VectorXd::Ones(batch.size());
      for (Index i = 0; i < batch.size(); i += 2) batch.weights[i] = weight_;
    }
    rows_.clear();
    StreamOutput output;
    stream_.take(points_message(sequence_++, std::move(batch)), output);
    check(output);
  }

 private:
  static StreamOptions options_for(const FamilyCase& family, int kind) {
    StreamOptions options = eager_options(family.name, 1 + kind % 4);
    options.learner.batch_points = 1 + kind / 4 % 8;
    options.learner.seed.points = 4 + kind / 32 % 4;
    options.learner.averaging = kind % 3 == 0;
    options.learner.assignment = kind % 5 == 0 ? Assignment::hard : Assignment::soft;
    return options;
  }

  // Half of the rows are good ones; the others mix numbers of the table.
  void add_row(int code) {
    if (code < 96) return rows_.push_back(good_points(family_, 1, sampler_).col(0));
    Eigen::VectorXd row(family_.dimension);
    for (Index j = 0; j < row.size(); ++j) row[j] = kNumbers[static_cast<std::size_t>(code * (j + 1) + code / 32 * j) % kNumbers.size()];
    rows_.push_back(code % 2 == 0 && row.allFinite() ? into_support(family_, row) : row);
  }

  // Goes on from what is saved; what is said from then on must be the same.
  void restore() {
    auto state = wire::decode_state(wire::encode_state(stream_.state()));
    RC_ASSERT(state.has_value());
    auto restored = Stream::restore("radar", options_, std::nullopt, std::move(*state));
    if (!restored) RC_FAIL(restored.error().message);
    RC_ASSERT(restored->digest() == stream_.digest());
    stream_ = std::move(*restored);
  }

  void check(const StreamOutput& output) {
    const std::string fault = fault_of(stream_, output);
    if (!fault.empty()) RC_FAIL(family_.name + ": " + fault);
  }

  const FamilyCase& family_;
  StreamOptions options_;
  Stream stream_;
  Sampler sampler_;
  std::vector<Eigen::VectorXd> rows_;
  double weight_ = 1;  // of every other row
  std::uint64_t sequence_ = 0;
};

// Plays sequences to some of the families.
//   behind  one behind the last; nothing: all that there are
void check_families(std::size_t first, std::optional<std::size_t> behind = {}) {
  const auto families = family_cases();
  const std::size_t last = behind.value_or(families.size());
  REQUIRE(first < last);
  const bool passed = rc::check([&] {
    const FamilyCase& family = families[*rc::gen::inRange(first, last)];
    Player player(family, *rc::gen::inRange(0, 256));
    const Script script = *rc::gen::container<Script>(rc::gen::inRange(0, 256));
    for (const int code : script) player.play(code);
    player.send();
  });
  CHECK(passed);
}

}  // namespace

TEST_CASE("any sequence leaves Gaussians sound") { check_families(0, 5); }
TEST_CASE("any sequence leaves families of positive numbers sound") { check_families(5, 8); }
TEST_CASE("any sequence leaves families of counts and categories sound") { check_families(8, 12); }
TEST_CASE("any sequence leaves products, Student's t, directions and noise sound") { check_families(12); }
