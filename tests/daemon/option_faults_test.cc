// What is refused, and what is then said.
#include <catch2/catch.hpp>

#include "daemon/option_loading.h"
#include "daemon/options.h"
#include "daemon/wrong_configs.h"

namespace emulsion::service {

TEST_CASE("each wrong file gives exactly its faults") {
  REQUIRE(kWrongFiles.size() >= 40);
  for (const WrongFile& wrong : kWrongFiles) {
    INFO(wrong.text);
    CHECK(load_text(wrong.text).faults == wrong.faults);
  }
}

TEST_CASE("each wrong command line gives exactly its fault") {
  for (const WrongCommandLine& wrong : kWrongCommandLines) {
    INFO(wrong.fault);
    CHECK(load_options(wrong.arguments, {}).faults == std::vector<std::string>{wrong.fault});
  }
}

TEST_CASE("each wrong variable gives exactly its fault") {
  for (const WrongVariable& wrong : kWrongVariables) {
    INFO(wrong.name);
    CHECK(load_options({}, {{wrong.name, wrong.value}}).faults == std::vector<std::string>{wrong.fault});
  }
}

TEST_CASE("faults of all origins are found in one run, overridden settings included") {
  const auto loaded = load_text("log_level = loud\n", {"--log_level", "info", "--defaults.threads=0"},
                                {{"EMULSION_LOG_LEVEL", "quiet"}});
  CHECK(loaded.faults ==
        std::vector<std::string>{
            R"(emulsiond.conf:1: log_level: "loud" is not known; allowed: trace, debug, info, warning, error)",
            R"(environment: EMULSION_LOG_LEVEL: "quiet" is not known; allowed: trace, debug, info, warning, error)",
            R"(command line: --defaults.threads: 0 is out of range; allowed: [1, 256] threads)"});
}

TEST_CASE("a file that cannot be read is a fault") {
  const TemporaryDirectory directory;
  const std::string missing = directory.file("none.conf");
  const std::string folder = directory.path();
  const std::string long_file = directory.file("long.conf");
  write_file(long_file, std::string((1 << 20) + 1, '#'));
  const auto fault = [](const std::string& path) { return load_options({"--config", path}, {}).faults; };
  CHECK(fault(missing) == std::vector<std::string>{missing + ": cannot be opened: No such file or directory"});
  CHECK(fault(folder) == std::vector<std::string>{folder + ": is a directory; allowed: a configuration file"});
  CHECK(fault(long_file) ==
        std::vector<std::string>{long_file + ": is longer than 1 MiB; allowed: a configuration file"});
}

}  // namespace emulsion::service
