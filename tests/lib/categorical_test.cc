// What categorical families compute, by hand.
#include "emulsion/categorical.h"

#include <catch2/catch.hpp>

#include "lib/family_example.h"

namespace emulsion {
namespace {

using namespace testing;

TEST_CASE("a categorical family is made for its number of categories, once") {
  CHECK(known_family("categorical(2)").name() == "categorical(2)");
  CHECK(known_family("categorical(1024)").layout(3).front().size == 3072);
  CHECK(&known_family("categorical(7)") == &known_family("categorical(7)"));
  CHECK(&known_family("categorical(07)") == &known_family("categorical(7)"));
  CHECK(known_family("categorical(4)").free_parameters(3, 2) == 18);
  CHECK(known_family("categorical(4)").layout(3).front().name == "probabilities");
}

TEST_CASE("a categorical family without a good number of categories is refused") {
  CHECK(refusal_of("categorical") ==
        "family \"categorical\": write the number of categories, 2 to 1024, such as categorical(4)");
  CHECK(refusal_of("categorical(1)") == "family \"categorical(1)\": 1 categories, expected 2 to 1024");
  CHECK(refusal_of("categorical(1025)") == "family \"categorical(1025)\": 1025 categories, expected 2 to 1024");
  CHECK(refusal_of("categorical(four)") == "family \"categorical(four)\": four categories, expected 2 to 1024");
  CHECK(refusal_of("categorical(4.5)") == "family \"categorical(4.5)\": 4.5 categories, expected 2 to 1024");
  CHECK(refusal_of("categorical(99999999999999999999)").ends_with("categories, expected 2 to 1024"));
  CHECK(refusal_of("categorically(4)").starts_with("family \"categorically(4)\" is unknown; there are: "));
}

TEST_CASE("the list of families tells that categorical needs a number") {
  const auto names = family_names();
  CHECK(std::find(names.begin(), names.end(), "categorical(N)") != names.end());
}

TEST_CASE("a categorical log density is the sum of the logarithms of the probabilities of what is there") {
  const auto bank =
      known_family("categorical(3)").unpack((Eigen::VectorXd(6) << 0.5, 0.25, 0.25, 0.125, 0.125, 0.75).finished(), 2);
  REQUIRE(bank);
  Eigen::MatrixXd points(2, 3);
  points << 0, 2, std::nan(""), 2, 0, 1;
  const auto found = log_densities(**bank, tile_of(points));
  CHECK(found(0, 0) == Approx(std::log(0.5 * 0.75)).epsilon(1e-15));
  CHECK(found(1, 0) == Approx(std::log(0.25 * 0.125)).epsilon(1e-15));
  CHECK(found(2, 0) == Approx(std::log(0.125)).epsilon(1e-15));
  CHECK((*bank)->means()(0, 0) == Approx(0.75));
  CHECK((*bank)->variances()(0, 0) == Approx(1.25 - 0.5625));
}

TEST_CASE(
    "a categorical M-step counts; what is missing counts for each category as expected; the prior is spread evenly") {
  const Eigen::VectorXd before = (Eigen::VectorXd(6) << 0.5, 0.25, 0.25, 0.125, 0.125, 0.75).finished();
  const auto bank = *known_family("categorical(3)").unpack(before, 2);
  Eigen::MatrixXd points(2, 4);
  points << 0, 0, 1, std::nan(""), 2, 1, 0, 2;
  const auto statistics = statistics_of(*bank, points, Eigen::MatrixXd::Ones(4, 1));
  const auto learned = [&](double strength) {
    return maximise(statistics, *bank, prior_of(points.leftCols(3), {strength, 1e-3, 0}));
  };
  const auto plain = learned(0).bank->pack();
  CHECK(difference(plain, (Eigen::VectorXd(6) << 2.5 / 4, 1.25 / 4, 0.25 / 4, 0.25, 0.25, 0.5).finished()) < 1e-15);
  const auto held = learned(3).bank->pack();
  CHECK(difference(held, (Eigen::VectorXd(6) << 3.5 / 7, 2.25 / 7, 1.25 / 7, 2.0 / 7, 2.0 / 7, 3.0 / 7).finished()) <
        1e-15);
}

TEST_CASE("a category that was never seen has a probability of a billionth without a prior, which is a repair") {
  const auto bank = known_family("categorical(3)").place(Eigen::MatrixXd::Zero(1, 1), Eigen::VectorXd::Ones(1));
  const Eigen::MatrixXd points = Eigen::MatrixXd::Ones(1, 5);
  const auto found =
      maximise(statistics_of(*bank, points, Eigen::MatrixXd::Ones(5, 1)), *bank, prior_of(points, no_prior_options()));
  CHECK(found.repairs.front() == Repair::eigenvalue_floor);
  CHECK(found.bank->pack()(0, 0) == Approx(1e-9).epsilon(1e-8));
  CHECK(found.bank->pack().sum() == Approx(1).epsilon(1e-15));
}

TEST_CASE("a categorical component is placed half on the nearest category and half on all") {
  const auto packed = known_family("categorical(4)").place(Eigen::RowVector3d(1.4, -7, 100), Eigen::VectorXd::Ones(1))->pack();
  CHECK(difference(packed, (Eigen::MatrixXd(4, 3) << 0.125, 0.625, 0.125, 0.625, 0.125, 0.125, 0.125, 0.125, 0.125,
                            0.125, 0.125, 0.625)
                               .finished()) < 1e-15);
}

TEST_CASE("probabilities that are none are refused with their place") {
  const auto reason = [](const Eigen::VectorXd& parameters) {
    const auto bank = known_family("categorical(2)").unpack(parameters, 2);
    return bank ? "accepted" : bank.error().message;
  };
  CHECK(reason(Eigen::Vector4d(0.5, 0.5, 0.25, 0.75)) == "accepted");
  CHECK(reason(Eigen::Vector4d(0.5, 0.5, 0, 1)) ==
        "component 1: coordinate 1: a probability is not a finite number > 0");
  CHECK(reason(Eigen::Vector4d(0.5, 0.6, 0.25, 0.75)) ==
        "component 1: coordinate 0: its probabilities do not sum to 1");
}

}  // namespace
}  // namespace emulsion
