// Reads the golden files: one encoded message each, made by `golden_test.py --write`.
#pragma once

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <string>

namespace emulsion::wire {

inline std::string golden(const std::string& name) {
  const std::string path = std::string(EMULSION_SOURCE_DIR) + "/tests/wire/golden/" + name + ".binpb";
  std::ifstream file(path, std::ios::binary);
  INFO(path);
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace emulsion::wire
