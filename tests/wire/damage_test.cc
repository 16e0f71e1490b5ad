// Frames that were damaged on the way, or made to do harm: every truncation and every change of one byte.
#include <catch2/catch.hpp>

#include "emulsion/wire/convert.h"
#include "golden.h"

namespace emulsion::wire {
namespace {

// What a decoder gives back must encode to something that decodes to the same; the message itself may differ from the
// golden one.
template <typename Decode>
void check_stable(Codec& codec, const std::string& bytes, Decode decode) {
  const auto message = (codec.*decode)(bytes);
  if (!message) {
    if (message.error().message.empty()) FAIL("an error without words");
    return;
  }
  const std::string once = codec.encode(*message);
  const auto again = (codec.*decode)(once);
  if (!again) FAIL("refused what it had accepted: " << again.error().message);
  if (codec.encode(*again) != once) FAIL("changed what it had accepted");
}

// Every truncation and every change of one byte.
template <typename Check>
void for_each_damage(const std::string& whole, Check check) {
  for (std::size_t size = 0; size < whole.size(); ++size) check(whole.substr(0, size));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string bytes = whole;
    for (int change = 1; change < 256; ++change) {
      bytes[at] = static_cast<char>(static_cast<unsigned char>(whole[at]) ^ static_cast<unsigned char>(change));
      check(bytes);
    }
  }
}

bool is_consistent(const PointsMessage& message) {
  const PointBatch& batch = message.batch;
  const Index n = batch.size();
  return batch.dimension() <= kMaxDimension && (n == 0 || batch.dimension() > 0) &&
         (batch.weights.size() == 0 || batch.weights.size() == n) && (batch.weights.array() > 0).all() &&
         (batch.unix_nanoseconds.empty() || static_cast<Index>(batch.unix_nanoseconds.size()) == n);
}

TEST_CASE("damaged points are refused or consistent, never a crash") {
  const std::string name = GENERATE("points_f64", "points_f32");
  Codec codec;
  int accepted = 0;
  int refused = 0;
  for_each_damage(golden(name), [&](const std::string& bytes) {
    check_stable(codec, bytes, &Codec::decode_points);
    const auto message = codec.decode_points(bytes);
    ++(message ? accepted : refused);
    if (message && !is_consistent(*message)) FAIL("accepted points that contradict themselves");
  });
  CHECK(accepted > 0);
  CHECK(refused > 0);
}

TEST_CASE("any other damaged message is refused or consistent, never a crash") {
  Codec codec;
  for_each_damage(golden("labels"), [&](const std::string& b) { check_stable(codec, b, &Codec::decode_labels); });
  for_each_damage(golden("hello"), [&](const std::string& b) { check_stable(codec, b, &Codec::decode_hello); });
  for_each_damage(golden("acknowledgement"), [&](const std::string& b) { check_stable(codec, b, &Codec::decode_acknowledgement); });
  for_each_damage(golden("event"), [&](const std::string& b) { check_stable(codec, b, &Codec::decode_event); });
  for (const char* name : {"model_full", "model_diagonal", "model_spherical", "model_tied"}) {
    for_each_damage(golden(name), [&](const std::string& b) { check_stable(codec, b, &Codec::decode_model); });
  }
  for (const char* name : {"request_get_model", "request_status", "request_shutdown"}) {
    for_each_damage(golden(name), [&](const std::string& b) { check_stable(codec, b, &Codec::decode_request); });
  }
  for (const char* name : {"reply_error", "reply_status", "reply_get_model", "reply_save", "reply_flush"}) {
    for_each_damage(golden(name), [&](const std::string& b) { check_stable(codec, b, &Codec::decode_reply); });
  }
}

}  // namespace
}  // namespace emulsion::wire
