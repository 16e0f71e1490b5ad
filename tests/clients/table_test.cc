#include "clients/table.h"

#include <catch2/catch.hpp>
#include <limits>

namespace emulsion::client {

TEST_CASE("a table aligns its columns and ends no line with spaces") {
  Table table;
  table.column("name", Align::left);
  table.column("points", Align::right);
  table.column("note", Align::left);
  table.row({"a", "8143", ""});
  table.row({"occupancy", "7", "starved"});
  CHECK(table.render() ==
        "name       points  note\n"
        "a            8143\n"
        "occupancy       7  starved\n");
}

TEST_CASE("columns that do not fit follow in a further block under the first column again") {
  Table table;
  for (const char* heading : {"id", "aaaa", "bbbb", "cccc"}) table.column(heading, Align::right);
  table.row({"1", "10", "20", "30"});
  CHECK(table.render(14) ==
        "id  aaaa  bbbb\n"
        " 1    10    20\n"
        "\n"
        "id  cccc\n"
        " 1    30\n");
}

TEST_CASE("a column wider than the table stays whole") {
  Table table;
  table.column("id", Align::left);
  table.column("a heading of many letters", Align::left);
  CHECK(table.render(5) == "id  a heading of many letters\n");
  CHECK(Table().render().empty());
}

TEST_CASE("characters beyond ASCII take one place") {
  CHECK(display_width("1 ± 2") == 5);
  Table table;
  table.column("x", Align::right);
  table.column("y", Align::left);
  table.row({"1 ± 2", "a"});
  table.row({"12345", "b"});
  CHECK(table.render() == "    x  y\n1 ± 2  a\n12345  b\n");
}

TEST_CASE("a text that is too long ends in an ellipsis") {
  CHECK(fit("abcdef", 6) == "abcdef");
  CHECK(fit("abcdef", 4) == "abc…");
  CHECK(fit("±±±±", 3) == "±±…");
  CHECK(fit("abc", 0).empty());
}

TEST_CASE("numbers have as many digits as were asked for") {
  CHECK(significant(21.3456, 3) == "21.3");
  CHECK(significant(0.031234, 3) == "0.0312");
  CHECK(significant(-3.21456, 4) == "-3.215");
  CHECK(significant(1024, 3) == "1024");
  CHECK(significant(9.996, 3) == "10.0");
  CHECK(significant(0, 3) == "0.00");
  CHECK(significant(1.07e9, 3) == "1.07e+09");
  CHECK(significant(2.5e-7, 2) == "2.5e-07");
  CHECK(significant(std::numeric_limits<double>::quiet_NaN(), 3) == "-");
}

TEST_CASE("a mean has the decimals of its standard deviation, and the signs stand in one column") {
  CHECK(with_spread({{20.61234, 0.52}, {-3.2, 12.3}, {426.123, 180.4}}) ==
        std::vector<std::string>{"20.612 ± 0.520", "  -3.2 ± 12.3 ", "   426 ± 180  "});
  CHECK(with_spread({{1e8, 1.0}}) == std::vector<std::string>{"100000000.00 ± 1.00"});
  CHECK(with_spread({{5e-7, 2e-11}}) == std::vector<std::string>{"5.000000e-07 ± 2.00e-11"});
  CHECK(with_spread({{-1e-9, 1}}) == std::vector<std::string>{"0.00 ± 1.00"});
  CHECK(with_spread({{2.5, 0}}) == std::vector<std::string>{"2.500 ± 0.0"});
}

TEST_CASE("rates and times are short") {
  CHECK(short_count(0) == "0");
  CHECK(short_count(950) == "950");
  CHECK(short_count(0.5) == "0.5");
  CHECK(short_count(12345) == "12.3 k");
  CHECK(short_count(4.56e6) == "4.56 M");
  CHECK(short_count(std::numeric_limits<double>::quiet_NaN()) == "-");
  CHECK(short_time(0.84) == "0.8 s");
  CHECK(short_time(42) == "42 s");
  CHECK(short_time(192) == "3 min 12 s");
  CHECK(short_time(7500) == "2 h 5 min");
  CHECK(short_time(3 * 86400 + 4 * 3600) == "3 d 4 h");
  CHECK(short_time(-1) == "-");
}

TEST_CASE("one is singular") {
  CHECK(counted(1, "row") == "1 row");
  CHECK(counted(2, "row") == "2 rows");
}

}  // namespace emulsion::client
