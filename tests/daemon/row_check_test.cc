#include "daemon/row_check.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "not_finite.h"

using namespace emulsion;
using namespace emulsion::service;

namespace {

using testing::kInfinity;
using testing::kNan;

// What a message has, row by row, and what is left of it.
struct Checked {
  PointBatch accepted;
  std::vector<std::uint32_t> refused;
  std::map<std::string, std::uint64_t> reasons;
  std::string first_problem;
};
Checked check(const PointView& points, MissingPolicy missing, const Refusal& refusal = {}) {
  const RefusedRows refused = check_rows(points, missing, refusal);
  return {without_rows(points, refused.rows), refused.rows, refused.reasons, refused.first_problem};
}

PointBatch rows(std::initializer_list<std::pair<double, double>> values) {
  PointBatch batch;
  batch.points.resize(2, static_cast<Index>(values.size()));
  Index i = 0;
  for (const auto& [x, y] : values) batch.points.col(i++) << x, y;
  return batch;
}

}  // namespace

TEST_CASE("good rows pass as they are") {
  PointBatch batch = rows({{1, 2}, {-kLargestCoordinate, kLargestCoordinate}});
  batch.weights = Eigen::Vector2d(1, 2);
  const Checked checked = check(batch, MissingPolicy::refuse);
  CHECK(checked.accepted.points == batch.points);
  CHECK(checked.accepted.weights == batch.weights);
  CHECK(checked.refused.empty());
  CHECK(checked.reasons.empty());
  CHECK(checked.first_problem.empty());
}

TEST_CASE("each fault of a row has its reason, and the others keep their order, weights and times") {
  const double beyond = std::nextafter(kLargestCoordinate, kInfinity);
  PointBatch batch = rows({{kInfinity, 0}, {1, 1}, {0, -kInfinity}, {beyond, 0}, {kNan, kNan}, {2, kNan}, {0, -beyond}, {3, 3}});
  batch.weights = Eigen::VectorXd::LinSpaced(8, 1, 8);
  batch.unix_nanoseconds = {10, 11, 12, 13, 14, 15, 16, 17};

  SECTION("missing coordinates are learned") {
    const Checked checked = check(batch, MissingPolicy::learn);
    CHECK(checked.refused == std::vector<std::uint32_t>{0, 2, 3, 4, 6});
    CHECK(checked.reasons == std::map<std::string, std::uint64_t>{{"not_finite", 2}, {"out_of_range", 2}, {"no_coordinate", 1}});
    REQUIRE(checked.accepted.size() == 3);
    CHECK(checked.accepted.points.row(0) == Eigen::RowVector3d(1, 2, 3));
    CHECK(checked.accepted.weights == Eigen::Vector3d(2, 6, 8));
    CHECK(checked.accepted.unix_nanoseconds == std::vector<std::int64_t>{11, 15, 17});
    CHECK(checked.first_problem == "row 0, coordinate 0: not_finite");
  }
  SECTION("missing coordinates are refused") {
    const Checked checked = check(batch, MissingPolicy::refuse);
    CHECK(checked.refused == std::vector<std::uint32_t>{0, 2, 3, 4, 5, 6});
    CHECK(checked.reasons.at("missing_value") == 2);
    CHECK(checked.accepted.points.row(0) == Eigen::RowVector2d(1, 3));
  }
}

TEST_CASE("a message whose only fault is a missing coordinate passes whole where these are learned") {
  const Checked checked = check(rows({{kNan, 1}, {2, kNan}}), MissingPolicy::learn);
  CHECK(checked.accepted.size() == 2);
  CHECK(checked.refused.empty());
}

TEST_CASE("where every row is refused the dimension stays") {
  const Checked checked = check(rows({{kInfinity, 1}}), MissingPolicy::learn);
  CHECK(checked.accepted.size() == 0);
  CHECK(checked.accepted.dimension() == 2);
}

TEST_CASE("no rows are no problem") {
  const Checked checked = check(PointBatch{}, MissingPolicy::refuse);
  CHECK(checked.accepted.size() == 0);
  CHECK(checked.refused.empty());
}

TEST_CASE("a point that no component can have given is refused in the words of the family") {
  const Refusal negative = [](std::span<const double> point) -> std::optional<std::string> {
    if (point[0] < 0) return "coordinate 0: expected a number > 0";
    return std::nullopt;
  };
  const Checked checked = check(rows({{1, 1}, {-1, 1}, {kNan, 1}, {-2, kInfinity}, {-3, 0}}), MissingPolicy::learn, negative);
  CHECK(checked.refused == std::vector<std::uint32_t>{1, 3, 4});
  CHECK(checked.reasons == std::map<std::string, std::uint64_t>{{"not_finite", 1}, {"out_of_support", 2}});
  CHECK(checked.first_problem == "row 1, coordinate 0: expected a number > 0");
  CHECK(checked.accepted.size() == 2);
}
