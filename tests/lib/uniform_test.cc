#include "emulsion/uniform.h"

#include <catch2/catch.hpp>

#include "lib/bank_at_work.h"

namespace emulsion {
namespace {

using namespace testing;

std::shared_ptr<const Bank> box(const Eigen::VectorXd& lowest, const Eigen::VectorXd& highest) {
  Eigen::VectorXd parameters(2 * lowest.size());
  parameters << lowest, highest;
  const auto bank = uniform().unpack(parameters, lowest.size());
  if (!bank) FAIL(bank.error().message);
  return *bank;
}

TEST_CASE("the density of noise is one over the volume, at every place", "[uniform]") {
  const auto bank = box(Eigen::Vector2d(-1, 10), Eigen::Vector2d(3, 15));
  for (const Eigen::Vector2d& point : {Eigen::Vector2d(0, 12), Eigen::Vector2d(3, 15), Eigen::Vector2d(1e6, -1e200)})
    CHECK(log_densities(*bank, tile_of(point))(0, 0) == Approx(-std::log(20)).epsilon(1e-15));
}

TEST_CASE("a point that lacks coordinates has the density of the others", "[uniform]") {
  const auto bank = box(Eigen::Vector2d(-1, 10), Eigen::Vector2d(3, 15));
  CHECK(log_densities(*bank, tile_of(Eigen::Vector2d(std::nan(""), 12)))(0, 0) == Approx(-std::log(5)).epsilon(1e-15));
  CHECK(log_densities(*bank, tile_of(Eigen::Vector2d(1, std::nan(""))))(0, 0) == Approx(-std::log(4)).epsilon(1e-15));
}

TEST_CASE("a box as wide as all numbers still has a density", "[uniform]") {
  const double largest = std::numeric_limits<double>::max();
  const auto bank = box(Eigen::VectorXd::Constant(1, -largest), Eigen::VectorXd::Constant(1, largest));
  CHECK(log_densities(*bank, tile_of(Eigen::VectorXd::Zero(1)))(0, 0) == Approx(-std::log(2.0) - std::log(largest)).epsilon(1e-15));
}

TEST_CASE("the box is the range of the stream, also for components that would keep theirs", "[uniform]") {
  const auto before = box(Eigen::Vector2d(0, 0), Eigen::Vector2d(1, 1));
  const Prior prior{{}, Eigen::Vector2d(4, 9), Eigen::Vector2d(0, 0), Eigen::Vector2d(-5, 7), Eigen::Vector2d(-2, 7)};
  for (const bool keep : {false, true}) {
    const auto found = uniform().maximise(uniform().empty(2, 1), prior, *before, {keep}, Workers::alone()).bank->pack();
    CHECK(found == Eigen::Vector4d(-5, 5.5, -2, 8.5));  // a coordinate that has not varied is as wide as the stream's scale
  }
}

TEST_CASE("between the least of numbers the box is as wide as the stream's scale", "[uniform]") {
  const double least = std::numeric_limits<double>::denorm_min();
  const auto one = [](double x) { return Eigen::VectorXd::Constant(1, x); };
  const Prior prior{{}, one(4), one(0), one(0), one(least)};
  const auto found = uniform().maximise(uniform().empty(1, 1), prior, *box(one(0), one(1)), {false}, Workers::alone()).bank;
  CHECK(log_densities(*found, tile_of(one(0)))(0, 0) == Approx(-std::log(2)).epsilon(1e-15));
  CHECK_FALSE(uniform().unpack(Eigen::Vector2d(0, least), 1));
}

TEST_CASE("a box is placed where points spread evenly have that mean and variance", "[uniform]") {
  const auto bank = uniform().place(Eigen::Vector2d(3, -1), Eigen::Vector2d(3, 12));
  CHECK((bank->pack().col(0) - Eigen::Vector4d(0, -7, 6, 5)).norm() < 1e-14);
  CHECK((bank->variances().col(0) - Eigen::Vector2d(3, 12)).norm() < 1e-14);
  CHECK(bank->means().col(0) == Eigen::Vector2d(3, -1));
}

TEST_CASE("a box without an inside is refused", "[uniform]") {
  for (const double highest : {1.0, 0.5}) {
    const auto bank = uniform().unpack(Eigen::Vector2d(1, highest), 1);
    REQUIRE_FALSE(bank);
    CHECK(bank.error().message == "component 1: lowest is not below highest");
  }
}

TEST_CASE("only noise is noise", "[uniform]") {
  CHECK(uniform().is_noise());
  for (const std::string& name : family_names())
    if (const auto family = find_family(name); family && name != "uniform") CHECK_FALSE((*family)->is_noise());
}

}  // namespace
}  // namespace emulsion
