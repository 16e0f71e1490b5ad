// The laws of --help, --print-config and the files in config/.
#include <catch2/catch.hpp>
#include <filesystem>
#include <set>
#include <sstream>

#include "daemon/option_loading.h"
#include "daemon/options.h"

namespace emulsion::service {

TEST_CASE("what is printed loads to the same options") {
  const std::string file = R"(input = replay geyser my data.csv
input = pull bind tcp://*:*
input = acknowledged bind tcp://*:*
http =
state_directory = my state
dynamic_streams = a* ge??er
[defaults]
half_life_seconds = 0.1
prior_fraction = 1e-7
starved_below_points = 0.30000000000000004
step_offset_points = 1e300
[stream.a]
half_life_points = 123456789
covariance = diagonal
random_seed = 18446744073709551615
[stream.b]
)";
  const auto loaded = load_text(file, {"--stream.c.threads", "3"}, {{"EMULSION_LOG_FORMAT", "json"}});
  REQUIRE(loaded.faults == kNone);
  const std::string printed = print_options(loaded);
  const auto again = load_text(printed);
  CHECK(again.faults == kNone);
  CHECK(values(again.options) == values(loaded.options));

  // A stream goes on following [defaults] where it has no value of its own.
  CHECK(load_text(printed, {"--defaults.components", "9"}).options.streams.at("a").learner.components == 9);
  CHECK(values(load_text(print_options(load_options({}, {}))).options) == values(DaemonOptions{}));
}

TEST_CASE("a list that is empty is printed as one empty value, and one that is not as all of its values") {
  CHECK(print_options(load_options({}, {})).find("\nfamily_library = ") != std::string::npos);
  const std::string example = EMULSION_FAMILIES_DIR "/inverse_gaussian.so";
  const auto loaded = load_text("family_library = " + example + "\n");
  CHECK(print_options(loaded).find("family_library = " + example + "  # emulsiond.conf:1\n") != std::string::npos);
  CHECK(values(load_text(print_options(loaded)).options) == values(loaded.options));
}

TEST_CASE("every printed value tells its origin") {
  const auto loaded =
      load_text("http =\n[stream.a]\nthreads = 2\n", {"--log_level=debug"}, {{"EMULSION_MAX_STREAMS", "3"}});
  std::set<std::string> lines;
  std::istringstream text(print_options(loaded));
  for (std::string line; std::getline(text, line);) {
    std::string squeezed;
    std::istringstream words(line);
    for (std::string word; words >> word;) squeezed += (squeezed.empty() ? "" : " ") + word;
    lines.insert(squeezed);
  }
  CHECK(lines.count("http = # emulsiond.conf:1"));
  CHECK(lines.count("log_level = debug # command line"));
  CHECK(lines.count("max_streams = 3 # environment EMULSION_MAX_STREAMS"));
  CHECK(lines.count("log_format = text # default"));
  CHECK(lines.count("threads = 1 # default"));
  CHECK(lines.count("threads = 2 # emulsiond.conf:3"));
  CHECK(lines.count("# components = 2 # from [defaults]"));
}

TEST_CASE("help begins with examples and lists every option with its default") {
  const std::string help = help_text();
  CHECK(help.find("Examples") < help.find("--config FILE"));
  const auto listed = [&](const std::string& flag, const std::string& value) {
    return help.find("  --" + flag + " (default: " + (value.empty() ? "nothing" : value) + ")\n") != std::string::npos;
  };
  for (const auto& option : daemon_options()) {
    INFO(option.key);
    CHECK(listed(option.key, option.print(DaemonOptions{}).front()));
  }
  for (const auto& option : stream_options()) {
    INFO(option.key);
    CHECK(listed("defaults." + option.key, option.print(StreamOptions{}).front()));
  }
  CHECK_FALSE(listed("defaults.components", "3"));
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 100);
}

TEST_CASE("the files in config/ have no faults") {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(EMULSION_SOURCE_DIR "/config")) {
    if (entry.path().extension() != ".conf") continue;
    INFO(entry.path());
    CHECK(load_options({"--config", entry.path().string()}, {}).faults == kNone);
    ++files;
  }
  CHECK(files >= 2);
}

TEST_CASE("config/emulsiond.conf holds every option at its default, with its meaning and what is allowed") {
  const std::string path = EMULSION_SOURCE_DIR "/config/emulsiond.conf";
  const auto loaded = load_options({"--config", path}, {});
  REQUIRE(loaded.faults == kNone);
  CHECK(values(loaded.options) == values(DaemonOptions{}));

  // By key, the comment that stands before it, in one line.
  std::map<std::string, std::string> comments;
  std::string comment;
  std::istringstream lines(read_file(path));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# "))
      comment += (comment.empty() ? "" : " ") + line.substr(2);
    else if (line.find(" =") != std::string::npos)
      comments[line.substr(0, line.find(" ="))] = comment;
    if (!line.starts_with("#")) comment.clear();
  }
  const auto check = [&](const auto& options, const std::string& prefix) {
    for (const auto& option : options) {
      INFO(prefix + option.key);
      CHECK(loaded.origins.count(prefix + option.key + (option.repeatable ? "[0]" : "")) == 1);
      CHECK(comments[option.key] == option.help + " Allowed: " + option.allowed);
    }
  };
  check(daemon_options(), "");
  check(stream_options(), "defaults.");
}

TEST_CASE("the demo learns four clusters of one shape of the occupancy stream and keeps no state") {
  const auto demo = load_options({"--config", EMULSION_SOURCE_DIR "/config/demo.conf"}, {}).options;
  CHECK(demo.streams.at("occupancy").learner.components == 4);
  CHECK(demo.streams.at("occupancy").learner.family == "gaussian(tied)");
  CHECK(demo.state_directory.empty());
}

}  // namespace emulsion::service
