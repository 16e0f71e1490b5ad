// Files of points that tests write and read.
#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include "emulsion/wire/point_reader.h"

namespace emulsion::testing {

inline Result<wire::PointReader> reader_of(const std::string& text, const std::string& name, wire::PointReaderOptions options = {}) {
  return wire::PointReader::make(std::make_unique<std::istringstream>(text), name, std::move(options));
}

// Everything that is left, in one table.
inline wire::PointTable rest(wire::PointReader& reader) {
  auto table = reader.read(1 << 20);
  REQUIRE(table);
  REQUIRE(*table);
  CHECK_FALSE(reader.read(1).value());
  return std::move(**table);
}

// A file read whole.
inline wire::PointTable all_of(const std::string& text, const std::string& name, wire::PointReaderOptions options = {}) {
  auto reader = reader_of(text, name, std::move(options));
  INFO((reader ? "" : reader.error().message));
  REQUIRE(reader);
  return rest(*reader);
}

// An array as numpy saves it.
inline std::string npy(const std::string& header, const std::string& body, int version = 1) {
  std::string text = std::string("\x93NUMPY") + static_cast<char>(version) + '\0';
  const auto size = static_cast<std::uint32_t>(header.size());
  text.append(reinterpret_cast<const char*>(&size), version == 1 ? 2 : 4);
  return text + header + body;
}

template <typename T>
std::string bytes_of(std::initializer_list<T> values) {
  return std::string(reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T));
}

}  // namespace emulsion::testing
