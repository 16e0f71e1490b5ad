// Points to values and back.
#include <google/protobuf/io/coded_stream.h>

#include <climits>
#include <cmath>
#include <optional>

#include "emulsion/wire/convert.h"
#include "emulsion/wire/convert_parts.h"
#include "emulsion/wire/quoted.h"
#include "emulsion/wire/topic.h"

namespace emulsion::wire {
namespace {

Result<std::size_t> element_size(int type) {
  if (type == v1::ELEMENT_TYPE_F64) return sizeof(double);
  if (type == v1::ELEMENT_TYPE_F32) return sizeof(float);
  return fail("element_type: " + std::to_string(type) + ", expected 1 (f64) or 2 (f32)");
}

Result<void> check_shape(const v1::Points& message, std::size_t bytes, std::size_t size) {
  const std::uint64_t rows = message.rows();
  const std::uint64_t cols = message.cols();
  if (cols > kMaxDimension) {
    return fail("cols: " + std::to_string(cols) + ", expected at most " + std::to_string(kMaxDimension));
  }
  if (rows > 0 && cols == 0) return fail("cols: 0, expected at least 1, as rows is " + std::to_string(rows));

  static_assert(kMaxDimension <= UINT64_MAX / UINT32_MAX / sizeof(double), "the product below cannot overflow");
  if (bytes != rows * cols * size) {
    return fail("values: " + std::to_string(bytes) + " bytes, expected " +
                std::to_string(rows * cols * size) + " (rows " + std::to_string(rows) + " x cols " +
                std::to_string(cols) + " x " + std::to_string(size) + " bytes)");
  }
  return {};
}

Result<void> check_count(const char* field, int count, std::uint32_t rows) {
  if (count == 0 || static_cast<std::uint32_t>(count) == rows) return {};
  return fail(std::string(field) + ": " + std::to_string(count) + " numbers, expected " +
              (rows == 0 ? "0" : "0 or " + std::to_string(rows)) + ", as rows is " + std::to_string(rows));
}

Result<void> check_weights(const v1::Points& message) {
  for (int i = 0; i < message.weights_size(); ++i) {
    if (!is_weight(message.weights(i)))
      return fail("weights[" + std::to_string(i) + "]: " + text_of(message.weights(i)) + ", expected a number from 1e-30 to 1e30");
  }
  return {};
}

}  // namespace

PointsFields split_at_values(std::string_view payload) {
  const PointsFields whole{payload, std::nullopt, {}};
  if (payload.size() > INT_MAX) return whole;
  // What the low bits of a field's tag say of its length.
  enum WireType : std::uint32_t { kVarint = 0, kFixed64 = 1, kLengthDelimited = 2, kFixed32 = 5 };
  constexpr std::uint32_t kValues = v1::Points::kValuesFieldNumber << 3 | kLengthDelimited;
  google::protobuf::io::CodedInputStream input(reinterpret_cast<const std::uint8_t*>(payload.data()), static_cast<int>(payload.size()));
  std::optional<PointsFields> found;
  for (;;) {
    const auto begin = static_cast<std::size_t>(input.CurrentPosition());
    if (begin == payload.size()) return found.value_or(whole);
    const std::uint32_t tag = input.ReadTag();
    std::uint64_t number = 0;
    int length = 0;
    if (tag >> 3 == 0) return whole;
    switch (tag & 7) {
      case kVarint:
        if (!input.ReadVarint64(&number)) return whole;
        continue;
      case kFixed64:
        length = 8;
        break;
      case kFixed32:
        length = 4;
        break;
      case kLengthDelimited:
        if (!input.ReadVarintSizeAsInt(&length)) return whole;
        break;
      default:
        return whole;
    }
    const auto at = static_cast<std::size_t>(input.CurrentPosition());
    if (!input.Skip(length)) return whole;
    const auto end = static_cast<std::size_t>(input.CurrentPosition());
    // Of several, the last one counts; those before it are read as any other field.
    if (tag == kValues) found = PointsFields{payload.substr(0, begin), payload.substr(at, end - at), payload.substr(end)};
  }
}

Result<PointsMessageView> read(const v1::Points& message, std::string_view values) {
  if (auto ok = check_producer(message.producer()); !ok) return fail(ok.error().message);
  const auto size = element_size(message.element_type());
  if (!size) return fail(size.error().message);
  if (auto ok = check_shape(message, values.size(), *size); !ok) return fail(ok.error().message);
  if (auto ok = check_count("unix_nanoseconds", message.unix_nanoseconds_size(), message.rows()); !ok) {
    return fail(ok.error().message);
  }
  if (auto ok = check_count("weights", message.weights_size(), message.rows()); !ok) return fail(ok.error().message);
  if (auto ok = check_weights(message); !ok) return fail(ok.error().message);

  // Row-major rows x cols is point by point: the numbers stay where they are.
  const PointView points(values.data(), message.element_type() == v1::ELEMENT_TYPE_F32 ? Element::f32 : Element::f64,
                         static_cast<Index>(message.cols()), static_cast<Index>(message.rows()),
                         message.weights_size() > 0 ? message.weights().data() : nullptr,
                         message.unix_nanoseconds_size() > 0 ? message.unix_nanoseconds().data() : nullptr);
  return PointsMessageView{message.producer(), message.session(), message.sequence(), points, message.end_of_stream()};
}

PointsMessage copy_of(const PointsMessageView& view) {
  PointsMessage message;
  message.producer = view.producer;
  message.session = view.session;
  message.sequence = view.sequence;
  message.batch = emulsion::copy_of(view.points);
  message.end_of_stream = view.end_of_stream;
  message.single_precision = view.points.element() == Element::f32;
  return message;
}

void write(const PointsMessage& value, v1::Points& message) {
  const PointBatch& batch = value.batch;
  message.set_producer(value.producer);
  message.set_session(value.session);
  message.set_sequence(value.sequence);
  message.set_rows(static_cast<std::uint32_t>(batch.size()));
  message.set_cols(static_cast<std::uint32_t>(batch.dimension()));
  if (value.single_precision) {
    const Eigen::MatrixXf narrow = batch.points.cast<float>();
    message.set_element_type(v1::ELEMENT_TYPE_F32);
    message.set_values(narrow.data(), static_cast<std::size_t>(narrow.size()) * sizeof(float));
  } else {
    message.set_element_type(v1::ELEMENT_TYPE_F64);
    message.set_values(batch.points.data(), static_cast<std::size_t>(batch.points.size()) * sizeof(double));
  }
  message.mutable_unix_nanoseconds()->Add(batch.unix_nanoseconds.begin(), batch.unix_nanoseconds.end());
  message.mutable_weights()->Add(batch.weights.data(), batch.weights.data() + batch.weights.size());
  message.set_end_of_stream(value.end_of_stream);
}

}  // namespace emulsion::wire
