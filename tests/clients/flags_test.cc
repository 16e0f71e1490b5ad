#include "clients/flags.h"

#include <catch2/catch.hpp>
#include <cstdlib>

#include "clients/captured.h"

namespace emulsion::client {
namespace {

// A subcommand with one flag of each kind.
struct Example {
  bool loud = false;
  std::string name = "default";
  std::uint64_t batch = 256;
  double rate = 0;
  std::string format = "table";
  std::string address = "tcp://127.0.0.1:1";
  CountRange range;
  std::vector<std::string> words;
  std::optional<int> over;
  std::optional<bool> batch_given;

  Captured run(const std::vector<std::string>& arguments) {
    return capture([&] {
      Flags flags("example", "examples:\n  emulsion example\n");
      flags.toggle("loud", &loud, "more");
      flags.text("name", &name, "NAME", "a name");
      flags.whole("batch", &batch, 1, 1000, "ROWS", "rows");
      flags.number("rate", &rate, 0.5, 10, "PER_S", "rate");
      flags.choice("format", &format, {"table", "json"}, "how");
      flags.range("counts,c", &range, 1, 20, "N|N..M", "counts");
      flags.endpoint("input", &address, "EMULSION_CLIENT_TEST", "where");
      flags.positional("FILE", &words, 0, 1);
      over = flags.parse(arguments);
      batch_given = flags.given("batch");
      return over.value_or(0);
    });
  }
};

struct Environment {
  explicit Environment(const char* value) { setenv("EMULSION_CLIENT_TEST", value, 1); }
  ~Environment() { unsetenv("EMULSION_CLIENT_TEST"); }
};

}  // namespace

TEST_CASE("flags reach their targets, and those that are not given keep their defaults") {
  Example example;
  example.run({"--batch", "1000", "--rate=0.5", "--loud", "file.csv", "--format", "json"});
  CHECK_FALSE(example.over);
  CHECK(example.batch == 1000);
  CHECK(example.rate == 0.5);
  CHECK(example.loud);
  CHECK(example.format == "json");
  CHECK(example.words == std::vector<std::string>{"file.csv"});
  CHECK(example.name == "default");
  CHECK(example.batch_given == true);
  Example untouched;
  untouched.run({});
  CHECK(untouched.batch == 256);
  CHECK(untouched.batch_given == false);
}

TEST_CASE("a lone dash is an argument") {
  Example example;
  example.run({"-"});
  CHECK_FALSE(example.over);
  CHECK(example.words == std::vector<std::string>{"-"});
}

TEST_CASE("numbers out of range, signs and rubbish are refused with the range") {
  const std::string message = "emulsion example: --batch: \"-1\" is not a whole number from 1 to 1000\n";
  Example example;
  const Captured captured = example.run({"--batch", "-1"});
  CHECK(captured.exit_code == 2);
  CHECK(captured.err.find(message) == 0);
  for (const char* bad : {"--batch=0", "--batch=1001", "--batch=1.5", "--batch=", "--batch=99999999999999999999999",
                          "--batch=7x", "--rate=nan", "--rate=inf", "--rate=0.4", "--rate=fast"}) {
    INFO(bad);
    CHECK(Example().run({bad}).exit_code == 2);
  }
}

TEST_CASE("an unknown flag is answered with the nearest one") {
  const Captured captured = Example().run({"--btach", "3"});
  CHECK(captured.exit_code == 2);
  CHECK(captured.err.find("unknown flag \"--btach\"; did you mean \"--batch\"?") != std::string::npos);
  CHECK(Example().run({"--zzzzzz"}).err.find("did you mean") == std::string::npos);
}

TEST_CASE("a word that is not allowed is answered with those that are") {
  CHECK(Example().run({"--format", "xml"}).err.find("--format: \"xml\"; allowed: table, json") != std::string::npos);
}

TEST_CASE("too many arguments, doubled flags and flags without a value are usage faults") {
  CHECK(Example().run({"a", "b"}).err.find("unexpected argument \"b\"") != std::string::npos);
  CHECK(Example().run({"--batch", "1", "--batch", "2"}).exit_code == 2);
  CHECK(Example().run({"--batch"}).exit_code == 2);
  CHECK(Example().run({"--bat", "3"}).exit_code == 2);
}

TEST_CASE("a missing argument is named") {
  const Captured captured = capture([] {
    Flags flags("example", "");
    std::vector<std::string> words;
    flags.positional("STREAM", &words, 1, 1);
    return flags.parse({}).value_or(0);
  });
  CHECK(captured.exit_code == 2);
  CHECK(captured.err.find("missing STREAM") != std::string::npos);
}

TEST_CASE("help goes to stdout, examples first, and is no failure") {
  Example example;
  const Captured captured = example.run({"--help"});
  CHECK(example.over == 0);
  CHECK(captured.out.find("examples:") == 0);
  CHECK(captured.out.find("(default 256)") != std::string::npos);
  CHECK(captured.out.find("EMULSION_CLIENT_TEST") != std::string::npos);
  CHECK(captured.err.empty());
}

TEST_CASE("a flag overrules the environment, which overrules the default") {
  const Environment environment("tcp://127.0.0.1:2");
  Example example;
  example.run({});
  CHECK(example.address == "tcp://127.0.0.1:2");
  example.run({"--input", "ipc:///tmp/x"});
  CHECK(example.address == "ipc:///tmp/x");
}

TEST_CASE("a wrong address is a usage fault on the command line and a configuration fault in the environment") {
  CHECK(Example().run({"--input", "localhost:7701"}).exit_code == 2);
  const Environment environment("localhost");
  const Captured captured = Example().run({});
  CHECK(captured.exit_code == 78);
  CHECK(captured.err.find("environment: EMULSION_CLIENT_TEST: \"localhost\" is not an address") != std::string::npos);
  CHECK(Example().run({"--input", "tcp://127.0.0.1:2"}).exit_code == 0);
}

TEST_CASE("a range is one count, or two with dots between them") {
  Example one;
  CHECK(one.run({"-c", "3"}).exit_code == 0);
  CHECK((one.range.least == 3 && one.range.most == 3));
  Example two;
  CHECK(two.run({"--counts", "2..10"}).exit_code == 0);
  CHECK((two.range.least == 2 && two.range.most == 10));
  for (const char* wrong : {"0", "21", "3..", "..3", "3..2", "1..21", "1.5", "1...3", ""}) {
    CAPTURE(wrong);
    CHECK(Example().run({"-c", wrong}).exit_code == 2);
  }
  CHECK(Example().run({"-c", "3..2"}).err.starts_with("emulsion example: --counts: \"3..2\" goes down"));
  CHECK(Example().run({"--count", "3"}).err.find("did you mean \"--counts\"?") != std::string::npos);
}

TEST_CASE("lists are cut at commas") {
  CHECK(split_list("a,b") == std::vector<std::string>{"a", "b"});
  CHECK(split_list("a,") == std::vector<std::string>{"a", ""});
  CHECK(split_list("").empty());
}

TEST_CASE("the nearest word is at most two letters away") {
  const std::vector<std::string> words{"status", "send", "model"};
  CHECK(nearest("stauts", words) == "status");
  CHECK(nearest("modle", words) == "model");
  CHECK(nearest("snd", words) == "send");
  CHECK_FALSE(nearest("frobnicate", words));
  CHECK_FALSE(nearest("x", words));
}

}  // namespace emulsion::client
