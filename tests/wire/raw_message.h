// A message written by hand in protobuf's encoding, to send what a Codec never would.
//
// Field numbers are those of proto/emulsion/v1. Source: protobuf.dev, "Encoding".
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace emulsion::wire {

class RawMessage {
 public:
  RawMessage& varint(int field, std::uint64_t value) {
    tag(field, 0);
    append_varint(value);
    return *this;
  }

  RawMessage& fixed64(int field, double value) {
    tag(field, 1);
    append(value);
    return *this;
  }

  // A string, bytes, a message inside, or packed numbers.
  RawMessage& bytes(int field, std::string_view value) {
    tag(field, 2);
    append_varint(value.size());
    bytes_ += value;
    return *this;
  }

  RawMessage& message(int field, const RawMessage& inner) { return bytes(field, inner.bytes_); }

  template <typename... Numbers>
  RawMessage& packed(int field, Numbers... numbers) {
    RawMessage inner;
    (inner.append(numbers), ...);
    return bytes(field, inner.bytes_);
  }

  const std::string& str() const { return bytes_; }

 private:
  void tag(int field, unsigned wire_type) { append_varint(static_cast<std::uint64_t>(field) << 3 | wire_type); }

  void append_varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }

  template <typename Number>
  void append(Number number) {
    char raw[sizeof(Number)];
    std::memcpy(raw, &number, sizeof(Number));
    bytes_.append(raw, sizeof(Number));
  }

  std::string bytes_;
};

}  // namespace emulsion::wire
