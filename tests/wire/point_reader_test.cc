#include "emulsion/wire/point_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <future>

#include "wire/point_reading.h"

using namespace emulsion;
using namespace emulsion::wire;
using namespace emulsion::testing;
using Strings = std::vector<std::string>;

namespace {

Eigen::MatrixXd rows(std::initializer_list<std::initializer_list<double>> values) {
  Eigen::MatrixXd points(values.begin()->size(), values.size());
  Index column = 0;
  for (const auto& row : values) {
    Index at = 0;
    for (const double value : row) points(at++, column) = value;
    ++column;
  }
  return points;
}

const std::string kFaithful = "eruptions,waiting\n3.6,79\n1.8,54\n3.333,74\n";

}  // namespace

TEST_CASE("the same points come from every format", "[reader]") {
  const Eigen::MatrixXd expected = rows({{1, 2.5}, {-3, 4e-3}});
  CHECK(all_of("a,b\n1,2.5\n-3,4e-3\n", "p.csv").batch.points == expected);
  CHECK(all_of("a\tb\n1\t2.5\n-3\t4e-3\n", "p.tsv").batch.points == expected);
  CHECK(all_of("[1,2.5]\n[-3,0.004]\n", "p.jsonl").batch.points == expected);
  CHECK(all_of("{\"a\":1,\"b\":2.5}\n{\"b\":0.004,\"a\":-3}\n", "p.jsonl").batch.points == expected);
  for (int version : {1, 2, 3}) {
    CHECK(all_of(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }\n",
                     bytes_of<double>({1, 2.5, -3, 4e-3}), version),
                 "p.npy")
              .batch.points == expected);
  }
  CHECK(
      all_of(npy("{'descr': '<f8', 'fortran_order': True, 'shape': (2, 2), }\n", bytes_of<double>({1, -3, 2.5, 4e-3})),
             "p.npy")
          .batch.points == expected);
}

TEST_CASE("a name without a known end leaves the format to the first byte", "[reader]") {
  CHECK(all_of("1,2\n", "-").batch.points == rows({{1, 2}}));
  CHECK(all_of("[1,2]\n", "-").batch.points == rows({{1, 2}}));
  CHECK(all_of("{\"a\":1}\n", "-").batch.points == rows({{1}}));
  CHECK(all_of(npy("{'descr':'|u1','fortran_order':False,'shape':(2,)}", "\x01\xff"), "-").batch.points ==
        rows({{1}, {255}}));
  PointReaderOptions options;
  options.format = PointFormat::json_lines;
  CHECK(all_of("[1,2]\n", "odd.csv", options).batch.points == rows({{1, 2}}));
  CHECK(parse_point_format("npy").value() == PointFormat::npy);
  CHECK(parse_point_format("xls").error().message ==
        "\"xls\" is not a format of points; allowed: auto, csv, jsonl, npy");
}

TEST_CASE("chunks hold every row once and know their first line", "[reader]") {
  std::string text = "a\n";
  for (int i = 0; i < 10; ++i) text += std::to_string(i) + "\n";
  auto reader = reader_of(text, "p.csv");
  REQUIRE(reader);
  std::vector<std::uint64_t> first_lines;
  double next = 0;
  while (auto table = reader->read(4).value()) {
    first_lines.push_back(table->first_line);
    CHECK(table->batch.size() <= 4);
    for (Index i = 0; i < table->batch.size(); ++i) CHECK(table->batch.points(0, i) == next++);
  }
  CHECK(next == 10);
  CHECK(first_lines == std::vector<std::uint64_t>{2, 6, 10});
  CHECK_FALSE(reader->read(0));
}

TEST_CASE("every row has its line, and lines their place in words", "[reader]") {
  auto reader = reader_of("a,b\n1,2\n\n3,\"4\"\n5,6\n", "p.csv");
  REQUIRE(reader);
  const auto table = reader->read(10).value();
  CHECK(table->lines == std::vector<std::uint64_t>{2, 4, 5});
  CHECK(reader->place(4) == "p.csv:4");
}

TEST_CASE("other columns can be taken before the first read", "[reader]") {
  auto reader = reader_of("a,b,c\n1,2,3\n4,5,6\n", "p.csv");
  REQUIRE(reader);
  CHECK(reader->all_columns() == Strings{"a", "b", "c"});
  CHECK_FALSE(reader->choose({"d"}));
  REQUIRE(reader->choose({"c", "a"}));
  CHECK(reader->columns() == Strings{"c", "a"});
  CHECK(reader->read(10).value()->batch.points == rows({{3, 1}, {6, 4}}));
}

TEST_CASE("the first line of a CSV file is a header if a cell of it is not a number", "[reader][csv]") {
  CHECK(reader_of(kFaithful, "p.csv")->columns() == Strings{"eruptions", "waiting"});
  CHECK(reader_of("1,2\n3,4\n", "p.csv")->columns() == Strings{"x0", "x1"});
  CHECK(all_of("1,2\n3,4\n", "p.csv").batch.size() == 2);
  CHECK(all_of("1,\n3,4\n", "p.csv").batch.size() == 2);  // a missing value names nothing

  PointReaderOptions options;
  options.csv_header = CsvHeader::present;
  CHECK(all_of("1,2\n3,4\n", "p.csv", options).batch.size() == 1);
  options.csv_header = CsvHeader::absent;
  CHECK(reader_of("1,b\n3,4\n", "p.csv", options)->left_out() == Strings{"x1"});

  // Text in a column of labels makes no header.
  PointReaderOptions iris;
  iris.label_column = "2";
  const PointTable table = all_of("5.1,3.5,setosa\n6.2,2.9,virginica\n", "p.csv", iris);
  CHECK(table.batch.points == rows({{5.1, 3.5}, {6.2, 2.9}}));
  CHECK(table.labels == Strings{"setosa", "virginica"});
}

TEST_CASE("CSV is read as RFC 4180 has it", "[reader][csv]") {
  PointReaderOptions options;
  options.label_column = "name";
  auto reader = reader_of("\xEF\xBB\xBF\"x, m\",name\r\n\r\n1,\"a \"\"b\"\"\"\r\n2,\"two\nlines\"\r\n 3 , c \r\n4,",
                          "p.csv", options);
  REQUIRE(reader);
  CHECK(reader->columns() == Strings{"x, m"});
  auto first = reader->read(1).value();
  CHECK(first->first_line == 3);
  CHECK(first->labels == Strings{"a \"b\""});
  CHECK(reader->read(1).value()->labels == Strings{"two\nlines"});
  auto third = reader->read(1).value();
  CHECK(third->first_line == 6);
  CHECK(third->labels == Strings{"c"});
  CHECK(third->batch.points == rows({{3}}));
  CHECK(reader->read(1).value()->labels == Strings{""});  // the last line needs no newline
  CHECK_FALSE(reader->read(1).value());
}

TEST_CASE("missing coordinates are NaN", "[reader]") {
  const auto missing = [](const PointTable& table) {
    return std::isnan(table.batch.points(0, 0)) && table.batch.points(1, 0) == 7;
  };
  for (const char* cell : {"", "nan", "NaN", "-nan", "NA", "\"\""}) {
    INFO(cell);
    CHECK(missing(all_of("a,b\n" + std::string(cell) + ",7\n", "p.csv")));
  }
  CHECK(missing(all_of("[null,7]\n", "p.jsonl")));
  CHECK(
      missing(all_of(npy("{'descr':'<f4','fortran_order':False,'shape':(1,2)}", bytes_of<float>({NAN, 7})), "p.npy")));
}

TEST_CASE("a bad cell is named with its file, line and column", "[reader]") {
  const auto error = [](const std::string& text, const std::string& name) {
    auto reader = reader_of(text, name);
    REQUIRE(reader);
    CHECK(reader->read(1000).value()->batch.size() == 1);  // the rows before it are not lost
    const auto failed = reader->read(1000);
    REQUIRE_FALSE(failed);
    // Reading goes on behind it.
    CHECK(reader->read(1000).value()->batch.points == rows({{5, 6}}));
    return failed.error().message;
  };
  const auto csv = [&](const std::string& row) { return error("eruptions,waiting\n1,2\n" + row + "\n5,6\n", "f.csv"); };
  CHECK(csv("3.6,n/a") == "f.csv:3: column \"waiting\": \"n/a\" is not a number");
  CHECK(csv("1.5x,2") == "f.csv:3: column \"eruptions\": \"1.5x\" is not a number");
  CHECK(csv("0x10,2") == "f.csv:3: column \"eruptions\": \"0x10\" is not a number");
  CHECK(csv("+-1,2") == "f.csv:3: column \"eruptions\": \"+-1\" is not a number");
  CHECK(csv("inf,2") == "f.csv:3: column \"eruptions\": \"inf\" is not a finite number");
  CHECK(csv("1,1e999") == "f.csv:3: column \"waiting\": \"1e999\" is out of the range of a double");
  CHECK(csv("1") == "f.csv:3: 1 cells where there are 2 columns");
  CHECK(csv("1,2,3") == "f.csv:3: 3 cells where there are 2 columns");
  CHECK(csv("1,2\"3") == "f.csv:3: a quotation mark inside a cell is neither doubled nor around it");

  const auto json = [&](const std::string& row) { return error("[1,2]\n" + row + "\n[5,6]\n", "f.jsonl"); };
  CHECK(json("[1,true]") == "f.jsonl:2: column \"x1\": true is not a number");
  CHECK(json("[1,[2]]") == "f.jsonl:2: column \"x1\": an array is not a number");
  CHECK(json("[1,\"n/a\"]") == "f.jsonl:2: column \"x1\": \"n/a\" is not a number");
  CHECK(json("[1]") == "f.jsonl:2: 1 values where there are 2 columns");
  CHECK(json("[1,2") == "f.jsonl:2: not JSON at byte 5 of the line");
  CHECK(json("[1,1e999]") == "f.jsonl:2: a number is out of the range of a double");
  CHECK(json("7") == "f.jsonl:2: neither an array nor an object");
  CHECK(json("{\"x0\":1}") == "f.jsonl:2: an object where the first row is an array");
}

TEST_CASE("a key that is not there is an error only if it is wanted", "[reader]") {
  const std::string text = "{\"a\":1,\"b\":2,\"note\":\"x\"}\n{\"a\":3,\"b\":4,\"more\":5}\n{\"a\":6}\n";
  auto reader = reader_of(text, "p.jsonl");
  REQUIRE(reader);
  CHECK(reader->left_out() == Strings{"note"});
  CHECK(reader->read(9).value()->batch.points == rows({{1, 2}, {3, 4}}));
  CHECK(reader->read(9).error().message == "p.jsonl:3: column \"b\": is not there");
}

TEST_CASE("keys come in any order, what is inside of values is nobody's column, and of equal keys the last one counts", "[reader]") {
  const std::string first = "{\"a\":1,\"b\":2}\n";
  CHECK(all_of(first + "{\"b\":4,\"a\":3}\n{\"b\":6,\"c\":{\"a\":[7,{\"b\":8}]},\"a\":5}\n", "p.jsonl").batch.points == rows({{1, 2}, {3, 4}, {5, 6}}));
  CHECK(all_of(first + "{\"a\":9,\"b\":4,\"a\":3}\n", "p.jsonl").batch.points == rows({{1, 2}, {3, 4}}));
  CHECK(all_of("{\"a\":9,\"b\":2,\"a\":1}\n{\"a\":3,\"b\":4}\n", "p.jsonl").batch.points == rows({{1, 2}, {3, 4}}));
  CHECK(reader_of("{\"a\":9,\"b\":2,\"a\":1}\n", "p.jsonl")->columns() == Strings{"a", "b"});
  CHECK(all_of("[[1,[2]],1,2]\n[{\"a\":[]},3,4]\n", "p.jsonl").batch.points == rows({{1, 2}, {3, 4}}));
  CHECK(reader_of("{\"a\":1}\n{\"a\":{}}\n", "p.jsonl")->read(9).value()->batch.points == rows({{1}}));
}

TEST_CASE("a row of JSON has no more columns than any other", "[reader]") {
  std::string row = "[1";
  for (int i = 0; i < 65536; ++i) row += ",1";
  CHECK(reader_of(row + "]\n", "p.jsonl").error().message == "p.jsonl:1: more than 65536 columns");
}

TEST_CASE("skipped rows are counted, and the first ten explained", "[reader]") {
  PointReaderOptions options;
  options.bad_rows = BadRowPolicy::skip;
  std::string text = "a,b\nx\n1,2\n";
  for (int i = 0; i < 20; ++i) text += "3,bad\n";
  text += "4,5\n\"\n";
  auto reader = reader_of(text, "p.csv", options);
  REQUIRE(reader);
  CHECK(rest(*reader).batch.points == rows({{1, 2}, {4, 5}}));
  CHECK(reader->refused_rows() == 22);
  REQUIRE(reader->refusals().size() == 10);
  CHECK(reader->refusals()[0] == "p.csv:2: 1 cells where there are 2 columns");
  CHECK(reader->refusals()[1] == "p.csv:4: column \"b\": \"bad\" is not a number");
}

TEST_CASE("columns are chosen by name or position", "[reader]") {
  const std::string text = "id,a,b,kind\nr1,1,2,k\nr2,3,4,l\n";
  CHECK(reader_of(text, "p.csv")->columns() == Strings{"a", "b"});
  CHECK(reader_of(text, "p.csv")->left_out() == Strings{"id", "kind"});
  PointReaderOptions options;
  options.columns = {"b", "1"};
  options.label_column = "id";
  const PointTable table = all_of(text, "p.csv", options);
  CHECK(table.batch.points == rows({{2, 1}, {4, 3}}));
  CHECK(table.labels == Strings{"r1", "r2"});

  const auto refused = [&](Strings columns) {
    PointReaderOptions wanted;
    wanted.columns = std::move(columns);
    return reader_of(text, "p.csv", wanted).error().message;
  };
  CHECK(refused({"c"}) == "p.csv: no column \"c\"; there are: id, a, b, kind");
  CHECK(refused({"4"}) == "p.csv: no column \"4\"; there are: id, a, b, kind");
  CHECK(refused({"a", "1"}) == "p.csv: column \"1\" is chosen twice");
}

TEST_CASE("a column of text that was asked for is an error of its row", "[reader]") {
  PointReaderOptions options;
  options.columns = {"id"};
  auto reader = reader_of("id,a\nr1,1\n", "p.csv", options);
  REQUIRE(reader);
  CHECK(reader->read(1).error().message == "p.csv:2: column \"id\": \"r1\" is not a number");
}

TEST_CASE("times and weights are parts of a row", "[reader]") {
  PointReaderOptions options;
  options.time_column = "when";
  options.weight_column = "w";
  auto reader =
      reader_of("when,x,w\n2015-02-04 17:51:00,1,2\n1423072261.5,3,0.5\n,4,1\n5,5,0\n6,6,\n7,7,1\n", "p.csv", options);
  REQUIRE(reader);
  CHECK(reader->columns() == Strings{"x"});
  const PointTable table = *reader->read(9).value();
  CHECK(table.batch.unix_nanoseconds == std::vector<std::int64_t>{1423072260000000000, 1423072261500000000});
  CHECK(table.batch.weights == Eigen::Vector2d(2, 0.5));
  CHECK(reader->read(9).error().message == "p.csv:4: column \"when\": the time is missing");
  CHECK(reader->read(9).error().message == "p.csv:5: column \"w\": weight 0 is not > 0");
  CHECK(reader->read(9).error().message == "p.csv:6: column \"w\": the weight is missing");
  CHECK(reader->read(9).value()->batch.weights[0] == 1);

  options.weight_column = "";
  options.time_column = "0";
  options.time_unit = TimeUnit::nanoseconds;
  const PointTable array =
      all_of(npy("{'descr':'<i8','fortran_order':False,'shape':(1,2)}", bytes_of<std::int64_t>({9007199254740993, 2})),
             "p.npy", options);
  CHECK(array.batch.unix_nanoseconds == std::vector<std::int64_t>{9007199254740993});
  CHECK(array.batch.points == rows({{2}}));
}

TEST_CASE("labels are spelled as the file spells them", "[reader]") {
  PointReaderOptions options;
  options.label_column = "l";
  CHECK(all_of("x,l\n1,007\n2,\n", "p.csv", options).labels == Strings{"007", ""});
  auto reader = reader_of("{\"x\":1,\"l\":7}\n{\"x\":1,\"l\":1.5}\n{\"x\":1,\"l\":null}\n{\"x\":1,\"l\":[]}\n",
                          "p.jsonl", options);
  CHECK(reader->read(9).value()->labels == Strings{"7", "1.5", ""});
  CHECK(reader->read(9).error().message == "p.jsonl:4: column \"l\": an array is not a label");
}

TEST_CASE("cells are separated by commas, or where the first line has none by semicolons or tabs", "[reader]") {
  const Eigen::MatrixXd expected = rows({{1, 2.5}, {-3, 4}});
  CHECK(all_of("a;b\n1;2.5\n-3;4\n", "p.csv").batch.points == expected);
  CHECK(all_of("a\tb\n1\t2.5\n-3\t4\n", "p.csv").batch.points == expected);
  CHECK(all_of("\n1;2.5\n-3;4\n", "p.csv").batch.points == expected);
  CHECK(all_of("\"a,b\";c\td\n1;2.5\n-3;4\n", "p.csv").batch.points == expected);
  CHECK(reader_of("a;b,c\n1,2\n", "p.csv")->columns() == Strings{"a;b", "c"});
  CHECK(reader_of("a\tb;c,d\n1\t2\n", "p.tsv")->columns() == Strings{"a", "b;c,d"});
  // What separates later lines says nothing.
  CHECK(reader_of("a\n1;2\n", "p.csv").error().message ==
        "p.csv:2: no column of numbers is left for the points; column \"a\": \"1;2\" is not a number");
}

TEST_CASE("a file without points says so", "[reader]") {
  CHECK(reader_of("", "p.csv").error().message == "p.csv: no points");
  CHECK(reader_of("", "p.jsonl").error().message == "p.jsonl: no points");
  CHECK(reader_of("", "p.npy").error().message == "p.npy: not an npy file");
  CHECK(reader_of("a,b\nx,y\n", "p.csv").error().message ==
        "p.csv:2: no column of numbers is left for the points; column \"a\": \"x\" is not a number");
  // A header alone is a file of no rows.
  auto reader = reader_of("a,b\n", "p.csv");
  REQUIRE(reader);
  CHECK_FALSE(reader->read(1).value());
  CHECK(PointReader::open("does-not-exist.csv").error().message == "does-not-exist.csv: No such file or directory");
  CHECK(PointReader::open("/").error().message == "/: Is a directory");
}

TEST_CASE("a line without an end is refused", "[reader]") {
  const std::string endless(17 << 20, '1');
  for (const char* name : {"p.csv", "p.jsonl"}) {
    CHECK(reader_of(endless, name).error().message == std::string(name) + ":1: the line is longer than 16777216 bytes");
  }
  CHECK(reader_of("a,b\n1,\"2\n3,4\n", "p.csv").error().message == "p.csv:2: a quoted cell is not closed");
}

TEST_CASE("rows that come slowly are given when they have waited long enough", "[reader]") {
  char pattern[] = "/tmp/emulsion-reader-XXXXXX";
  REQUIRE(::mkdtemp(pattern) != nullptr);
  const std::string directory = pattern;
  const std::string pipe = directory + "/points.csv";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  std::atomic<bool> interrupted = false;
  PointReaderOptions options;
  options.patience = std::chrono::milliseconds(20);
  options.interrupted = [&] { return interrupted.load(); };
  auto opened = std::async(std::launch::async, [&] { return PointReader::open(pipe, options); });
  const int writer = ::open(pipe.c_str(), O_WRONLY);
  REQUIRE(writer >= 0);
  REQUIRE(::write(writer, "1\n2\n", 4) == 4);
  auto reader = opened.get();
  REQUIRE(reader);
  CHECK(reader->read(1000).value()->batch.points == rows({{1}, {2}}));
  // No more comes, and the pipe stays open: only an interruption ends it.
  auto more = std::async(std::launch::async, [&] { return reader->read(1000); });
  interrupted = true;
  CHECK_FALSE(more.get().value());
  ::close(writer);
  std::filesystem::remove_all(directory);
}

TEST_CASE("the data that comes with Emulsion is read whole", "[reader]") {
  const std::string directory = EMULSION_SOURCE_DIR "/clients/data/";
  PointReaderOptions options;
  options.label_column = "occupied";
  auto room = PointReader::open(directory + "room_occupancy.csv", options);
  REQUIRE(room);
  CHECK(room->columns() == Strings{"temperature", "humidity", "light", "co2", "humidity_ratio"});
  const PointTable table = rest(*room);
  CHECK(table.batch.size() == 8143);
  CHECK(std::count(table.labels.begin(), table.labels.end(), "1") == 1729);
  CHECK(table.batch.points.col(0) == (Eigen::VectorXd(5) << 23.18, 27.272, 426, 721.25, 0.0047929881765052).finished());
  auto geyser = PointReader::open(directory + "old_faithful.csv");
  REQUIRE(geyser);
  CHECK(rest(*geyser).batch.size() == 272);
}
