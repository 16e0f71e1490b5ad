// The laws of the text forms of options.
#include "daemon/option_values.h"

#include <catch2/catch.hpp>

#include "daemon/option_endpoints.h"
#include "daemon/option_settings.h"
#include "daemon/option_table.h"

namespace emulsion::service {

TEST_CASE("a range holds its bounds unless they are open, and nothing that is not finite") {
  const Range range{.low = 0.5, .high = 1, .low_open = true, .unit = "steps"};
  CHECK(range.text() == "(0.5, 1] steps");
  CHECK(Range{.low = 0}.text() == ">= 0");
  CHECK(range.contains(1));
  CHECK_FALSE(range.contains(0.5));
  CHECK_FALSE(Range{.low = 0}.contains(std::numeric_limits<double>::infinity()));
  CHECK_FALSE(Range{.low = 0}.contains(std::numeric_limits<double>::quiet_NaN()));
}

TEST_CASE("a number that is printed reads back as the same number") {
  const auto form = number_in(Range{});
  for (const double value : {0.0, 0.1, 1.0 / 3, 1e-300, 123456789.0, -2.5, 1e15, 1e300, 67108864.0}) {
    CHECK(form.read(form.print(value)).value() == value);
  }
  CHECK(form.print(10'000'000) == "10000000");
}

TEST_CASE("the whole text must be the number") {
  for (const char* text : {"", " 1", "1 ", "1x", "0x10", "+1", "1e", "--1", "nan", "inf", "1e999"}) {
    INFO(text);
    CHECK_FALSE(number_in(Range{}).read(text));
    CHECK_FALSE(whole_number_in<Index>(Range{}).read(text));
  }
  CHECK(whole_number_in<std::uint64_t>({.low = 0}).read("18446744073709551615").value() == 18446744073709551615u);
  CHECK_FALSE(whole_number_in<std::uint64_t>({.low = 0}).read("-1"));
  CHECK_FALSE(whole_number_in<Index>({.low = 0}).read("9223372036854775808"));
  CHECK(whole_number_in<int>({.low = -3, .high = 3}).read("-3").value() == -3);
}

TEST_CASE("words stand for values") {
  const auto form = one_of<int>({{"one", 1}, {"two", 2}});
  CHECK(form.read("two").value() == 2);
  CHECK(form.print(1) == "one");
  CHECK(form.read("tow").error().message == R"("tow" is not known; allowed: one, two; did you mean "two"?)");
  CHECK(truth().read("true").value());
  CHECK_FALSE(truth().read("1"));
  CHECK(free_text("").read("any text").value() == "any text");
}

TEST_CASE("the nearest word is meant, if it is near enough") {
  const std::vector<std::string> words{"components", "covariance", "half_life_points"};
  CHECK(nearest("componets", words) == "components");
  CHECK(nearest("covarinace", words) == "covariance");
  CHECK(nearest("half_life", words) == "half_life_points");
  CHECK_FALSE(nearest("xyz", words));
  CHECK_FALSE(nearest("", words));
  CHECK_FALSE(nearest(std::string(100'000, 'a'), words));
  CHECK(did_you_mean("componets", words) == R"(; did you mean "components"?)");
  CHECK(did_you_mean("xyz", words).empty());
}

TEST_CASE("text from outside is quoted in one line") {
  CHECK(in_quotes("a\nb") == R"("a\x0Ab")");
  CHECK(only("x") == "; allowed: x");
}

TEST_CASE("endpoints are read as they are written, or refused") {
  const auto bind = zmq_endpoint(Attachment::bind);
  const auto connect = zmq_endpoint(Attachment::connect);
  for (const char* text :
       {"tcp://127.0.0.1:7702", "tcp://[::1]:1", "tcp://host-1.example:65535", "ipc:///tmp/a b", "inproc://x"}) {
    INFO(text);
    CHECK(bind.read(text).value() == text);
    CHECK(connect.read(text).value() == text);
  }
  for (const char* text : {"tcp://*:5", "tcp://127.0.0.1:*"}) {
    CHECK(bind.read(text));
    CHECK_FALSE(connect.read(text));
  }
  for (const char* text : {"tcp://", "tcp://a", "tcp://a:", "tcp://a b:1", "tcp://[::1]", "tcp://::1:5",
                           "tcp://a:65536", "tcp://a:-1", "tcp://a:1 ", "udp://a:1", "ipc://"}) {
    INFO(text);
    CHECK_FALSE(bind.read(text));
  }
  CHECK_FALSE(bind.read("ipc://" + std::string(108, 'x')));
  CHECK(http_endpoint().read("[::1]:0").value() == "[::1]:0");
  CHECK(http_endpoint().read("").value().empty());
  CHECK_FALSE(http_endpoint().read(":80"));
}

TEST_CASE("inputs are printed as they are read") {
  for (const char* text : {"pull bind tcp://*:*", "subscribe connect ipc:///a b", "replay geyser my data.csv"}) {
    CHECK(input().print(input().read(text).value()) == text);
  }
  CHECK(input().print(input().read("pull \t bind   tcp://*:1").value()) == "pull bind tcp://*:1");
  CHECK_FALSE(input().read("pull"));
}

TEST_CASE("patterns match whole names") {
  CHECK(stream_patterns().read(" a*  b? ").value() == std::vector<std::string>{"a*", "b?"});
  CHECK(stream_patterns().print({"a*", "b?"}) == "a* b?");
  CHECK_FALSE(stream_patterns().read("a/b"));
  CHECK(matches("*", "anything"));
  CHECK(matches("office-*", "office-"));
  CHECK(matches("*a*b", "xaxbab"));
  CHECK(matches("r?om", "room"));
  CHECK_FALSE(matches("r?om", "rom"));
  CHECK_FALSE(matches("office", "office1"));
  CHECK_FALSE(matches("*a*b", "xaxba"));
  CHECK_FALSE(matches("", "a"));
}

TEST_CASE("an option is found by its key, and a refused text leaves the target unchanged") {
  const auto* components = find_option(stream_options(), "components");
  REQUIRE(components);
  CHECK_FALSE(find_option(stream_options(), "output"));
  StreamOptions stream;
  CHECK(components->read(stream, "7"));
  CHECK_FALSE(components->read(stream, "0"));
  CHECK(stream.learner.components == 7);
}

TEST_CASE("a setting is named as it is spelled at its place") {
  const Origin file{OriginKind::file, "a.conf", 3};
  const Origin variable{OriginKind::environment, "EMULSION_OUTPUT"};
  CHECK(file.place() == "a.conf:3");
  CHECK(Origin{OriginKind::file, "a.conf"}.place() == "a.conf");
  CHECK(variable.place() == "environment");
  CHECK(variable.text() == "environment EMULSION_OUTPUT");
  CHECK(Origin{}.text() == "command line");
  CHECK(file.spelling("defaults.threads") == "defaults.threads");
  CHECK(variable.spelling("defaults.threads") == "EMULSION_DEFAULTS_THREADS");
  CHECK(Origin{}.spelling("defaults.threads") == "--defaults.threads");
  CHECK(Fault{file, "x", "is wrong"}.text() == "a.conf:3: x: is wrong");
  CHECK(Fault{file, "", "is wrong"}.text() == "a.conf:3: is wrong");
}

}  // namespace emulsion::service
