// Arrays of numpy, read as points.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <string>

#include "wire/point_reading.h"

using namespace emulsion;
using namespace emulsion::wire;
using namespace emulsion::testing;

TEST_CASE("every number type of numpy is read", "[reader][npy]") {
  const auto first = [](const std::string& type, const std::string& body) {
    return all_of(npy("{'descr': '" + type + "', 'fortran_order': False, 'shape': (1,), }", body), "p.npy")
        .batch.points(0, 0);
  };
  CHECK(first("<f8", bytes_of<double>({-1.5})) == -1.5);
  CHECK(first("<f4", bytes_of<float>({-1.5})) == -1.5);
  CHECK(first("<i8", bytes_of<std::int64_t>({-2})) == -2);
  CHECK(first("<i4", bytes_of<std::int32_t>({-2})) == -2);
  CHECK(first("<i2", bytes_of<std::int16_t>({-2})) == -2);
  CHECK(first("|i1", bytes_of<std::int8_t>({-2})) == -2);
  CHECK(first("<u8", bytes_of<std::uint64_t>({18446744073709551615u})) == 18446744073709551615.0);
  CHECK(first("<u4", bytes_of<std::uint32_t>({4294967295})) == 4294967295);
  CHECK(first("<u2", bytes_of<std::uint16_t>({65535})) == 65535);
  CHECK(first("|u1", bytes_of<std::uint8_t>({255})) == 255);
}

TEST_CASE("an infinite number of an array is named with its row", "[reader][npy]") {
  auto reader = reader_of(
      npy("{'descr':'<f4','fortran_order':False,'shape':(2,2)}", bytes_of<float>({1, 2, 3, -INFINITY})), "p.npy");
  REQUIRE(reader);
  CHECK(reader->read(9).value()->batch.size() == 1);
  CHECK(reader->read(9).error().message == "p.npy: row 2: column \"x1\": -inf is not a finite number");
}

TEST_CASE("an npy file is checked before anything is allocated for it", "[reader][npy]") {
  const auto error = [](const std::string& header, const std::string& body = "") {
    auto reader = reader_of(npy(header, body), "p.npy");
    if (!reader) return reader.error().message;
    auto table = reader->read(1000);
    if (table) table = reader->read(1000);
    REQUIRE_FALSE(table);
    CHECK_FALSE(reader->read(1).value());  // and that is its end
    return table.error().message;
  };
  const auto shaped = [&](const std::string& shape, const std::string& body = "", const std::string& order = "False") {
    return error("{'descr': '<f8', 'fortran_order': " + order + ", 'shape': " + shape + ", }", body);
  };
  const std::string wrong = "p.npy: the header is not a dictionary of descr, fortran_order and shape";
  CHECK(shaped("(4611686018427387904, 2)") == "p.npy: 4611686018427387904 rows are more than a file can hold");
  CHECK(shaped("(1000000000000, 2)") == "p.npy: cut short in row 1 of 1000000000000");
  CHECK(shaped("(1000000000000, 2)", "", "True") == "p.npy: cut short in row 1 of 1000000000000");
  CHECK(shaped("(2, 100000)") == "p.npy: 100000 columns; allowed: 1 to 65536");
  CHECK(shaped("(2, 0)") == "p.npy: 0 columns; allowed: 1 to 65536");
  CHECK(shaped("()") == "p.npy: an array of 0 dimensions; expected 2, rows and columns, or 1");
  CHECK(shaped("(1, 1, 1)") == "p.npy: an array of 3 dimensions; expected 2, rows and columns, or 1");
  CHECK(shaped("(99999999999999999999999,)") == wrong);
  CHECK(shaped("(-1,)") == wrong);
  CHECK(shaped("(2,)", bytes_of<double>({1})) == "p.npy: cut short in row 2 of 2");
  CHECK(shaped("(1,)", bytes_of<double>({1, 2})) == "p.npy: bytes behind the last row");
  CHECK(error("{'descr': '>f8', 'fortran_order': False, 'shape': (1,)}") ==
        "p.npy: type \">f8\" is not supported; save it with astype(\"<f8\"), or as little-endian f4, i1 to i8 or u1 to "
        "u8");
  CHECK(error("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}") ==
        "p.npy: a structured type is not supported; save the fields as columns of one array");
  CHECK(error("{'descr': '<f8', 'fortran_order': False}") == wrong);
  CHECK(error("{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (1,)}") == wrong);
  CHECK(error("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)} + exit()") == wrong);
  CHECK(error("") == wrong);

  CHECK(reader_of(npy("{}", "", 4), "p.npy").error().message ==
        "p.npy: npy version 4.0 is not known; allowed: 1.0, 2.0, 3.0");
  CHECK(reader_of(std::string("\x93NUMPY\x02\0\xff\xff\xff\x7f", 12), "p.npy").error().message ==
        "p.npy: the header has 2147483647 bytes; allowed: 65536");
  CHECK(reader_of(std::string("\x93NUMPY\x01\0\x10\0{", 11), "p.npy").error().message ==
        "p.npy: the header is cut short");
}
