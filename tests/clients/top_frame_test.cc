#include "clients/top_frame.h"

#include <catch2/catch.hpp>

#include "clients/example_messages.h"
#include "clients/progress.h"
#include "clients/table.h"

namespace emulsion::client {
namespace {

TopSample example_sample() {
  TopSample sample;
  sample.seconds = 100;
  sample.endpoint = "tcp://127.0.0.1:7703";
  sample.status.version = "0.1.0";
  sample.status.uptime_seconds = 42;
  sample.status.messages_received = 32;
  sample.status.messages_published = 40;
  sample.status.streams = {example_stream("room")};
  sample.models.emplace("room", example_model("room"));
  return sample;
}

}  // namespace

TEST_CASE("a picture shows the daemon, its streams and their components, the largest first") {
  TopSample before = example_sample();
  before.seconds = 98;
  before.status.messages_received = 22;
  before.status.streams[0].points_accepted = 143;
  std::string text;
  for (const auto& line : top_frame(example_sample(), &before, {80, 24})) text += line + "\n";
  CHECK(text ==
        "emulsiond 0.1.0 at tcp://127.0.0.1:7703, up 42 s    q: quit\n"
        "messages: 32 in (5/s), 40 out (0/s)\n"
        "\n"
        "stream  phase     points/s  accepted  refused  missing  waiting  nats/point\n"
        "room    learning    4.00 k      8143        3        2       43      -3.215\n"
        "\n"
        "room: model 7 of 8143 points\n"
        "id  share             weight       x0 ± sd        x1 ± sd\n"
        " 1  ████████████      0.750   20.50 ± 2.00   -1.00 ± 3.00\n"
        "12  ████              0.250!   0.00 ± 1.00  426.00 ± 4.00\n");
}

TEST_CASE("without an earlier picture there are no rates, and after a restart none either") {
  const auto first = top_frame(example_sample(), nullptr, {80, 24});
  CHECK(first[1] == "messages: 32 in (-/s), 40 out (-/s)");
  TopSample before = example_sample();
  before.seconds = 90;
  before.status.daemon_session = 1;
  CHECK(top_frame(example_sample(), &before, {80, 24})[1] == "messages: 32 in (-/s), 40 out (-/s)");
}

TEST_CASE("a picture never exceeds the terminal, and every model that has room is seen") {
  TopSample sample = example_sample();
  sample.status.streams.clear();
  sample.models.clear();
  for (int i = 0; i < 6; ++i) {
    const std::string name = "stream-with-quite-a-long-name-" + std::to_string(i);
    sample.status.streams.push_back(example_stream(name));
    wire::ModelMessage model = example_model(name);
    for (int k = 0; k < 20; ++k) model.components.push_back(model.components[0]);
    sample.models.emplace(name, model);
  }
  for (const TerminalSize size : {TerminalSize{80, 24}, {40, 10}, {20, 3}, {200, 60}, {1, 1}}) {
    const auto lines = top_frame(sample, nullptr, size);
    CHECK(lines.size() <= size.rows);
    for (const auto& line : lines) CHECK(display_width(line) <= size.columns);
  }
  const auto large = top_frame(sample, nullptr, {100, 60});
  CHECK(std::count_if(large.begin(), large.end(),
                      [](const auto& line) { return line.find("of 22 components") != std::string::npos; }) == 6);
}

TEST_CASE("a daemon that stopped answering is marked, and what was known stays") {
  TopSample sample = example_sample();
  sample.fault = "no answer";
  const auto lines = top_frame(sample, nullptr, {80, 24});
  CHECK(lines[2] == "! no answer");
  CHECK(lines.size() == 11);
}

TEST_CASE("a picture of a daemon without streams says how to make one") {
  TopSample sample = example_sample();
  sample.status.streams.clear();
  sample.models.clear();
  CHECK(top_frame(sample, nullptr, {80, 24}).back() == "no streams yet; `emulsion send FILE` makes one");
}

TEST_CASE("progress has a bar where the total is known") {
  CHECK(progress_line(5000, 10000, 0.5, 80) == "5000 of 10000 rows  [##########          ]  50 %  10.0 k rows/s");
  CHECK(progress_line(5000, std::nullopt, 0.5, 80) == "5000 rows  10.0 k rows/s");
  CHECK(progress_line(5000, 0, 0, 80) == "5000 rows  ");
  CHECK(progress_line(5000, 10000, 0.5, 10) == "5000 of 1…");
}

}  // namespace emulsion::client
