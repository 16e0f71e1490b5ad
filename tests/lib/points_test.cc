// Points that somebody else keeps.
#include "emulsion/points.h"

#include <catch2/catch.hpp>
#include <vector>

using namespace emulsion;

TEST_CASE("a view tells the coordinates, weights and times of the points behind it") {
  const double values[] = {1, 2, 3, 4, 5, 6};
  const double weights[] = {1, 2, 0.5};
  const std::int64_t times[] = {10, 20, 30};
  const PointView view(values, Element::f64, 2, 3, weights, times);
  CHECK(view.coordinate(1, 0) == 3);
  CHECK(view.weight(2) == 0.5);
  CHECK(view.unix_nanoseconds(1) == 20);
  const PointView rest = view.slice(1, 2);
  double point[2];
  rest.copy(1, point);
  CHECK(point[0] == 5);
  CHECK(point[1] == 6);
  CHECK(rest.weight(0) == 2);
  CHECK(rest.unix_nanoseconds(1) == 30);
}

TEST_CASE("a view reads single precision where it lies, at any address") {
  const float values[] = {0.1F, 0.2F, 0.3F, 0.4F};
  std::vector<char> bytes(sizeof values + 1);
  std::memcpy(bytes.data() + 1, values, sizeof values);
  const PointView view(bytes.data() + 1, Element::f32, 2, 2);
  CHECK(view.coordinate(1, 1) == static_cast<double>(0.4F));
  CHECK(view.slice(1, 1).coordinate(0, 0) == static_cast<double>(0.3F));
  CHECK(view.weight(0) == 1);
  CHECK(!view.has_times());
}

TEST_CASE("a batch is a view of itself") {
  PointBatch batch;
  batch.points = Eigen::MatrixXd::Random(3, 4);
  const PointView view = batch;
  for (Index i = 0; i < 4; ++i)
    for (Index j = 0; j < 3; ++j) CHECK(view.coordinate(i, j) == batch.points(j, i));
  CHECK(!view.has_weights());
}
