#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "decoding.h"
#include "not_finite.h"

namespace emulsion::wire {
namespace {

using testing::kInfinity;
using testing::kNan;

TEST_CASE("rows on the wire become columns of points") {
  const auto message =
      Codec().decode_points(points_head(3, 2).packed(7, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0).varint(3, 812).str());
  REQUIRE(message);
  CHECK(message->producer == "a1");
  CHECK(message->sequence == 812);
  CHECK(message->batch.dimension() == 2);
  CHECK(message->batch.size() == 3);
  CHECK(message->batch.points.col(0) == Eigen::Vector2d(1, 2));
  CHECK(message->batch.points.col(2) == Eigen::Vector2d(5, 6));
  CHECK(message->batch.weights.size() == 0);
  CHECK_FALSE(message->batch.has_times());
  CHECK_FALSE(message->end_of_stream);
  CHECK_FALSE(message->single_precision);
}

TEST_CASE("single precision is widened exactly") {
  const auto message = Codec().decode_points(points_head(2, 1, 2).packed(7, 0.1f, -1e30f).str());
  REQUIRE(message);
  CHECK(message->batch.points(0, 0) == static_cast<double>(0.1f));
  CHECK(message->batch.points(0, 1) == static_cast<double>(-1e30f));
  CHECK(message->single_precision);
}

TEST_CASE("the numbers may stand anywhere among the fields, and the last ones count") {
  const RawMessage head = points_head(1, 2).varint(3, 812);
  const RawMessage numbers = RawMessage().packed(7, 5.0, 6.0);
  const RawMessage weight = RawMessage().packed(9, 2.0);
  // Fields that nobody knows: of each wire type, and a group.
  const std::string unknown = RawMessage().varint(99, 1).fixed64(98, 1.5).bytes(97, "unknown").str() + "\xA5\x06" "four" + "\xE3\x05\xE4\x05";
  const std::string parts[] = {head.str(), numbers.str(), weight.str(), unknown};
  int order[] = {0, 1, 2, 3};
  do {
    std::string bytes;
    for (const int part : order) bytes += parts[part];
    for (const std::string& earlier : {std::string(), RawMessage().packed(7, 1.0).str()}) {
      const auto message = Codec().decode_points(earlier + bytes);
      REQUIRE(message);
      CHECK(message->sequence == 812);
      CHECK(message->batch.points.col(0) == Eigen::Vector2d(5, 6));
      CHECK(message->batch.weights[0] == 2);
    }
  } while (std::next_permutation(std::begin(order), std::end(order)));
}

TEST_CASE("numbers are read where they are") {
  const std::string bytes = points_head(1, 2).packed(7, 5.0, 6.0).packed(9, 2.0).str();
  Codec codec;
  const auto message = codec.view_points(bytes);
  REQUIRE(message);
  const auto* const at = static_cast<const char*>(message->points.values());
  CHECK((at >= bytes.data() && at < bytes.data() + bytes.size()));
}

TEST_CASE("points in single precision travel in half the bytes") {
  PointsMessage message;
  message.producer = "a1";
  message.batch.points = Eigen::MatrixXd::Constant(4, 100, 0.1);
  const std::string full = Codec().encode(message);
  message.single_precision = true;
  const std::string half = Codec().encode(message);
  CHECK(full.size() - half.size() == 4 * 100 * 4);
  const auto decoded = Codec().decode_points(half);
  REQUIRE(decoded);
  CHECK(decoded->batch.points(3, 99) == static_cast<double>(0.1f));
}

TEST_CASE("NaN and infinite coordinates pass: the stream decides about them") {
  const auto message = Codec().decode_points(points_head(1, 2).packed(7, kNan, kInfinity).str());
  REQUIRE(message);
  CHECK(std::isnan(message->batch.points(0, 0)));
  CHECK(message->batch.points(1, 0) == kInfinity);
}

TEST_CASE("a message may have no rows, and then still ends a stream") {
  const auto message = Codec().decode_points(points_head(0, 0).varint(10, 1).str());
  REQUIRE(message);
  CHECK(message->batch.size() == 0);
  CHECK(message->end_of_stream);
  CHECK(Codec().decode_points(points_head(0, 3).str())->batch.dimension() == 3);
}

TEST_CASE("values that do not fill rows x cols are refused with the arithmetic") {
  CHECK(points_error(points_head(3, 2).bytes(7, std::string(47, 'x'))) ==
        "points: values: 47 bytes, expected 48 (rows 3 x cols 2 x 8 bytes)");
  CHECK(points_error(points_head(3, 2).bytes(7, std::string(49, 'x'))) ==
        "points: values: 49 bytes, expected 48 (rows 3 x cols 2 x 8 bytes)");
  CHECK(points_error(points_head(3, 2, 2).bytes(7, std::string(48, 'x'))) ==
        "points: values: 48 bytes, expected 24 (rows 3 x cols 2 x 4 bytes)");
  CHECK(points_error(points_head(0, 2).bytes(7, std::string(16, 'x'))) ==
        "points: values: 16 bytes, expected 0 (rows 0 x cols 2 x 8 bytes)");
}

TEST_CASE("a shape whose size would overflow is refused before memory is taken") {
  CHECK(points_error(points_head(0xFFFFFFFF, 1024)) ==
        "points: values: 0 bytes, expected 35184372080640 (rows 4294967295 x cols 1024 x 8 bytes)");
  // 2^29 rows x 1 column x 8 bytes is 0 in 32 bits, as is 2^22 x 1024.
  CHECK(points_error(points_head(1u << 29, 1)) ==
        "points: values: 0 bytes, expected 4294967296 (rows 536870912 x cols 1 x 8 bytes)");
  CHECK(points_error(points_head(1u << 22, 1024)).find("expected 34359738368 ") != std::string::npos);
}

TEST_CASE("the number of columns is bounded, and not 0 where there are rows") {
  CHECK(points_error(points_head(1, 1025)) == "points: cols: 1025, expected at most 1024");
  CHECK(points_error(points_head(0, 0xFFFFFFFF)) == "points: cols: 4294967295, expected at most 1024");
  CHECK(points_error(points_head(2, 0)) == "points: cols: 0, expected at least 1, as rows is 2");
  CHECK(points_error(points_head(1, 1024).bytes(7, std::string(8192, '\0'))) == "accepted");
}

TEST_CASE("an unknown element type is refused") {
  CHECK(points_error(points_head(0, 1, 0)) == "points: element_type: 0, expected 1 (f64) or 2 (f32)");
  CHECK(points_error(points_head(0, 1, 3)) == "points: element_type: 3, expected 1 (f64) or 2 (f32)");
}

TEST_CASE("there are as many times and weights as rows, or none") {
  const RawMessage two = points_head(2, 1).packed(7, 1.0, 2.0);
  CHECK(points_error(RawMessage(two).packed(8, std::int64_t{1})) ==
        "points: unix_nanoseconds: 1 numbers, expected 0 or 2, as rows is 2");
  CHECK(points_error(RawMessage(two).packed(9, 1.0, 2.0, 3.0)) ==
        "points: weights: 3 numbers, expected 0 or 2, as rows is 2");
  CHECK(points_error(points_head(0, 1).packed(9, 1.0)) == "points: weights: 1 numbers, expected 0, as rows is 0");

  const auto message =
      Codec().decode_points(RawMessage(two).packed(8, std::int64_t{-5}, std::int64_t{7}).packed(9, 0.5, 2.0).str());
  REQUIRE(message);
  CHECK(message->batch.unix_nanoseconds == std::vector<std::int64_t>{-5, 7});
  CHECK(message->batch.weights == Eigen::Vector2d(0.5, 2));
}

TEST_CASE("a weight is neither too small nor too large to be added up") {
  const auto error = [](double weight) {
    return points_error(points_head(2, 1).packed(7, 1.0, 2.0).packed(9, 1.0, weight));
  };
  CHECK(error(0) == "points: weights[1]: 0, expected a number from 1e-30 to 1e30");
  CHECK(error(-1) == "points: weights[1]: -1, expected a number from 1e-30 to 1e30");
  CHECK(error(1e-31) == "points: weights[1]: 1e-31, expected a number from 1e-30 to 1e30");
  CHECK(error(1e31) == "points: weights[1]: 1e+31, expected a number from 1e-30 to 1e30");
  CHECK(error(kNan) == "points: weights[1]: nan, expected a number from 1e-30 to 1e30");
  CHECK(error(kInfinity) == "points: weights[1]: inf, expected a number from 1e-30 to 1e30");
  CHECK(error(1e-30) == "accepted");
  CHECK(error(1e30) == "accepted");
}

TEST_CASE("a bad producer name is refused, and its bytes are escaped and capped") {
  CHECK(points_error(RawMessage().varint(6, 1)) ==
        "points: producer: \"\", expected 1 to 64 of the characters A-Z a-z 0-9 . _ : -");
  CHECK(points_error(RawMessage().bytes(1, "a\nb")).find("producer: \"a\\x0Ab\"") != std::string::npos);
  CHECK(points_error(RawMessage().bytes(1, std::string(1 << 20, 'a'))).size() < 200);
}

TEST_CASE("of points that are refused it is known whose they are, unless they are no message at all") {
  Codec codec;
  const Eigen::MatrixXd ones = Eigen::MatrixXd::Ones(1, 1);
  const PointsMessage bad{"a", 7, 3, PointBatch{ones, Eigen::VectorXd::Constant(1, -1), {}}, false, false};
  const std::string bytes = codec.encode(bad);
  REQUIRE_FALSE(codec.view_points(bytes));
  REQUIRE(codec.refused_points());
  CHECK(codec.refused_points()->producer == "a");
  CHECK(codec.refused_points()->session == 7);
  CHECK(codec.refused_points()->sequence == 3);
  // Half a message, which would have another sequence.
  REQUIRE_FALSE(codec.view_points(std::string_view(bytes).substr(0, 13)));
  CHECK_FALSE(codec.refused_points());
}

}  // namespace
}  // namespace emulsion::wire
