// What the command does with its arguments and its files, before anything is drawn.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "clients/captured.h"
#include "clients/fake_daemon.h"
#include "clients/plot.h"
#include "clients/plot_example.h"

namespace emulsion::client {
namespace {

Captured run_plot(const std::vector<std::string>& arguments) {
  return capture([&] { return plot(arguments); });
}

}  // namespace

TEST_CASE("what does not go together on the command line is refused") {
  const std::pair<std::vector<std::string>, std::string> wrong[] = {
      {{"-o", "a.png"}, "expected one of --model, --history and --stream"},
      {{"--model", "m", "--stream", "s", "-o", "a.png"}, "expected one of --model, --history and --stream"},
      {{"--model", "m"}, "missing -o PICTURE"},
      {{"--model", "m", "-o", "a.gif"}, "\"a.gif\" ends in none of .png, .svg and .pdf"},
      {{"-", "--model", "-", "-o", "a.png"}, "points and model cannot both come from standard input"},
      {{"--model", "m", "-o", "a.png", "--at", "3"}, "--at needs --history"},
      {{"--model", "m", "-o", "a.png", "--kind", "log-likelihood"}, "--kind log-likelihood needs --history"},
      {{"--model", "m", "-o", "a.png", "--axes", "a", "--x", "b"}, "expected --axes, or --x and --y, not both"},
      {{"--model", "m", "-o", "a.png", "--y", "b"}, "--y needs --x"},
      {{"--model", "m", "-o", "a.png", "--label-column", "b"}, "--label-column needs a file of points"},
      {{"--stream", "a b", "-o", "a.png"}, "\"a b\" is not a stream's name; allowed: 1 to 64 of A-Z a-z 0-9 _ and -"},
  };
  for (const auto& [arguments, message] : wrong) {
    const Captured captured = run_plot(arguments);
    CHECK(captured.exit_code == 2);
    CHECK(captured.err == "emulsion plot: " + message + "\n");
  }
}

TEST_CASE("files that cannot be used are named") {
  const Files files;
  const std::string two = files.write("two.json", kTwo);
  const auto message = [](const std::vector<std::string>& arguments, int code) {
    const Captured captured = run_plot(arguments);
    CHECK(captured.exit_code == code);
    return captured.err;
  };
  CHECK(message({"--model", two, "--columns", "a,b,c", "-o", "a.png"}, 2) ==
        "emulsion plot: --columns names 3, but the model has 2\n");
  CHECK(message({"--model", files.path("none"), "-o", "a.png"}, 65) ==
        "emulsion plot: " + files.path("none") + ": No such file or directory\n");
  CHECK(message({"--model", files.path(""), "-o", "a.png"}, 65) == "emulsion plot: " + files.path("") + ": Is a directory\n");
  const std::string bad = files.write("bad.json", "{\"components\": []}");
  CHECK(message({"--model", bad, "-o", "a.png"}, 65) == "emulsion plot: " + bad + ": components: none, expected at least 1\n");
  const std::string three = files.write("three.csv", "a,b,c\n1,2,3\n");
  CHECK(message({three, "--columns", "a,b,c", "--model", two, "-o", "a.png"}, 65) ==
        "emulsion plot: " + three +
            ": 3 columns (a, b, c), but the model has 2; --columns and --label-column say which are coordinates\n");
  // Without --columns those are taken that the model names.
  CHECK(message({three, "--model", two, "-o", "a.png"}, 65).find("left") != std::string::npos);
  const std::string history = files.write("h.jsonl", R"({"iteration": 0, "mean_log_likelihood": -1}
{"iteration": 1, "mean_log_likelihood": -1}
)");
  CHECK(message({three, "--history", history, "-o", "a.png"}, 2).find("2 pictures need names of their own") !=
        std::string::npos);
  CHECK(message({three, "--history", history, "-o", "a.png", "--at", "2"}, 2) ==
        "emulsion plot: --at: there is no iteration 2; there are 0 to 1\n");
  CHECK(message({three, "--history", history, "-o", "a.png", "--at", "1"}, 65) ==
        "emulsion plot: " + history + ":2: model: missing\n");
}

TEST_CASE("an interpreter that is not there is said to be missing") {
  const Files files;
  setenv("EMULSION_PYTHON", files.path("python").c_str(), 1);
  const Captured captured = run_plot({"--model", files.write("two.json", kTwo), "-o", files.path("a.png")});
  unsetenv("EMULSION_PYTHON");
  CHECK(captured.exit_code == 69);
  CHECK(captured.err ==
        "emulsion plot: " + files.path("python") +
            ": No such file or directory; pictures are drawn by Python with matplotlib: apt install python3-matplotlib\n");
}

TEST_CASE("a stream that has no model yet is told as the daemon tells it") {
  FakeDaemon daemon;
  daemon.answer_with([](const wire::ControlRequest& request) {
    return wire::ControlReply{request.request_id, wire::ControlError{wire::ControlErrorCode::no_model, "no model yet"}};
  });
  auto arguments = daemon.flags({"control"});
  arguments.insert(arguments.end(), {"--stream", "room", "-o", "a.png"});
  CHECK(run_plot(arguments).exit_code == 75);
}

}  // namespace emulsion::client
